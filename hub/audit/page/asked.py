"""What was asked for in an address: read leniently, judged strictly, never an error of the page.

Invariants: pure; a field that is not the page's is ignored; a value that cannot be is a fault by the name of its field, and nothing is searched for.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter, ValidationError

from contracts.civil_time import FIRST, LAST
from contracts.names import Subject, SubjectId, UnitId
from projections.access_search import Kind, Question, Receiver

ROWS: Final = 50
MOST_PAGES: Final = 200
_SUBJECT: Final = TypeAdapter[SubjectId](Subject)
_WORKER: Final = re.compile(r"([a-z0-9-]{1,40}/)?[A-Za-z0-9._-]{1,60}")
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_NUMBER: Final = re.compile(r"\d{1,9}", re.ASCII)
_ALL_OF: Final = "institution:"
_ONE: Final = "unit:"


@dataclass(frozen=True, slots=True)
class SearchAsked:
    """A search as it was typed, as it is to be asked, and what is wrong with it."""

    typed: Mapping[str, str]
    question: Question = field(default_factory=Question)
    page: int = 1
    faults: tuple[str, ...] = ()
    """Names of fields whose value cannot be."""

    @property
    def asked(self) -> bool:
        """Whether anything was asked at all."""
        return bool(self.typed)


FIELDS: Final = ("client", "receiver", "worker", "kind", "since", "until")


def search_asked(query: Mapping[str, str], receivers: Sequence[Receiver], zone: ZoneInfo) -> SearchAsked:
    """A search from the fields of its form. Both days are of the period."""
    typed = {name: value for name in FIELDS if (value := query.get(name, "").strip())}
    faults: list[str] = []

    def known(name: str, found: object) -> None:
        if name in typed and found is None:
            faults.append(name)

    subject, worker = subject_of(typed.get("client", "")), typed.get("worker")
    units, kind = _units(typed.get("receiver", ""), receivers), _kind(typed.get("kind", ""))
    since, until = (day_of(typed.get(name, "")) for name in ("since", "until"))
    known("client", subject)
    known("receiver", units)
    known("worker", worker if worker is not None and _WORKER.fullmatch(worker) else None)
    known("kind", kind)
    known("since", since)
    known("until", until)
    if since is not None and until is not None and since > until:
        faults.append("until")
    question = Question(
        subject=subject,
        units=units,
        worker=worker,
        kind=kind,
        since=None if since is None else _begin(since, zone),
        until=None if until is None else end_of(until, zone),
    )
    return SearchAsked(typed, question, page_of(query), tuple(faults))


def subject_of(typed: str) -> SubjectId | None:
    """A client's pseudonym; None for what is none."""
    try:
        return _SUBJECT.validate_python(typed)
    except ValidationError:
        return None


def day_of(typed: str) -> date | None:
    """A day of this era; None for what is none."""
    try:
        found = date.fromisoformat(typed) if _DAY.fullmatch(typed) else None
    except ValueError:
        return None
    return found if found is not None and FIRST.date() < found < LAST.date() else None


def end_of(day: date, zone: ZoneInfo) -> datetime:
    """The moment at which a day ends."""
    return _begin(day + timedelta(days=1), zone)


def page_of(query: Mapping[str, str]) -> int:
    """Which page of a list; the first where that cannot be told."""
    return min(max(number_of(query.get("page", "")) or 1, 1), MOST_PAGES)


def number_of(typed: str) -> int | None:
    """A whole number; None for what is none."""
    return int(typed) if _NUMBER.fullmatch(typed) else None


def _begin(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def _kind(typed: str) -> Kind | None:
    return Kind(typed) if typed in set(Kind) else None


def _units(typed: str, receivers: Sequence[Receiver]) -> frozenset[UnitId] | None:
    """One unit, or all of an institution, as the form names them."""
    found = frozenset(one.unit for one in receivers if typed in {f"{_ONE}{one.unit}", f"{_ALL_OF}{one.institution}"})
    return found or None
