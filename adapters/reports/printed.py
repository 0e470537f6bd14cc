"""A report as a client reads it: a PDF in the client's language, from the document alone.

Invariants: it says what the JSON says, in words; every section is there, also an empty one, which says so; no pseudonym of the client and no hash
is on it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Final

from adapters.process.entry_text import said
from adapters.reports.sheet import Sheet
from adapters.words import Words
from contracts.access_view import AccessLine, AccessView
from contracts.names import HUB, UnitId
from contracts.personal_report import (
    NotInIt,
    PersonalReport,
    ReportedEntry,
    ReportedGround,
    ReportedOpening,
)
from contracts.trust_list import Directory

_INDENT: Final = 5.0
_ID_SHOWN: Final = 13
_A_MOMENT: Final = timedelta(microseconds=1)
_RIGHTS: Final = ("withdraw", "correct", "erase", "restrict", "copy")


@dataclass(frozen=True, slots=True)
class Reading:
    """How the client reads: language, names of units, time zone."""

    words: Words
    directory: Directory

    @property
    def zone(self) -> tzinfo:
        """Of the programme."""
        return self.directory.zone

    def name(self, unit: str) -> str:
        """What a unit is called."""
        known = self.directory.units.get(UnitId(unit))
        return unit if known is None else known.name

    def names(self, units: Sequence[str]) -> str:
        """The same of several."""
        return ", ".join(self.name(one) for one in units)

    def day(self, instant: datetime) -> str:
        """A day as people there read it."""
        return instant.astimezone(self.zone).strftime("%Y-%m-%d")

    def last_day(self, end: datetime) -> str:
        """The last day before something ends."""
        return self.day(end - _A_MOMENT)

    def moment(self, instant: datetime) -> str:
        """A day and time as people there read it."""
        return instant.astimezone(self.zone).strftime("%Y-%m-%d %H:%M")

    def about(self, categories: Sequence[str]) -> str:
        """What something is about."""
        return "; ".join(self.words.code("category", one) for one in categories) or "–"

    def purpose(self, purpose: str | None) -> str:
        """What something is for."""
        return "–" if purpose is None else self.words[f"purpose.{purpose}"]


def report_pdf(report: PersonalReport, reading: Reading) -> bytes:
    """The report on paper: PDF, tagged."""
    words = reading.words
    sheet = _sheet(reading, words["report.title"], report.controller.unit_name, report.made_at)
    controller = report.controller
    sheet.paragraph(
        words["report.from"].format(unit=controller.unit_name, institution=controller.institution_name),
    )
    made = reading.moment(report.made_at)
    sheet.paragraph(words["report.made"].format(when=made, client=report.case_number))
    sheet.paragraph(words["report.intro"].format(unit=controller.unit_name))
    reviewed = reading.moment(report.review.at)
    sheet.paragraph(words["report.reviewed"].format(role=report.review.by_role, when=reviewed))
    _sharing(sheet, report, reading)
    _entries(sheet, report, reading)
    sheet.heading("H2", words["report.looks"])
    _looks(sheet, report.accesses, reading)
    if report.accesses_at_the_hub is not None:
        _looks(sheet, report.accesses_at_the_hub, reading)
    _missing(sheet, report.not_in_it, report.purpose, reading)
    _rights(sheet, report, reading)
    return _bytes(sheet, words)


def accesses_pdf(views: Sequence[AccessView], unit: str, reading: Reading) -> bytes:
    """Who looked, on paper by itself: PDF, tagged."""
    title = reading.words["accesses.title"]
    sheet = _sheet(reading, title, unit, views[0].made_at)
    sheet.paragraph(f"{unit}, {reading.moment(views[0].made_at)}")
    for view in views:
        _looks(sheet, view, reading, block="H2")
    complete = any(view.said_by == HUB for view in views)
    missing = [NotInIt.HIDDEN_BY_LAW] if complete else [NotInIt.READS_ELSEWHERE, NotInIt.HIDDEN_BY_LAW]
    _missing(sheet, missing, None, reading)
    return _bytes(sheet, reading.words)


def _sheet(reading: Reading, title: str, unit: str, made_at: datetime) -> Sheet:
    sheet = Sheet(title=title, language=reading.words.language, foot=f"{title} · {unit}", made_at=made_at)
    sheet.heading("H1", title)
    return sheet


def _bytes(sheet: Sheet, words: Words) -> bytes:
    if sheet.unprintable:
        sheet.paragraph(words["report.unprintable"].format(count=sheet.unprintable))
    return bytes(sheet.output())


def _sharing(sheet: Sheet, report: PersonalReport, reading: Reading) -> None:
    words = reading.words
    sheet.heading("H2", words["report.sharing"])
    if not report.grounds:
        sheet.paragraph(words["report.no-sharing"])
    for ground in report.grounds:
        heading = words["report.by-law" if ground.statutory else "report.consent"]
        sheet.heading("H3", heading.format(unit=reading.name(ground.collector)))
        for line in _ground(ground, report.made_at, reading):
            sheet.paragraph(line, indent=_INDENT)


def _ground(ground: ReportedGround, at: datetime, reading: Reading) -> Iterator[str]:
    words = reading.words
    if ground.paper:
        papers = ", ".join(words.code("paper-kind", one) for one in ground.paper)
        yield words["report.paper"].format(papers=papers)
    if ground.basis:
        yield words["report.basis"].format(basis=", ".join(_article(one) for one in ground.basis))
    for opening in ground.openings:
        yield _opening(opening, reading)
        shut = [one for one in opening.sources if one not in opening.opened]
        if opening.until <= at:
            yield words["report.over"]
        elif shut and ground.ended_at is None:
            yield words["report.not-open"].format(units=reading.names(shut))
    if ground.ended_at is not None:
        yield words["report.ended"].format(when=reading.day(ground.ended_at))


def _opening(one: ReportedOpening, reading: Reading) -> str:
    return reading.words["report.opening"].format(
        recipient=_recipient(one.recipient, reading),
        sources=reading.names(one.sources),
        about=reading.about(one.categories),
        purpose=reading.purpose(one.purpose),
        since=reading.day(one.history_from),
        until=reading.last_day(one.until),
    )


def _recipient(recipient: str, reading: Reading) -> str:
    kind, _, name = recipient.partition(":")
    return reading.name(name) if kind == "unit" else reading.words["report.every-unit"].format(role=name)


def _article(code: str) -> str:
    """`A6-1-e` as people write it."""
    if not code.startswith("A"):
        return code
    article, *rest = code.removeprefix("A").split("-")
    return f"GDPR Art. {article}{''.join(f'({one})' for one in rest[:2])}"


def _entries(sheet: Sheet, report: PersonalReport, reading: Reading) -> None:
    words = reading.words
    sheet.heading("H2", words["report.entries"])
    if not report.entries:
        sheet.paragraph(words["report.no-entries"])
    grounds = {one.ground: one for one in report.grounds}
    for entry in report.entries:
        about = f" ({words.code('category', entry.category)})" if entry.category is not None else ""
        kind = words["state.erased"] if entry.part == "nothing-left" else words.of_type(entry.type)
        sheet.heading("H3", f"{reading.moment(entry.time)}: {kind}{about}")
        ground = None if entry.ground is None else grounds.get(entry.ground)
        for line in _entry(entry, ground, report.controller.unit, reading):
            sheet.paragraph(line, indent=_INDENT)


def _entry(entry: ReportedEntry, ground: ReportedGround | None, unit: str, reading: Reading) -> Iterator[str]:
    words = reading.words
    author = reading.name(entry.author)
    yield words["report.recorded-by"].format(unit=author, standing=words[f"state.{entry.standing}"])
    details = said(words, entry.type, entry.facts, entry.content)
    if details:
        yield words["report.says"].format(details=details)
    if entry.part in ("ask-its-author", "withheld", "nothing-left"):
        yield words[f"report.{entry.part}"].format(unit=author)
    if entry.corrected:
        yield words["report.corrected"].format(count=entry.corrected)
    if ground is not None:
        yield _under(entry, ground, reading)
    if entry.author == unit and entry.category is not None:
        seeing = ", ".join(one.name or one.unit for one in entry.may_see)
        yield words["report.may-see"].format(units=seeing) if seeing else words["report.nobody-sees"]
    yield words["report.id"].format(id=entry.id)


def _under(entry: ReportedEntry, ground: ReportedGround, reading: Reading) -> str:
    fitting = [
        one for one in ground.openings if entry.category in one.categories and entry.author in one.sources
    ] or ground.openings
    lasting = [one.until for one in fitting]
    until = (
        reading.day(ground.ended_at)
        if ground.ended_at is not None
        else reading.last_day(max(lasting))
        if lasting
        else "–"
    )
    return reading.words["report.under-law" if ground.statutory else "report.under-consent"].format(
        unit=reading.name(ground.collector),
        purpose=reading.purpose(entry.purpose),
        until=until,
    )


def _looks(sheet: Sheet, view: AccessView, reading: Reading, *, block: str = "H3") -> None:
    words, at_hub = reading.words, view.said_by == HUB
    heading = words["report.looks-hub" if at_hub else "report.looks-here"].format(unit=reading.name(view.said_by))
    sheet.heading("H2" if block == "H2" else "H3", heading)
    if not view.lines:
        sheet.paragraph(words["report.no-looks"])
    for line in view.lines:
        sheet.paragraph(_look(line, reading), indent=_INDENT)
        sheet.paragraph(_codes(line, reading), indent=2 * _INDENT)


def _look(line: AccessLine, reading: Reading) -> str:
    who = line.receiver_name or line.receiver_code
    role = "" if line.role is None else f" ({line.role})"
    purpose = reading.purpose(line.purpose) if line.audit is None else reading.words.code("audit-purpose", line.audit)
    said = reading.words[f"report.look.{line.outcome}"].format(
        when=reading.moment(line.logtime),
        who=f"{who}{role}",
        about=reading.about(line.categories),
        purpose=purpose,
        source="–" if line.source is None else reading.name(line.source),
    )
    return f"{said} {_emergency(line, reading.words)}".strip()


def _emergency(line: AccessLine, words: Words) -> str:
    if line.emergency is None:
        return ""
    opened = words["report.look.emergency"].format(reason=words.code("emergency-reason", line.emergency))
    return opened if line.judged is None else f"{opened} {words[f'report.look.{line.judged}']}"


def _codes(line: AccessLine, reading: Reading) -> str:
    words = reading.words
    parts = [words["report.look.codes"].format(code=line.receiver_code, system=line.system)]
    if line.referral is not None:
        parts.append(words["report.look.referral"].format(referral=line.referral[:_ID_SHOWN]))
    return "; ".join(parts)


def _missing(sheet: Sheet, missing: Sequence[NotInIt], purpose: str | None, reading: Reading) -> None:
    sheet.heading("H2", reading.words["report.not-in-it"])
    for one in missing:
        text = reading.words[f"report.not.{one.value}"].format(purpose=reading.purpose(purpose))
        sheet.paragraph(f"• {text}")


def _rights(sheet: Sheet, report: PersonalReport, reading: Reading) -> None:
    words = reading.words
    sheet.heading("H2", words["report.rights"])
    for name in _RIGHTS:
        sheet.paragraph(f"• {words[f'report.right.{name}']}")
    if report.controller.contact is not None:
        sheet.paragraph(words["report.right.where"].format(contact=report.controller.contact))
    sheet.heading("H2", words["report.complain"])
    sheet.paragraph(words["report.complain.to"].format(authority=report.complaints_to))
