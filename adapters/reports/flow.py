"""A report's way: drafted, reviewed, given.

Invariants: each step is a look and reported with what was seen before anything is shown; what is not to be given yet is refused, and the attempt is
reported too; a copy that holds entries of others is listed before it is there, so that an erasure reaches it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from adapters.drafts import ClientKey
from adapters.errors import AdapterError
from adapters.followers.exporting import list_copy
from adapters.process import looks
from adapters.process.looks import Look
from adapters.process.overviews import Overviews
from adapters.process.unit_house import UnitHouse
from adapters.reports import accesses, composing
from adapters.reports.collecting import Collected, collect
from adapters.reports.composing import Making, NotReviewedError, open_decisions, to_review
from adapters.reports.third_persons import digest_of, find
from adapters.storage.reports import Decision, KeptReport, Span, Verdict
from adapters.words import Language
from contracts.access_view import AccessView
from contracts.categories import Purpose
from contracts.names import ActorId, Code, SubjectId
from contracts.personal_report import PersonalReport, PortableCopy
from projections.corrections import Shown

_NOT_REVIEWED: Final[Code] = "not-reviewed"


class ReportError(AdapterError):
    """There is no such report or entry, or it does not fit."""


@dataclass(frozen=True, slots=True)
class Part:
    """An own entry in which a person wrote something, as the reviewer sees it."""

    shown: Shown
    decision: Decision | None
    """What was decided about it as it reads now."""


@dataclass(frozen=True, slots=True)
class Reporting:
    """What one worker does with reports."""

    house: UnitHouse
    actor: ActorId
    overviews: Overviews | None = None
    """Read models that are open already; else they are opened for each step."""

    def draft(self, subject: SubjectId, purpose: Purpose = Purpose.SUPPORT) -> int:
        """Begin a report; returns its number. Raises `ReportError` where the unit has no case number of the client."""
        self._client(subject)
        look = Look(self.actor, purpose)
        found = self._collected(subject, look)
        looks.report_entries(self.house, subject, found.entries, look=look)
        with self.house.store.write() as tx:
            return tx.reports.draft(subject, purpose, by=self.actor, at=self._now())

    def parts(self, number: int) -> Sequence[Part]:
        """What is to be gone through, with what was decided. Raises `ReportError`."""
        making = self._making(number)
        parts = to_review(making.found, self.house)
        looks.report_entries(self.house, making.found.subject, parts, look=self._look(making.report))
        undecided = {one.entry.message_id for one in open_decisions(making)}
        decided = {name: one for name, one in making.decisions.items() if name not in undecided}
        return [Part(one, decided.get(one.entry.message_id)) for one in parts]

    def decide(self, number: int, entry: str, *, black: Sequence[str] = (), withhold: bool = False) -> Verdict:
        """What of an entry leaves: all, all but these words, nothing. The report is to be said reviewed after that. Raises `ReportError`."""
        making = self._making(number)
        chosen = [one for one in to_review(making.found, self.house) if one.entry.message_id.startswith(entry)]
        if len(chosen) != 1:
            raise ReportError(
                f"{len(chosen)} entries to go through begin like that", advice="Take the id from `report show`."
            )
        (one,) = chosen
        spans = find(one.entry.content, black)
        verdict = Verdict.WITHHELD if withhold else Verdict.BLACKED if spans else Verdict.WHOLE
        self._keep(making.report, [one], verdict, spans)
        return verdict

    def leave_the_rest(self, number: int) -> int:
        """Everything that is still open names no third person; returns how many entries that were. Raises `ReportError`."""
        making = self._making(number)
        rest = open_decisions(making)
        self._keep(making.report, rest, Verdict.WHOLE, ())
        return len(rest)

    def reviewed(self, number: int) -> None:
        """All of it was gone through. Raises `NotReviewedError`, `ReportError`."""
        making = self._making(number)
        lacking = open_decisions(making)
        if lacking:
            raise NotReviewedError(len(lacking))
        with self.house.store.write() as tx:
            tx.reports.reviewed(number, by=self.actor, at=self._now())

    def report(
        self, number: int, to: Path | None, *, language: Language, from_hub: AccessView | None = None
    ) -> PersonalReport:
        """The report, about to be given in this file. Raises `NotReviewedError`, `ReportError`."""
        making = self._making(number, language, from_hub)
        with self._refusals(making):
            document = composing.personal_report(making)
        self._give(making, making.found.entries, to)
        return document

    def portable_copy(self, number: int, to: Path | None) -> PortableCopy:
        """The portable copy, about to be given in this file. Raises `NotReviewedError`, `ReportError`."""
        making = self._making(number)
        with self._refusals(making):
            document = composing.portable_copy(making)
        own = [one for one in making.found.entries if one.entry.author == self.house.unit]
        self._give(making, own, to)
        return document

    def given(self, number: int, form: str) -> None:
        """It is ready to be handed over."""
        with self.house.store.write() as tx:
            tx.reports.given(number, form, by=self.actor, at=self._now())

    def accesses(self, subject: SubjectId, to: Path | None, purpose: Purpose = Purpose.SUPPORT) -> AccessView:
        """Who looked, by itself, as far as this unit knows; about to be given in this file."""
        look = Look(self.actor, purpose)
        found = self._collected(subject, look)
        looks.report_entries(self.house, subject, found.entries, look=look)
        list_copy(self.house, found.entries, to, look=look)
        return accesses.known_here(self.house, found, at=self._now())

    def subject_of(self, number: int) -> SubjectId:
        """Whom a report is about. Raises `ReportError`."""
        return self.kept(number).subject

    def kept(self, number: int) -> KeptReport:
        """How far it is. Raises `ReportError`."""
        with self.house.store.read() as tx:
            kept = tx.reports.find(number)
        if kept is None:
            raise ReportError(f"There is no report {number}", advice="Take the number from `report list`.")
        return kept

    def as_it_leaves(self, part: Part) -> Shown:
        """A part as it would stand in the report."""
        decisions = {} if part.decision is None else {part.decision.message_id: part.decision}
        return composing.as_it_leaves(part.shown, decisions)

    def _give(self, making: Making, seen: Sequence[Shown], to: Path | None) -> None:
        look = self._look(making.report)
        looks.report_entries(self.house, making.found.subject, seen, look=look)
        list_copy(self.house, seen, to, look=look)

    def _keep(self, report: KeptReport, decided: Sequence[Shown], verdict: Verdict, spans: tuple[Span, ...]) -> None:
        """What was decided opens the review again."""
        at = self._now()
        with self.house.store.write() as tx:
            for one in (shown.entry for shown in decided):
                digest = digest_of(one.facts, one.content)
                decision = Decision(one.message_id, digest, verdict, spans, self.actor, at)
                tx.reports.decide(report.number, decision)

    @contextmanager
    def _refusals(self, making: Making) -> Iterator[None]:
        try:
            yield
        except NotReviewedError:
            look = self._look(making.report)
            looks.report_refused(self.house, making.found.subject, look=look, reason=_NOT_REVIEWED)
            raise

    def _making(self, number: int, language: Language = "en", from_hub: AccessView | None = None) -> Making:
        kept = self.kept(number)
        with self.house.store.read() as tx:
            decisions = tx.reports.decisions(number)
        client = self._client(kept.subject)
        found = self._collected(kept.subject, self._look(kept))
        return Making(self.house, kept, client, language, found, decisions, self._now(), from_hub)

    def _client(self, subject: SubjectId) -> ClientKey:
        """The unit's own name for the client, which stands on the report: the pseudonym never does."""
        with self.house.store.read() as tx:
            client = tx.clients.client_of(subject)
        if client is None:
            raise ReportError("This client has no case number here yet", advice="Link the referral first: client link.")
        return client

    def _collected(self, subject: SubjectId, look: Look) -> Collected:
        if self.overviews is not None:
            return collect(self.house, self.overviews, subject, look=look)
        overviews = self.house.overviews()
        try:
            return collect(self.house, overviews, subject, look=look)
        finally:
            overviews.close()

    def _look(self, report: KeptReport) -> Look:
        return Look(self.actor, report.purpose)

    def _now(self) -> datetime:
        return self.house.clock.now()
