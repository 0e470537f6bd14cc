"""Where a referral stands by everything that is in this unit's journal, held messages included.

Invariant: the table that every side decides by; what was refused, erased or is of a newer version does not count.
"""

from collections.abc import Sequence

from adapters.storage.journal import Entry, OwnState
from contracts.envelope import parse
from contracts.errors import ContractsError
from contracts.facts import Facts
from contracts.messages.referral import ReferralFacts, ReferralSent
from contracts.names import ReferralId
from contracts.referral_table import ReferralParties, ReferralState, next_state


def standing(entries: Sequence[Entry], referral_id: ReferralId) -> ReferralState | None:
    """The state that messages lead to, in the order in which they came; what was refused or erased does not count."""
    state, parties = None, None
    for entry in sorted(entries, key=lambda one: one.number):
        if entry.payload is None or entry.state is OwnState.REFUSED:
            continue
        facts = _facts_of(entry.payload)
        if not isinstance(facts, ReferralFacts) or facts.referral_id != referral_id:
            continue
        if isinstance(facts, ReferralSent):
            state, parties = ReferralState.SENT, ReferralParties(entry.author, facts.target)
        elif state is not None and parties is not None:
            state = next_state(state, facts, signer=entry.author, parties=parties) or state
    return state


def _facts_of(payload: bytes) -> Facts | None:
    try:
        return parse(payload).facts
    except ContractsError:
        return None  # of a newer version
