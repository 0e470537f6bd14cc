"""What a source reports of a target outside the programme, brought to the move that the referral's state allows.

Invariant: an export tells the last result only; what was refused after it had been accepted was, by the table of referrals, not taken up.
"""

from typing import Final

from adapters.gate.subject_state import KnownReferral
from contracts.facts import Facts
from contracts.messages.referral import ReferralDeclined, ReferralNotTakenUp
from contracts.referral_table import ReferralState

_BY_CLIENT: Final = "client-declined"


def as_it_stands(facts: Facts, known: KnownReferral | None) -> Facts:
    """The move to record; all others as they are."""
    if not isinstance(facts, ReferralDeclined) or not facts.as_reported:
        return facts
    if known is None or known.state is not ReferralState.ACCEPTED:
        return facts
    reason = None if facts.reason is None else "changed-mind" if facts.reason == _BY_CLIENT else "other"
    return ReferralNotTakenUp(referral_id=facts.referral_id, reason=reason, as_reported=True)
