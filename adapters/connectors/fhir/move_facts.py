"""The facts of a move of which only the result is known: a Task's standing.

Invariant: a coded reason, an outcome, a date that the move needs comes from the Task or the move is refused with the element that is missing.
"""

from typing import Final

from adapters.connectors.fhir.elements import Element
from adapters.connectors.fhir.reading import Context, built, need_coded
from adapters.connectors.fhir.referral_groups import Snapshot
from adapters.connectors.fhir.systems import system_of
from adapters.connectors.fhir.write_referral import OUTCOMES, REASON_LISTS
from adapters.connectors.refusal import RefusalReason
from contracts.facts import Facts
from contracts.messages import referral as facts_of
from contracts.names import ReferralId
from contracts.referral_table import TABLE, Role

_PLACES: Final = {"reason": "statusReason", "outcome": "output", "first_contact": "executionPeriod.start"}
_DELIVERED: Final = "service-delivered"


def facts_of_move(
    context: Context, snapshot: Snapshot, move: type[Facts], referral_id: ReferralId, *, external: bool
) -> Facts:
    """The facts of a move that leads to a Task's standing. Raises `CellError`."""
    task = snapshot.element
    values: dict[str, object] = {"referral_id": referral_id}
    if external and Role.TARGET in TABLE[move].roles and move is not facts_of.ReferralWithdrawn:
        values["as_reported"] = True
    leads_there = TABLE[move].to is snapshot.state
    if move is facts_of.ReferralVoided:
        values["reason"] = _reason(task, move) or "entered-in-error"
    elif move in REASON_LISTS and leads_there:
        values["reason"] = _reason(task, move)
    elif move is facts_of.ReferralCompleted:
        values["outcome"] = _outcome(context, task)
    elif move is facts_of.ReferralStarted:
        period = task.child("executionPeriod")
        start = None if period is None else period.moment("start", context.zone)
        values["first_contact"] = (
            None if start is None else context.past(task, "executionPeriod.start", start).isoformat()
        )
    facts = built(move, values, task, _PLACES)
    need_coded(facts, task, _PLACES)
    return facts


def _reason(task: Element, move: type[Facts]) -> str | None:
    """The coded reason. Raises `CellError` for one of another list, or in words only."""
    code_list = REASON_LISTS[move]  # type: ignore[index] # asked before
    found = task.code_of("statusReason", system_of(code_list))
    if found is not None or "statusReason" not in task:
        return found
    codings = task.codings("statusReason")
    told = codings[0].shown if codings else task.need("statusReason").text("text") or ""
    raise task.fault(RefusalReason.UNKNOWN_CODE, "statusReason", told, f"not in the list {code_list}")


def _outcome(context: Context, task: Element) -> str | None:
    """Our outcome code; else, where a completed Procedure came of it, that a service was delivered."""
    for output in task.children("output"):
        code = output.code_of("valueCodeableConcept", system_of(OUTCOMES))
        if code is not None:
            return code
    for output in task.children("output"):
        done = context.resources.find(output.child("valueReference"))
        if done is not None and done.kind == "Procedure" and done.element.text("status") == "completed":
            return _DELIVERED
    return None
