"""After any codes, merges and splits, with consents given and withdrawn between: no unit sees an entry that its own reasons do not open, and a split
gives back exactly the views before; and what an auditor replays as of any moment is what the hub had then.

Three units at real desks against the hub's rules, each with a client that it calls `c-1`. What should show is worked out apart, from what was said
(`tests.simulation.said`), never from the hub's or the read models' state.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from adapters.desk.actions.consents import Paper, Terms
from adapters.desk.actions.duties import Statement
from adapters.desk.recording_desk import DeskError
from adapters.drafts import ClientKey
from adapters.process.overviews import Overviews
from adapters.storage.journal import EntryKind
from contracts.categories import Category
from contracts.grants import to_unit
from contracts.names import GroundId, MergeId, MessageId, SubjectId, UnitId
from projections.corrections import Shown, timeline
from projections.one_person import joined_timeline, same_person
from tests.simulation import said
from tests.simulation.desks import Town
from tests.simulation.lived import Lived
from tests.simulation.programme import START

UNITS = ("op", "up", "md")
C1 = ClientKey("c-1")
UNIT, OTHER = st.sampled_from(UNITS), st.sampled_from(UNITS)
PERSON = st.integers(0, 2)
PAIR = st.sampled_from([(0, 1), (1, 2), (0, 2)])
BOTH = Paper(kinds=("consent", "release-from-secrecy"))
SOME = st.sets(UNIT, min_size=1)


@dataclass
class SaidOfSide:
    """One side of a merge, as it was said."""

    proposer: str
    told: set[str]
    reviewer: str | None = None
    heard: set[str] = field(default_factory=set)

    def stands_at(self, unit: str) -> bool:
        return self.reviewer is not None and unit in self.heard | {self.reviewer}


@dataclass
class SaidMerge:
    """A merge, as it was said about both sides."""

    sides: dict[SubjectId, SaidOfSide]
    split: bool = False

    def told(self) -> set[str]:
        return {unit for side in self.sides.values() for unit in side.told | {side.proposer}}


class People(RuleBasedStateMachine):
    """Three units, three files, perhaps one person."""

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.town = Town(Path(self.folder.name))
        self.town.hub.clock.at = START + timedelta(days=10)
        self.views = {
            name: Overviews(Path(self.folder.name) / f"{name}-views.db", self.town[name].store) for name in UNITS
        }
        for name in UNITS:
            self.town[name].desk.enrol(C1)
        self.subjects = [self._of(name, C1) for name in UNITS]
        self.lived = Lived()
        self.said = {subject: said.Said() for subject in self.subjects}
        self.merges: dict[MergeId, SaidMerge] = {}
        self.codes = 0
        self._settle()
        for person in range(len(UNITS)):
            self.a_consent_is_taken(person, set(UNITS))

    def teardown(self) -> None:
        if hasattr(self, "town"):
            self.lived.compare(self.town.hub)
            for view in self.views.values():
                view.close()
            self.town.close()
            self.folder.cleanup()

    @rule(person=PERSON, recipients=SOME)
    def a_consent_is_taken(self, person: int, recipients: set[str]) -> None:
        subject, collector = self.subjects[person], UNITS[person]
        sources = tuple(UnitId(one) for one in UNITS)
        terms = Terms(
            sources,
            [to_unit(UnitId(one)) for one in sorted(recipients)],
            (Category.HOUSING,),
            START + timedelta(days=700),
            START,
        )
        taken = self.town[collector].desk.take_consent(C1, terms, BOTH)
        grants = [
            said.Grant(set(UNITS) - {one}, f"unit:{one}", {"housing"}, START, START + timedelta(days=700))
            for one in sorted(recipients)
        ]
        self.said[subject].papers[taken.consent_id] = said.Paper(collector, release=True, explicit=False, grants=grants)
        self._settle()

    @rule(person=PERSON, unit=UNIT)
    def a_unit_confirms_that_it_saw_the_papers(self, person: int, unit: str) -> None:
        subject = self.subjects[person]
        for ground, paper in self.said[subject].papers.items():
            named = any(unit in one.sources for one in paper.grants)
            told = any(unit in one.sources | {one.recipient.removeprefix("unit:")} for one in paper.grants)
            if (
                not paper.withdrawn
                and named
                and told
                and unit != paper.collector
                and (key := self._client(unit, subject))
            ):
                self.town[unit].desk.attest(key, GroundId(ground))
                paper.attested.add(unit)
        self._settle()

    @rule(person=PERSON)
    def the_client_takes_the_papers_back(self, person: int) -> None:
        for ground, paper in self.said[self.subjects[person]].papers.items():
            if not paper.withdrawn:
                self.town[UNITS[person]].desk.withdraw(C1, GroundId(ground))
                paper.withdrawn = True
        self._settle()

    @rule(person=PERSON, unit=UNIT)
    def a_unit_records_something(self, person: int, unit: str) -> None:
        if key := self._client(unit, self.subjects[person]):
            self.town[unit].desk.assess_need(key, Category.HOUSING, level="high")
            self._settle()

    @rule(person=PERSON, issuer=UNIT, joiner=OTHER)
    def a_unit_joins_by_a_code(self, person: int, issuer: str, joiner: str) -> None:
        subject = self.subjects[person]
        key = self._client(issuer, subject)
        if key is None or issuer == joiner:
            return
        before = self._all_views()
        self.codes += 1
        new = ClientKey(f"by-code-{self.codes}")
        code = self.town[issuer].desk.give_code(key).code
        self._settle()
        self.town[joiner].desk.enter_code(code, new)
        self._settle()
        with self.town[joiner].store.read() as tx:
            assert tx.clients.client_of(subject) is not None
            assert all(one.opened_at is not None for one in tx.pairings.entered())
        assert self._all_views() == before

    @rule(unit=UNIT, pair=PAIR)
    def two_files_are_said_to_be_one_person(self, unit: str, pair: tuple[int, int]) -> None:
        before = self._given()
        self._propose(unit, *pair)
        assert self._given() == before

    @precondition(lambda self: bool(getattr(self, "merges", None)))
    @rule(unit=UNIT, data=st.data())
    def a_merge_is_reviewed(self, unit: str, data: st.DataObject) -> None:
        before = self._given()
        self._review(unit, data.draw(st.sampled_from(sorted(self.merges))))
        assert self._given() == before

    @precondition(lambda self: bool(getattr(self, "merges", None)))
    @rule(unit=UNIT, data=st.data())
    def a_merge_is_undone(self, unit: str, data: st.DataObject) -> None:
        self._split(unit, data.draw(st.sampled_from(sorted(self.merges))))

    @rule(pair=PAIR, speakers=st.permutations(UNITS), undoer=UNIT)
    def joined_and_undone_everything_is_as_before(
        self, pair: tuple[int, int], speakers: list[str], undoer: str
    ) -> None:
        proposer, reviewer, _ = speakers
        before = self._all_views()
        merge_id = self._propose(proposer, *pair)
        if merge_id is not None:
            self._review(reviewer, merge_id)
            if not self._split(undoer, merge_id):
                self._split(proposer, merge_id)
            assert self._all_views() == before

    @rule(pair=PAIR, speakers=st.permutations(UNITS))
    def a_reason_ends_on_one_side_between_proposal_and_review(self, pair: tuple[int, int], speakers: list[str]) -> None:
        merge_id = self._propose(speakers[0], *pair)
        if merge_id is not None:
            self.the_client_takes_the_papers_back(pair[0])
            self._review(speakers[1], merge_id)
            assert [side.reviewer is not None for side in self.merges[merge_id].sides.values()] == [False, True]

    @invariant()
    def nobody_sees_what_their_own_reasons_do_not_open(self) -> None:
        if not hasattr(self, "town"):
            return
        now = self.town.hub.clock.at
        for unit, subject in self._places():
            for shown in self._view(unit, subject):
                entry = shown.entry
                if entry.author == unit or entry.category is None or entry.kind == "erased":
                    continue
                open_to = self.said[entry.subject].could_have(
                    unit, author=entry.author, category=entry.category.value, happened=entry.time, at=now
                )
                assert open_to, (unit, entry)

    @invariant()
    def together_shows_what_was_said_to_be_one_person_and_nothing_else(self) -> None:
        if not hasattr(self, "town"):
            return
        for unit, subject in self._places():
            expected = self._expected(unit, subject)
            with self.views[unit].look() as connection:
                assert set(same_person(connection, subject)) == expected, unit
                alone = [
                    one
                    for side in sorted(expected)
                    for one in timeline(connection, side, others_visible=True)
                    if not (one.entry.type or "").startswith("eu.spojka.subject.")
                ]
            assert self._ids(self._view(unit, subject)) == self._ids(alone)

    def _propose(self, unit: str, one: int, other: int) -> MergeId | None:
        sides = (self.subjects[one], self.subjects[other])
        try:
            made = self.town[unit].desk.propose_merge(*sides, method="asked-client", evidence="asked at the desk")
        except DeskError:
            return None
        named = [self._named(side) for side in sides]
        told = named[0] & named[1] - {unit}
        self._settle()
        assert unit in named[0] & named[1]
        self.merges[made.merge_id] = SaidMerge({side: SaidOfSide(unit, told) for side in sides})
        return made.merge_id

    def _review(self, unit: str, merge_id: MergeId) -> None:
        merge = self.merges[merge_id]
        try:
            self.town[unit].desk.review_merge(merge_id, method="joint-meeting")
        except DeskError:
            assert any(unit not in side.told | {side.proposer} for side in merge.sides.values())
            return
        self._settle()
        for subject, side in merge.sides.items():
            named = self._named(subject)
            if side.reviewer is None and not merge.split and unit in side.told & named:
                side.reviewer = unit
                side.heard = (side.told | {side.proposer}) & named

    def _split(self, unit: str, merge_id: MergeId) -> bool:
        merge = self.merges[merge_id]
        try:
            self.town[unit].desk.split(merge_id, reason="other-person")
        except DeskError:
            assert unit not in merge.told()
            return False
        merge.split = True
        self._settle()
        return True

    def _named(self, subject: SubjectId) -> set[str]:
        papers = [one for one in self.said[subject].papers.values() if not one.withdrawn]
        return {
            unit
            for paper in papers
            for grant in paper.grants
            for unit in {paper.collector, grant.recipient.removeprefix("unit:")} | grant.sources
        }

    def _expected(self, unit: str, subject: SubjectId) -> set[SubjectId]:
        found = {subject}
        while True:
            more = {
                side
                for merge in self.merges.values()
                if not merge.split and found & merge.sides.keys()
                if all(one.stands_at(unit) for one in merge.sides.values())
                for side in merge.sides
            }
            if more <= found:
                return found
            found |= more

    def _settle(self) -> None:
        self.lived.remember(self.town.hub, self.subjects)
        self.town.hub.clock.at += timedelta(minutes=1)
        self.town.settle()
        for name in UNITS:
            with self.town[name].store.read() as tx:
                duties = tx.obligations.unanswered()
            for duty in duties:
                self.town[name].desk.answer_obligation(duty.facts.obligation_id, Statement())
        self.town.settle()
        for view in self.views.values():
            view.bring_up_to_date()

    def _places(self) -> Iterator[tuple[str, SubjectId]]:
        for unit in UNITS:
            for subject in self.subjects:
                yield unit, subject

    def _view(self, unit: str, subject: SubjectId) -> list[Shown]:
        with self.views[unit].look() as connection:
            return list(joined_timeline(connection, subject, others_visible=True))

    def _all_views(self) -> dict[tuple[str, SubjectId], list[Shown]]:
        return {place: self._view(*place) for place in self._places()}

    def _ids(self, shown: list[Shown]) -> list[MessageId]:
        return [one.entry.message_id for one in sorted(shown, key=lambda one: (one.entry.time, one.entry.arrived))]

    def _given(self) -> dict[str, set[MessageId]]:
        """What of others' entries each unit has, whatever it shows."""
        found = {}
        for name in UNITS:
            with self.town[name].store.read() as tx:
                rows = tx.journal.since(0, limit=10_000)
            found[name] = {one.message_id for one in rows if one.kind is EntryKind.GIVEN and one.category is not None}
        return found

    def _of(self, unit: str, key: ClientKey) -> SubjectId:
        with self.town[unit].store.read() as tx:
            subject = tx.clients.subject_of(key)
        assert subject is not None
        return subject

    def _client(self, unit: str, subject: SubjectId) -> ClientKey | None:
        """The unit's own name for a subject that it knows, taken into its files now where it came by feed."""
        with self.town[unit].store.read() as tx:
            known, seen = tx.clients.client_of(subject), subject in tx.journal.subjects()
        if known is None and seen:
            known = ClientKey(f"file-{self.subjects.index(subject)}")
            self.town[unit].desk.adopt(subject, known)
        return known


TestPeople = People.TestCase
TestPeople.settings = settings(
    max_examples=15, stateful_step_count=14, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
