"""Whom a request is about: the unit's own clients, and the subjects behind them.

Invariant: a client who is not known here is told so in the same words, whoever asks.
"""

from collections.abc import Iterable, Mapping
from http import HTTPStatus

from adapters.api.problems import ProblemCode, ProblemError
from adapters.api.recording import Act
from adapters.api.served_unit import ServedUnit
from adapters.drafts import ClientKey
from contracts.names import SubjectId
from projections.referral_fold import Referral


def subject_of(served: ServedUnit, client: str) -> SubjectId:
    """The pseudonym of a client. Raises `ProblemError` 404."""
    with served.house.store.read() as tx:
        found = tx.clients.subject_of(ClientKey(client))
    if found is None:
        raise _missing(
            "This unit has no such client", "See GET …/clients, or link a referral: POST …/referrals/{id}/link."
        )
    return found


Names = Mapping[SubjectId, str | None]
"""The unit's own case number of each subject; None where it has none."""


def client_names(served: ServedUnit, subjects: Iterable[SubjectId]) -> Names:
    """The unit's own case numbers."""
    with served.house.store.read() as tx:
        return {one: tx.clients.client_of(one) for one in set(subjects)}


def referral_of(served: ServedUnit, referral_id: str) -> Referral:
    """A referral to or from this unit. Raises `ProblemError` 404."""
    found = served.referral(referral_id)
    if found is None:
        raise missing_referral()
    return found


def missing_referral() -> ProblemError:
    """There is none, or it does not show to this reader: told alike."""
    return _missing("This unit has no such referral", "Take its id from the worklist.")


def client_for(act: Act, referral: Referral, given: ClientKey | None) -> ClientKey:
    """The client of a referral, linked now where `given` says which. Raises `ProblemError` 409 where nobody says it."""
    known = act.tx.clients.client_of(referral.subject)
    if given is not None and given != known:
        act.desk.adopt(referral.subject, given)
        return given
    if known is None:
        raise ProblemError(
            HTTPStatus.CONFLICT,
            ProblemCode.NOT_POSSIBLE,
            "This referral is not linked to a client of this unit yet",
            advice="Say which one: `client` with your case number.",
        )
    return known


def _missing(detail: str, advice: str) -> ProblemError:
    return ProblemError(HTTPStatus.NOT_FOUND, ProblemCode.NOT_FOUND, detail, advice=advice)
