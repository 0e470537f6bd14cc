"""A referral as ServiceRequest and Task, and each of its moves as Provenance in `Task.relevantHistory`.

Invariants: the Task shows where the referral stands now, by the table that every side reads; no coded field of any move is lost, since what has no
element of its own is an extension on the move's Provenance. A completed Task has an output, as the guide asks (refer-9).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from adapters.connectors.fhir import fields, references
from adapters.connectors.fhir.systems import (
    CORRELATION,
    MOVE,
    REFERRAL_ID,
    SNOMED,
    Json,
    category_codings,
    coding,
    concept,
    guide_concept,
    profile,
    service_coding,
)
from adapters.connectors.fhir.told import Told
from adapters.drafts import ClientKey
from contracts.catalogue import spec_of
from contracts.categories import Category
from contracts.messages import referral as facts_of
from contracts.names import MessageId
from contracts.referral_standing import BUSINESS_STATUS_SYSTEM, BusinessStatus, to_task
from contracts.referral_table import TERMINAL, ReferralParties, ReferralState, next_state

S = ReferralState

REASON_LISTS: Final[dict[type[facts_of.ReferralFacts], str]] = {
    facts_of.ReferralDeclined: "decline-reason",
    facts_of.ReferralNotTakenUp: "not-taken-up-reason",
    facts_of.ReferralPaused: "hold-reason",
    facts_of.ReferralFailed: "failure-reason",
    facts_of.ReferralReopened: "reopening-reason",
    facts_of.ReferralWithdrawn: "withdrawal-reason",
    facts_of.ReferralVoided: "void-reason",
}
"""The code list of each move's reason."""
OUTCOMES: Final = "outcome-code"
IN_REQUEST: Final = ("referral_id", "kind", "target", "external", "service", "answer_due", "parent")
"""Fields of `referral.sent` that have elements; the rest are extensions of the ServiceRequest."""
_ACTIVITY: Final = "resulting-activity"
_SOCIAL_SERVICE: Final = {"coding": [{"system": SNOMED, "code": "410606002", "display": "Social service procedure"}]}
_BUSINESS: Final = {
    BusinessStatus.INFO_REQUESTED: "Information requested",
    BusinessStatus.WAITLISTED: "On a waiting list",
    BusinessStatus.NOT_TAKEN_UP: "Not taken up",
    BusinessStatus.CLOSED: "Closed by the source",
    BusinessStatus.EXPIRED: "Expired without an answer",
    BusinessStatus.SHARING_ENDED: "Sharing ended",
}


@dataclass(frozen=True, slots=True)
class ReferralCase:
    """One referral: `referral.sent`, the moves that counted, and where it stands."""

    client: ClientKey
    first: Told
    sent: facts_of.ReferralSent
    moves: tuple[Told, ...]
    state: ReferralState


def fold(client: ClientKey, told: Sequence[Told]) -> ReferralCase | None:
    """The referral that entries of one id make, in their order; None where its first message is not here."""
    first = next((one for one in told if isinstance(one.facts, facts_of.ReferralSent)), None)
    if first is None or not isinstance(first.facts, facts_of.ReferralSent):
        return None
    state = S.SENT
    moves: list[Told] = []
    parties = ReferralParties(first.author, first.facts.target)
    for one in told:
        after = next_state(state, one.facts, signer=one.author, parties=parties)
        if after is not None:
            state, moves = after, [*moves, one]
    return ReferralCase(client, first, first.facts, tuple(moves), state)


def resources(case: ReferralCase, procedures: Iterable[MessageId]) -> list[Json]:
    """All resources of a referral; `procedures` are those written for services and outcomes under it."""
    history = [_provenance(case, one) for one in (case.first, *case.moves)]
    return [_request(case), _task(case, history, list(procedures)), *history]


def _request(case: ReferralCase) -> Json:
    sent, category = case.sent, case.first.category or Category.IDENTITY
    found: Json = {
        "resourceType": "ServiceRequest",
        "id": sent.referral_id,
        "meta": profile("ServiceRequest"),
        "identifier": [{"system": REFERRAL_ID, "value": sent.referral_id}],
        "status": _request_status(case.state),
        "intent": "order",
        "category": [
            _SOCIAL_SERVICE,
            {"coding": category_codings(category)},
            {"coding": [coding("referral-kind", sent.kind)]},
        ],
        "code": {"coding": [service_coding(sent.service) if sent.service else coding("category", category.value)]},
        "subject": references.patient(case.client),
        "authoredOn": case.first.time.isoformat(),
        "requester": references.unit(case.first.author),
    }
    if sent.target is not None:
        found["performer"] = [references.unit(sent.target)]
    if sent.parent is not None:
        found["replaces"] = [references.request(sent.parent)]
    if extension := fields.write(fields.dumped(sent), without=IN_REQUEST):
        found["extension"] = extension
    return found


def _request_status(state: ReferralState) -> str:
    if state is S.VOID:
        return "entered-in-error"
    if state in {S.COMPLETED, S.CLOSED}:
        return "completed"
    return "revoked" if state in TERMINAL else "on-hold" if state is S.ON_HOLD else "active"


def _task(case: ReferralCase, history: Sequence[Json], procedures: Sequence[MessageId]) -> Json:
    sent, standing = case.sent, to_task(case.state)
    last = case.moves[-1] if case.moves else case.first
    found: Json = {
        "resourceType": "Task",
        "id": sent.referral_id,
        "meta": profile("TaskForReferralManagement"),
        "identifier": [{"system": REFERRAL_ID, "value": sent.referral_id}],
        "status": standing.status.value,
        "intent": "order",
        "code": guide_concept("fulfill", system="http://hl7.org/fhir/CodeSystem/task-code"),
        "focus": references.request(sent.referral_id),
        "for": references.patient(case.client),
        "authoredOn": case.first.time.isoformat(),
        "lastModified": last.time.isoformat(),
        "requester": references.unit(case.first.author),
        "restriction": {"period": {"end": sent.answer_due.isoformat()}},
        "relevantHistory": [{"reference": f"Provenance/{one['id']}"} for one in history],
    }
    if standing.business is not None:
        business = {"system": BUSINESS_STATUS_SYSTEM, "code": standing.business.value}
        found["businessStatus"] = {"coding": [business | {"display": _BUSINESS[standing.business]}]}
    if (reason := getattr(last.facts, "reason", None)) is not None and type(last.facts) in REASON_LISTS:
        found["statusReason"] = concept(REASON_LISTS[type(last.facts)], reason)  # type: ignore[index] # asked just before
    owner = _owner(case)
    if owner is not None:
        found["owner"] = owner
    if case.first.correlationid is not None:
        found["groupIdentifier"] = {"system": CORRELATION, "value": case.first.correlationid}
    period = _period(case)
    if period:
        found["executionPeriod"] = period
    if output := _output(case, procedures):
        found["output"] = output
    return found


def _owner(case: ReferralCase) -> Json | None:
    if case.sent.target is not None:
        return references.unit(case.sent.target)
    content = case.first.content
    named = content.external_target if isinstance(content, facts_of.ReferralContent) else None
    return None if named is None else {"type": "Organization", "display": named}


def _period(case: ReferralCase) -> Json:
    started = next((m for m in reversed(case.moves) if isinstance(m.facts, facts_of.ReferralStarted)), None)
    ended = next((m for m in reversed(case.moves) if isinstance(m.facts, facts_of.ReferralCompleted)), None)
    found: Json = {}
    if started is not None and isinstance(started.facts, facts_of.ReferralStarted) and started.facts.first_contact:
        found["start"] = started.facts.first_contact.isoformat()
    if ended is not None and case.state in {S.COMPLETED, S.CLOSED}:
        found["end"] = ended.time.isoformat()
    return found


def _output(case: ReferralCase, procedures: Sequence[MessageId]) -> list[Json]:
    activity = guide_concept(_ACTIVITY)
    done = next((m.facts for m in reversed(case.moves) if isinstance(m.facts, facts_of.ReferralCompleted)), None)
    codes = [] if done is None or done.outcome is None else [done.outcome]
    coded = [{"type": activity, "valueCodeableConcept": concept(OUTCOMES, code)} for code in codes]
    references_ = [{"type": activity, "valueReference": {"reference": f"Procedure/{one}"}} for one in procedures]
    return [*coded, *references_]


def _provenance(case: ReferralCase, move: Told) -> Json:
    """What happened, when, by whom; with every field that the Task's present standing cannot show."""
    name = spec_of(move.facts).name.removeprefix("referral.")
    found: Json = {
        "resourceType": "Provenance",
        "id": move.message_id,
        "target": [references.task(case.sent.referral_id)],
        "occurredDateTime": move.time.isoformat(),
        "recorded": move.time.isoformat(),
        "activity": {"coding": [{"system": MOVE, "code": name}]},
        "agent": [{"who": references.unit(move.author)}],
    }
    reason = getattr(move.facts, "reason", None)
    if reason is not None:
        found["reason"] = [concept(REASON_LISTS[type(move.facts)], reason)]  # type: ignore[index] # a field of just these
    told = {} if isinstance(move.facts, facts_of.ReferralSent) else fields.dumped(move.facts)
    extension = [
        *fields.write(told, without=("referral_id", "reason")),
        *fields.write(fields.dumped(move.content), content=True),
    ]
    if extension:
        found["extension"] = extension
    return found
