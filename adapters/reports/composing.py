"""The documents of `contracts.personal_report`, from what was collected and what a worker decided.

Invariants: nothing of an own entry that somebody wrote is in it without a decision about the text as it reads now; of another unit's entry its
content never is; what is not in it is named.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from adapters.errors import AdapterError
from adapters.process.unit_house import UnitHouse
from adapters.reports import accesses
from adapters.reports.accesses import institution_of, name_of
from adapters.reports.collecting import Collected
from adapters.reports.third_persons import NOT_FOR_PEOPLE, blacked, digest_of, texts
from adapters.storage.reports import Decision, KeptReport, Verdict
from adapters.words import Language
from contracts.access_view import AccessView
from contracts.categories import Purpose
from contracts.gate import Permit, permit
from contracts.grounds import Ground
from contracts.names import HUB, MessageId, UnitId
from contracts.personal_report import (
    Controller,
    NotInIt,
    PersonalReport,
    PortableCopy,
    ReportedEntry,
    ReportedGround,
    ReportedOpening,
    Review,
    SharedWith,
)
from projections.corrections import Shown
from projections.timeline import Entry

Decisions = Mapping[MessageId, Decision]


class NotReviewedError(AdapterError):
    """Somebody has yet to go through what a worker wrote."""

    def __init__(self, count: int) -> None:
        open_ones = f"{count} own entries hold texts that nobody has gone through as they read now"
        super().__init__(
            open_ones if count else "Nobody has said yet that all of it was gone through",
            advice="See them with `report show`, decide with `report review`, then say `report reviewed`.",
        )
        self.count = count


@dataclass(frozen=True, slots=True)
class Making:
    """What a document is made of."""

    house: UnitHouse
    report: KeptReport
    case_number: str
    language: Language
    found: Collected
    decisions: Decisions
    at: datetime
    from_hub: AccessView | None = None


def to_review(found: Collected, house: UnitHouse) -> list[Shown]:
    """The own entries in which a person wrote something."""
    return [one for one in found.entries if one.entry.author == house.unit and texts(one.entry.content)]


def open_decisions(making: Making) -> list[Shown]:
    """Those of them that nobody has decided about as they read now."""
    return [one for one in to_review(making.found, making.house) if _decided(one.entry, making.decisions) is None]


def personal_report(making: Making) -> PersonalReport:
    """The report. Raises `NotReviewedError`."""
    house, found = making.house, making.found
    return PersonalReport(
        programme=house.settings.programme,
        controller=controller(house),
        subject=found.subject,
        case_number=making.case_number,
        language=making.language,
        purpose=making.report.purpose,
        made_at=making.at.astimezone(UTC),
        review=_review(making),
        entries=tuple(_entry(making, one) for one in found.entries),
        grounds=tuple(_ground(one) for one in found.known_grounds),
        accesses=accesses.known_here(house, found, at=making.at),
        accesses_at_the_hub=making.from_hub,
        not_in_it=tuple(_missing(making)),
        complaints_to=complaints_to(house),
    )


def portable_copy(making: Making) -> PortableCopy:
    """The copy for another system: what this unit recorded itself. Raises `NotReviewedError`."""
    house, found = making.house, making.found
    own = [one for one in found.entries if one.entry.author == house.unit]
    missing = [NotInIt.OF_OTHERS, *(one for one in _missing(making) if one is NotInIt.WITHHELD)]
    return PortableCopy(
        programme=house.settings.programme,
        controller=controller(house),
        subject=found.subject,
        case_number=making.case_number,
        made_at=making.at.astimezone(UTC),
        review=_review(making),
        entries=tuple(_entry(making, one) for one in own),
        grounds=tuple(_ground(one) for one in found.known_grounds if one.collector == house.unit),
        not_in_it=tuple(missing),
    )


def as_it_leaves(shown: Shown, decisions: Decisions) -> Shown:
    """An own entry as the decision about it lets it leave. Raises `NotReviewedError`."""
    entry = shown.entry
    content = {name: value for name, value in (entry.content or {}).items() if name not in NOT_FOR_PEOPLE}
    if not texts(entry.content):
        return replace(shown, entry=replace(entry, content=content or None))
    decision = _decided(entry, decisions)
    if decision is None:
        raise NotReviewedError(1)
    if decision.verdict is Verdict.WITHHELD:
        return replace(shown, entry=replace(entry, facts=None, content=None))
    return replace(shown, entry=replace(entry, content=blacked(content, decision.spans)))


def controller(house: UnitHouse) -> Controller:
    """Who hands it over."""
    directory, unit = house.directory, house.unit
    known = directory.units.get(unit)
    return Controller(
        institution=unit if known is None else known.institution,  # type: ignore[arg-type] # a unit that is not admitted yet stands for itself
        institution_name=institution_of(directory, unit) or unit,
        unit=unit,
        unit_name=name_of(directory, unit) or unit,
        contact=house.settings.data_protection_contact,
    )


_AUTHORITIES: Final = {
    "Europe/Prague": "Úřad pro ochranu osobních údajů, www.uoou.gov.cz",
    "Europe/Warsaw": "Prezes Urzędu Ochrony Danych Osobowych, uodo.gov.pl",
}
"""By the programme's time zone, which says in which country it is."""
_ANY_AUTHORITY: Final = "European Data Protection Board, www.edpb.europa.eu: members"


def complaints_to(house: UnitHouse) -> str:
    """Where a complaint goes: as the settings say, else the authority of the programme's country."""
    return house.settings.complaints_to or _AUTHORITIES.get(house.directory.listed.time_zone, _ANY_AUTHORITY)


def _review(making: Making) -> Review:
    lacking = open_decisions(making)
    report = making.report
    if lacking or report.reviewed_by is None or report.reviewed_at is None:
        raise NotReviewedError(len(lacking))
    return Review(by_role=report.reviewed_by.partition("/")[0], at=report.reviewed_at)


def _decided(entry: Entry, decisions: Decisions) -> Decision | None:
    decision = decisions.get(entry.message_id)
    return decision if decision is not None and decision.digest == digest_of(entry.facts, entry.content) else None


def _entry(making: Making, shown: Shown) -> ReportedEntry:
    entry, house = shown.entry, making.house
    own = entry.author == house.unit
    leaving = as_it_leaves(shown, making.decisions).entry if own else _of_another(entry)
    return ReportedEntry(
        id=entry.message_id,
        time=entry.time,
        author=entry.author,
        author_name=name_of(house.directory, entry.author),
        type=entry.type,
        category=entry.category,
        purpose=entry.purpose,
        standing=_standing(entry),
        ground=entry.ground_id,
        may_see=tuple(_may_see(making, entry)),
        part=_part(making, entry, own=own),  # type: ignore[arg-type] # by its making
        facts=_plain(leaving.facts),
        content=_plain(leaving.content),
        corrected=len(shown.history),
    )


def _of_another(entry: Entry) -> Entry:
    """The hub's own words are codes; what another unit wrote comes from that unit."""
    return replace(entry, content=None) if entry.author == HUB else replace(entry, facts=None, content=None)


def _standing(entry: Entry) -> str:
    if entry.kind in ("given", "erased", "refused"):
        return entry.kind
    return entry.state or "waiting"


def _part(making: Making, entry: Entry, *, own: bool) -> str:
    if entry.kind == "erased":
        return "nothing-left"
    if not own:
        return Verdict.WHOLE if entry.author == HUB else "ask-its-author"
    if entry.fault is not None:
        return Verdict.WITHHELD
    decision = _decided(entry, making.decisions) if texts(entry.content) else None
    return Verdict.WHOLE if decision is None else decision.verdict.value


def _may_see(making: Making, entry: Entry) -> Iterator[SharedWith]:
    """Which units the rules let see an own entry now, each under the reason that lets it."""
    house, found = making.house, making.found
    if entry.author != house.unit or entry.state != "accepted" or entry.category is None:
        return
    directory, grounds = house.directory, found.grounds.get(entry.subject, {})
    for unit in sorted(directory.units):
        verdict = permit(
            grounds,
            directory.mandates,
            found.restrictions.get(entry.subject, ()),
            publisher=directory.party(house.unit, making.at),
            recipient=directory.party(unit, making.at),
            purpose=entry.purpose or Purpose.SUPPORT,
            category=entry.category,
            occurred=entry.time,
            at=making.at,
        )
        if isinstance(verdict, Permit):
            yield SharedWith(unit=unit, name=name_of(directory, unit), ground=verdict.ground_id)


def _ground(one: Ground) -> ReportedGround:
    return ReportedGround(
        ground=one.ground_id,
        collector=one.collector,
        statutory=one.statutory,
        paper=tuple(sorted(one.paper)),
        basis=tuple(sorted(one.basis)),
        ended_at=one.ended_at,
        openings=tuple(
            ReportedOpening(
                sources=tuple(sorted(opening.sources)),
                opened=tuple(sorted(source for source in opening.sources if one.opens_entries_of(source))),
                recipient=opening.recipient,
                purpose=opening.purpose,
                categories=tuple(sorted(opening.categories)),
                history_from=opening.history_from,
                until=opening.until,
            )
            for opening in one.openings
        ),
    )


def _missing(making: Making) -> Iterator[NotInIt]:
    if making.from_hub is None:
        yield NotInIt.READS_ELSEWHERE
    yield NotInIt.OTHER_ENTRIES
    yield NotInIt.OTHER_PURPOSES
    if making.found.hidden is not None:
        yield NotInIt.OUT_OF_TOUCH
    yield NotInIt.HIDDEN_BY_LAW
    withheld = {one.message_id for one in making.decisions.values() if one.verdict is Verdict.WITHHELD}
    unreadable = any(one.entry.fault is not None for one in making.found.entries if _is_own(one, making.house.unit))
    if unreadable or withheld & {one.entry.message_id for one in making.found.entries}:
        yield NotInIt.WITHHELD


def _is_own(one: Shown, unit: UnitId) -> bool:
    return one.entry.author == unit


def _plain(part: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if not part else dict(part)
