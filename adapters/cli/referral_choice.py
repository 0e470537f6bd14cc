"""Which referral and which client is meant.

Invariant: a referral is named by its id or by a beginning of it that fits one only; nothing is guessed.
"""

from collections.abc import Sequence

from adapters.cli.opening import ChoiceError
from adapters.drafts import ClientKey
from adapters.process.unit_house import UnitHouse
from contracts.names import SubjectId
from projections.referral_fold import Referral
from projections.worklist import incoming, outgoing

SHOWN = 13
"""How much of an id the worklist shows: ids of one day differ within that."""


def referrals_of(house: UnitHouse) -> tuple[Sequence[Referral], Sequence[Referral]]:
    """Those that came, and those that went, to choose from: out of touch or not, a unit goes on recording."""
    overviews = house.overviews()
    try:
        with overviews.look() as connection:
            return incoming(connection, house.unit), outgoing(connection, house.unit)
    finally:
        overviews.close()


def find_referral(house: UnitHouse, named: str) -> Referral:
    """The referral that begins with `named`. Raises `ChoiceError`."""
    came, went = referrals_of(house)
    found = {one.referral_id: one for one in (*came, *went) if one.referral_id.startswith(named)}
    if len(found) != 1:
        problem = "No referral begins like that" if not found else f"{len(found)} referrals begin like that"
        raise ChoiceError(problem, advice="Take it from the worklist, with more of its letters.")
    return next(iter(found.values()))


def client_of(house: UnitHouse, referral: Referral, given: str | None) -> ClientKey:
    """The unit's own client of a referral, linked now where `given` says which. Raises `ChoiceError`, `DeskError`."""
    with house.store.read() as tx:
        known = tx.clients.client_of(referral.subject)
    if given is not None and known != given:
        house.desk.adopt(referral.subject, ClientKey(given))
        return ClientKey(given)
    if known is None:
        raise ChoiceError(
            "This referral is not linked to a client yet", advice="Say which with --client: your case number."
        )
    return known


def subject_of(house: UnitHouse, client: str) -> SubjectId:
    """The pseudonym of one's own client, or (for machines) a pseudonym itself. Raises `ChoiceError`."""
    with house.store.read() as tx:
        found = tx.clients.subject_of(ClientKey(client))
        if found is None and tx.journal.knows(SubjectId(client)):
            found = SubjectId(client)
    if found is None:
        raise ChoiceError("There is no such client here", advice="See `client list`, or `client link` a referral.")
    return found
