"""What an export says: a unit's timeline and referrals in the words of its language, one row each.

Invariants: it shows what the timeline shows to a reader for this purpose now, corrections laid over; each row of another unit says until when it may
be used, since a file has no lease; each row ends with its id, by which it can be cut out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from adapters.process import looks
from adapters.process.entry_text import details
from adapters.process.looks import Look
from adapters.process.overviews import Overviews
from adapters.process.person_files import also_kept_as
from adapters.process.showing import showing_now
from adapters.process.unit_house import UnitHouse
from adapters.storage.exports import Entries
from adapters.words import Words
from contracts.names import SubjectId, UnitId
from projections.corrections import Shown
from projections.referral_fold import Referral

TIMELINE_COLUMNS: Final = (
    "client",
    "same-person",
    "when",
    "who",
    "what",
    "about",
    "details",
    "standing",
    "use-until",
    "entry-id",
)
REFERRAL_COLUMNS: Final = (
    "client",
    "same-person",
    "from",
    "to",
    "about",
    "standing",
    "when",
    "due",
    "use-until",
    "entry-id",
)
_DAY_AND_TIME: Final = "%Y-%m-%d %H:%M"


@dataclass(frozen=True, slots=True)
class ClientRows:
    """What is exported about one subject."""

    subject: SubjectId
    shown: Sequence[Shown]
    timeline: Sequence[Sequence[str]]

    @property
    def of_others(self) -> Entries:
        """Entries of other units in it."""
        return {one.entry.message_id: one.entry.referral_id for one in self.shown if one.entry.kind == "given"}


class ExportRows:
    """Makes rows for one reader."""

    def __init__(self, house: UnitHouse, overviews: Overviews, words: Words, look: Look) -> None:
        self._house = house
        self._overviews = overviews
        self._words = words
        self._look = look
        remaining = showing_now(house).remaining
        self._use_until = "" if remaining is None else self.local(house.clock.now() + remaining)

    def columns(self, names: Sequence[str]) -> list[str]:
        """The header."""
        return [self._words[name] for name in names]

    def clients(self) -> Iterator[ClientRows]:
        """All clients, one after the other."""
        with self._house.store.read() as tx:
            subjects = sorted(tx.journal.subjects())
        written: set[str] = set()
        for subject in subjects:
            seen = looks.timeline(self._house, self._overviews, subject, look=self._look)
            new = [one for one in seen.entries if one.entry.message_id not in written]
            written.update(one.entry.message_id for one in new)
            if new:
                files = self._files([subject])
                yield ClientRows(subject, new, [[*files[subject], *self._entry(one)] for one in new])

    def referrals(self) -> Iterator[Sequence[str]]:
        """The worklist."""
        seen = looks.worklist(self._house, self._overviews, look=self._look)
        files = self._files([one.subject for one in (*seen.came, *seen.went)])
        for one in (*seen.came, *seen.went):
            yield [*files[one.subject], *self._referral(one)]

    def local(self, instant: datetime | None) -> str:
        """A moment as people in the programme read it."""
        return "" if instant is None else instant.astimezone(self._house.directory.zone).strftime(_DAY_AND_TIME)

    def unit_name(self, unit: UnitId | None) -> str:
        """What a unit is called."""
        if unit is None:
            return self._words["outside"]
        known = self._house.directory.units.get(unit)
        return unit if known is None else known.name

    def _files(self, subjects: Sequence[SubjectId]) -> Mapping[SubjectId, Sequence[str]]:
        """Of each client the case number, and those of other files of the same person."""
        also = also_kept_as(self._house.store, self._overviews, subjects)
        with self._house.store.read() as tx:
            named = {one: tx.clients.client_of(one) or self._words["unknown-client"] for one in subjects}
        return {one: (name, ", ".join(also.get(one, ()))) for one, name in named.items()}

    def _entry(self, one: Shown) -> Sequence[str]:
        entry = one.entry
        standing = entry.kind if entry.kind in ("given", "erased", "refused") else entry.state or "waiting"
        return [
            self.local(entry.time),
            self.unit_name(entry.author),
            self._words.of_type(entry.type),
            self._words.code("category", entry.category),
            details(self._words, one),
            self._words[f"state.{standing}"],
            self._use_until if entry.kind == "given" else "",
            entry.message_id,
        ]

    def _referral(self, one: Referral) -> Sequence[str]:
        return [
            self.unit_name(one.source),
            self.unit_name(one.target),
            self._words.code("category", one.category),
            self._words[f"referral.{one.state.value}"],
            self.local(one.sent_at),
            self.local(one.due),
            "" if one.source == self._house.unit else self._use_until,
            one.referral_id,
        ]
