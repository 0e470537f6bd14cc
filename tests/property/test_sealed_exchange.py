"""After any consents, extensions, narrowings, withdrawals, restrictions, ends and merges, over epochs and whichever comes first, the key or the
entry: a unit opens an entry exactly where some reason permitted that at the delivery and nothing erased it since; what was never permitted no key of
it opens.

Real desks and databases against the hub's rules and the key service's. What should open is worked out apart, from what was said
(`tests.simulation.said`), never from the hub's or the key service's state.
"""

import contextlib
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from adapters.desk.actions.consents import Paper, Terms
from adapters.desk.actions.duties import Statement
from adapters.desk.recorded import RecordedState
from adapters.desk.recording_desk import DeskError
from adapters.drafts import ClientKey, Draft
from adapters.storage.journal import EntryKind
from contracts.categories import Category
from contracts.envelope import open_clear, parse
from contracts.grants import to_unit
from contracts.messages.need import NeedAssessed, NeedContent
from contracts.names import GroundId, MergeId, MessageId, SubjectId, UnitId
from tests.simulation import said
from tests.simulation.programme import START
from tests.simulation.sealed_desks import SealedTown

UNITS = ("op", "md", "up", "vz")
CATEGORIES = (Category.HOUSING, Category.SKILLS, Category.HEALTH)
FILES = (ClientKey("karel"), ClientKey("karel-again"))
"""One person, entered at two units: merged and split now and then, which opens nothing."""
BEGAN = ("op", "md")
FILE = st.integers(0, 1)
RELEASE = ("consent", "release-from-secrecy")
UNIT = st.sampled_from(UNITS)
SOME_UNITS = st.sets(UNIT, min_size=1)
SOME = st.sets(st.sampled_from(CATEGORIES), min_size=1)
PICK = st.integers(0, 20)


@dataclass(frozen=True)
class Written:
    """An entry as it was recorded."""

    file: int
    author: str
    category: Category
    happened: datetime


class SealedExchange(RuleBasedStateMachine):
    """Four units, one person in two files."""

    @initialize(keys_first=st.booleans())
    def open(self, *, keys_first: bool) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.town = SealedTown(Path(self.folder.name))
        self.town.keys_first = keys_first
        self.town.hub.clock.at = START + timedelta(days=10)
        self.subjects = [self._enrolled(unit, client) for unit, client in zip(BEGAN, FILES, strict=True)]
        self.said = [said.Said() for _ in FILES]
        self.merges: list[MergeId] = []
        self.entries: dict[MessageId, Written] = {}
        self.open_at: set[tuple[str, MessageId]] = set()
        self.to_erase: set[tuple[str, MessageId]] = set()
        self.erased: set[tuple[str, MessageId]] = set()
        for file, unit in enumerate(BEGAN):
            everybody = set(UNITS)
            self.a_consent_is_taken(
                file, unit, everybody, everybody, set(CATEGORIES), explicit=True, days=600, since_start=True
            )
        self.something_is_recorded(0, "op", Category.HOUSING)

    def teardown(self) -> None:
        if hasattr(self, "town"):
            self.town.close()
            self.folder.cleanup()

    @rule(
        file=FILE,
        unit=UNIT,
        sources=SOME_UNITS,
        recipients=SOME_UNITS,
        categories=SOME,
        explicit=st.booleans(),
        days=st.integers(30, 600),
        since_start=st.booleans(),
    )
    def a_consent_is_taken(  # noqa: PLR0913 - what a consent is, by keyword
        self,
        file: int,
        unit: str,
        sources: set[str],
        recipients: set[str],
        categories: set[Category],
        *,
        explicit: bool,
        days: int,
        since_start: bool,
    ) -> None:
        sources = sources | {unit}
        openings = {one: sources - {one} for one in recipients if sources - {one}}
        if not self._knows(unit, file) or not openings:
            return
        terms = self._terms(sources, set(openings), categories, days=days, since_start=since_start)
        taken = self.town[unit].desk.take_consent(FILES[file], terms, Paper(kinds=RELEASE, explicit=explicit))
        if all(one.state is RecordedState.WAITING for one in taken.messages):
            grants = [self._grant(some, one, categories, terms) for one, some in openings.items()]
            self.said[file].papers[taken.consent_id] = said.Paper(unit, release=True, explicit=explicit, grants=grants)
        self._settle()

    @precondition(lambda self: hasattr(self, "said"))
    @rule(pick=PICK, recipients=SOME_UNITS, categories=SOME, since_start=st.booleans())
    def a_consent_is_extended(
        self, pick: int, recipients: set[str], categories: set[Category], *, since_start: bool
    ) -> None:
        file, consent_id, paper = self._paper(pick)
        sources = {paper.collector} | set(UNITS)
        openings = {one: sources - {one} for one in recipients}
        if paper.withdrawn or not any(one.ends > self._now for one in paper.grants):
            return
        terms = self._terms(sources, set(openings), categories, days=600, since_start=since_start)
        extended = self.town[paper.collector].desk.extend(FILES[file], consent_id, terms)
        if all(one.state is RecordedState.WAITING for one in extended.messages):
            paper.grants += [self._grant(some, one, categories, terms) for one, some in openings.items()]
        self._settle()

    @precondition(lambda self: hasattr(self, "said"))
    @rule(pick=PICK, categories=SOME)
    def a_consent_is_narrowed(self, pick: int, categories: set[Category]) -> None:
        file, consent_id, paper = self._paper(pick)
        if paper.withdrawn or not any(one.ends > self._now for one in paper.grants):
            return
        recipients = {one.recipient for one in paper.grants}
        desk = self.town[paper.collector].desk
        desk.narrow(
            FILES[file], consent_id, recipients={to_unit(UnitId(one[5:])) for one in recipients}, categories=categories
        )
        for recipient in recipients:
            paper.narrow(recipient, {one.value for one in categories})
        self._settle()

    @precondition(lambda self: hasattr(self, "said"))
    @rule(pick=PICK)
    def a_consent_is_withdrawn(self, pick: int) -> None:
        file, consent_id, paper = self._paper(pick)
        if not paper.withdrawn and any(one.ends > self._now for one in paper.grants):
            self.town[paper.collector].desk.withdraw(FILES[file], consent_id)
            paper.withdrawn = True
            self._settle()

    @precondition(lambda self: hasattr(self, "said"))
    @rule(pick=PICK, unit=UNIT)
    def a_source_confirms_that_it_saw_the_paper(self, pick: int, unit: str) -> None:
        file, consent_id, paper = self._paper(pick)
        named = any(unit in one.sources for one in paper.grants)
        if named and not paper.withdrawn and unit != paper.collector and self._knows(unit, file):
            recorded = self.town[unit].desk.attest(FILES[file], consent_id)
            if recorded.state is RecordedState.WAITING:
                paper.attested.add(unit)
            self._settle()

    @rule(file=FILE, unit=UNIT, category=st.sampled_from(CATEGORIES))
    def something_is_recorded(self, file: int, unit: str, category: Category) -> None:
        if not self._knows(unit, file):
            return
        facts = NeedAssessed(dimension=Category.HOUSING, level="high")
        content = NeedContent(finding=f"{unit} {category} {len(self.entries)}")
        recorded = self.town[unit].desk.record(Draft(FILES[file], facts, self._now, category=category, content=content))
        assert recorded.message_id is not None, recorded
        self.entries[recorded.message_id] = Written(file, unit, category, self._now)
        self._settle()

    @rule(file=FILE, unit=UNIT, categories=st.sets(st.sampled_from(CATEGORIES)))
    def the_client_has_it_restricted(self, file: int, unit: str, categories: set[Category]) -> None:
        if self._knows(unit, file):
            self.town[unit].desk.restrict(FILES[file], categories=tuple(sorted(categories)))
            self.said[file].restrictions.setdefault(unit, []).append({one.value for one in categories})
            self._settle()

    @rule(file=FILE, unit=UNIT)
    def a_restriction_is_lifted(self, file: int, unit: str) -> None:
        if self.said[file].restrictions.get(unit):
            self.town[unit].desk.lift_restriction(FILES[file])
            del self.said[file].restrictions[unit]
            self._settle()

    @rule(speakers=st.permutations(UNITS))
    def the_two_files_are_said_to_be_one_person(self, speakers: list[str]) -> None:
        desks = [self.town[one].desk for one in speakers]
        try:
            made = desks[0].propose_merge(*self.subjects, method="asked-client", evidence="asked at the desk")
            self._settle()
            self.merges.append(made.merge_id)
            desks[1].review_merge(made.merge_id, method="joint-meeting")
        except DeskError:  # somebody without a reason to share on both sides
            return
        self._settle()

    @rule(unit=UNIT)
    def a_merge_is_undone(self, unit: str) -> None:
        if self.merges:
            with contextlib.suppress(DeskError):
                self.town[unit].desk.split(self.merges[-1], reason="other-person")
            self._settle()

    @precondition(lambda self: hasattr(self, "town") and self._now < START + timedelta(days=350))
    @rule(days=st.integers(1, 120))
    def time_passes(self, days: int) -> None:
        before = self._now
        self.town.hub.move_to(before + timedelta(days=days))
        self._settle()

    @rule(unit=UNIT)
    def a_unit_does_what_it_owes(self, unit: str) -> None:
        with self.town[unit].store.read() as tx:
            duties = tx.obligations.unanswered()
        for duty in duties:
            self.town[unit].desk.answer_obligation(duty.facts.obligation_id, Statement())
        gone = {(at, name) for at, name in self.to_erase if at == unit}
        self.to_erase -= gone
        self.open_at -= gone
        self.erased |= gone
        self._settle()

    @invariant()
    def a_unit_opens_what_a_reason_permitted_and_nothing_erased(self) -> None:
        if not hasattr(self, "town"):
            return
        found = {(unit, name) for unit in UNITS for name in self._opened(unit)}
        assert found == self.open_at, (found - self.open_at, self.open_at - found)

    @invariant()
    def no_key_of_a_unit_opens_what_it_was_never_permitted(self) -> None:
        if not hasattr(self, "town"):
            return
        for name, written in self.entries.items():
            if self._left(name):
                for unit in set(UNITS) - {written.author}:
                    if (unit, name) not in self.open_at | self.erased:
                        assert not self.town.could_open(unit, name), (unit, name)

    @property
    def _now(self) -> datetime:
        return self.town.hub.clock.at

    def _terms(
        self, sources: set[str], recipients: set[str], categories: set[Category], *, days: int, since_start: bool
    ) -> Terms:
        to = [to_unit(UnitId(one)) for one in sorted(recipients)]
        begins = START if since_start else self._now
        named = [UnitId(one) for one in sorted(sources)]
        return Terms(named, to, sorted(categories), self._now + timedelta(days=days), begins)

    @staticmethod
    def _grant(sources: set[str], recipient: str, categories: set[Category], terms: Terms) -> said.Grant:
        assert isinstance(terms.until, datetime)
        assert isinstance(terms.history_from, datetime)
        values = {one.value for one in categories}
        return said.Grant(set(sources), f"unit:{recipient}", values, terms.history_from, terms.until)

    def _paper(self, pick: int) -> tuple[int, GroundId, said.Paper]:
        papers = self._papers()
        return papers[pick % len(papers)]

    def _papers(self) -> list[tuple[int, GroundId, said.Paper]]:
        return [
            (file, GroundId(name), paper)
            for file, told in enumerate(self.said)
            for name, paper in sorted(told.papers.items())
        ]

    def _enrolled(self, unit: str, client: ClientKey) -> SubjectId:
        self.town[unit].desk.enrol(client)
        with self.town[unit].store.read() as tx:
            found = tx.clients.subject_of(client)
        assert found is not None
        return found

    def _knows(self, unit: str, file: int) -> bool:
        """Whether the unit knows the client, taken into its files now where it came by feed."""
        subject = self.subjects[file]
        with self.town[unit].store.read() as tx:
            known, seen = tx.clients.client_of(subject), subject in tx.journal.subjects()
        if known is None and seen:
            self.town[unit].desk.adopt(subject, FILES[file])
        return known is not None or seen

    def _left(self, name: MessageId) -> bool:
        """Whether the hub has the entry, or its author still holds it."""
        return any(one == name for _, one in self.town.hub.shard.index)

    def _opened(self, unit: str) -> set[MessageId]:
        """The entries of others that the unit reads."""
        with self.town[unit].store.read() as tx:
            rows = [one for of in self.subjects for one in tx.journal.of_subject(of) if one.kind is EntryKind.GIVEN]
        found = {one.message_id: open_clear(parse(one.payload))[1] for one in rows if one.payload is not None}
        return {name for name, content in found.items() if isinstance(content, NeedContent)}

    def _settle(self) -> None:
        """Let everything arrive. A duty names what no reason covers any more; a restriction ends giving, not holding."""
        self.town.settle()
        for name, written in self.entries.items():
            for unit in set(UNITS) - {written.author}:
                self._judge((unit, name), written)
        self.town.hub.clock.at += timedelta(minutes=1)
        self.town.settle()

    def _judge(self, place: tuple[str, MessageId], written: Written) -> None:
        told, at = self.said[written.file], self._now
        author, category, happened = written.author, written.category.value, written.happened
        permitted = told.may_have(place[0], author=author, category=category, happened=happened, at=at)
        covered = told.could_have(place[0], author=author, category=category, happened=happened, at=at)
        if place not in self.erased and permitted:
            self.open_at.add(place)
        if place in self.open_at and not covered:
            self.to_erase.add(place)


TestSealedExchange = SealedExchange.TestCase
TestSealedExchange.settings = settings(
    max_examples=6, stateful_step_count=10, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
