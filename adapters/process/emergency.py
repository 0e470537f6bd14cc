"""Opening in an emergency what the unit holds and its rules hide (DESIGN section 7, break-glass).

Invariants: off unless the settings name the unit; it opens only what is here already, against the lease and the purpose alone: what was erased, or
never given, is not here. It lasts six hours, for one worker, one client and the purpose `support`; every look under it is reported with its reason,
so that the client and the auditor see it; a second person judges it within a day, and while one is overdue nothing more is opened. Refused attempts
are reported too.
"""

from collections.abc import Callable
from datetime import UTC, timedelta
from typing import Final, Literal
from uuid import uuid4

from adapters.errors import AdapterError
from adapters.process import looks
from adapters.process.looks import Look
from adapters.process.unit_house import UnitHouse
from adapters.storage.emergencies import KeptEmergency
from contracts.code_lists import codes
from contracts.messages.access import Emergency
from contracts.names import ActorId, Code, MessageId, SubjectId

LASTS: Final = timedelta(hours=6)
JUDGED_WITHIN: Final = timedelta(hours=24)
LEAST_TYPED: Final = 15
"""Characters of what the worker types: a reason, not a dot."""

Judgement = Literal["justified", "not-justified"]


class EmergencyError(AdapterError):
    """This does not open, or is not to be judged so."""


def open_now(  # noqa: PLR0913 - all by keyword
    house: UnitHouse,
    subject: SubjectId,
    *,
    reader: ActorId,
    reason: Code,
    why: str,
    new_id: Callable[[], str] = lambda: str(uuid4()),
) -> KeptEmergency:
    """Open it. Raises `EmergencyError`; the attempt is reported then."""
    at = house.clock.now()
    refused = _refusal(house, reason, why)
    if refused is not None:
        code, error = refused
        looks.report_refused(house, subject, look=Look(reader), reason=code)
        raise error
    opening = KeptEmergency(
        number=0,
        emergency_id=MessageId(new_id()),
        subject=subject,
        reader=reader,
        reason=reason,
        why=why,
        opened_at=at,
        until=at + LASTS,
        judge_by=at + JUDGED_WITHIN,
    )
    with house.store.write() as tx:
        number = tx.emergencies.open(opening)
        kept = tx.emergencies.find(number)
    if kept is None:
        raise AssertionError("it was written in this transaction")
    return kept


def look_under(house: UnitHouse, subject: SubjectId, *, reader: ActorId) -> Look:
    """A look under what is open now. Raises `EmergencyError`; the attempt is reported then."""
    with house.store.read() as tx:
        kept = tx.emergencies.in_force(subject, reader, at=house.clock.now())
    if kept is None or house.unit not in house.settings.emergency_units:
        looks.report_refused(house, subject, look=Look(reader), reason="emergency-not-open")
        raise EmergencyError(
            "Nothing is open in an emergency for you and this client",
            advice="It ends after six hours. Open it anew where it is still needed: spojka-adapter emergency open.",
        )
    return Look(reader, emergency=said(kept))


def judge(house: UnitHouse, number: int, *, by: ActorId, judged: Judgement) -> None:
    """A second person says what they think of it. Raises `EmergencyError`; who judges their own opening is reported."""
    with house.store.read() as tx:
        kept = tx.emergencies.find(number)
    if kept is None:
        raise EmergencyError(f"There is no emergency opening {number}", advice="See `emergency list`.")
    if _person(by) == _person(kept.reader):
        looks.report_refused(house, kept.subject, look=Look(by), reason="emergency-own-opening")
        raise EmergencyError("Nobody judges their own opening", advice="Let a second person do it.")
    with house.store.write() as tx:
        if not tx.emergencies.judge(number, judged, by=by, at=house.clock.now()):
            raise EmergencyError(f"Opening {number} was judged before", advice="See `emergency list`.")
        look = Look(by, emergency=said(kept, judged))
        house.desk_within(tx).report_access(kept.subject, looks.access_of(house, look))


def said(kept: KeptEmergency, judged: Judgement | None = None) -> Emergency:
    """As it is reported."""
    until = kept.until.astimezone(UTC)
    return Emergency(emergency_id=kept.emergency_id, reason=kept.reason, until=until, judged=judged)


def _refusal(house: UnitHouse, reason: Code, why: str) -> tuple[Code, EmergencyError] | None:
    """Why it does not open, as a code for the report and in words for the worker."""
    if house.unit not in house.settings.emergency_units:
        return "emergency-off", EmergencyError(
            "This unit opens nothing in an emergency",
            advice="Its institution decides about that: `emergency_units` in the settings.",
        )
    if reason not in codes("emergency-reason"):
        return "emergency-no-reason", EmergencyError(
            "That is no reason of the list", advice=f"Name one of {', '.join(sorted(codes('emergency-reason')))}."
        )
    if len(why.strip()) < LEAST_TYPED:
        return "emergency-no-reason", EmergencyError(
            "It needs a reason in words too", advice="Write what happens, so that a second person can judge it."
        )
    with house.store.read() as tx:
        waiting = [one for one in tx.emergencies.unjudged() if one.overdue(house.clock.now())]
    if waiting:
        return "emergency-unjudged", EmergencyError(
            f"{len(waiting)} earlier openings were not judged by a second person within a day",
            advice="Let somebody do it first: emergency list, emergency judge.",
        )
    return None


def _person(actor: ActorId) -> str:
    """Who it is, whatever the role."""
    return actor.partition("/")[2]
