"""Two files of one person at one unit: together while both sides stand here, apart the moment one does not, and never more than what is in them.

One behavioural test class, run on SQLite and on PostgreSQL.
"""

from itertools import count

import pytest
from sqlalchemy import Engine

from contracts.categories import Category
from contracts.messages.need import NeedAssessed
from contracts.messages.subject import SubjectMerged, SubjectSplit
from contracts.names import MergeId, MessageId, SubjectId, UnitId
from projections.one_person import joined_grounds, joined_referrals, joined_timeline, merges, same_person
from tests.read_model_rig import (
    HALINA,
    KAREL,
    MD,
    OP,
    UP,
    MemoryJournal,
    OnPostgres,
    OnSqlite,
    Writer,
    consent,
    day,
    named,
    referral_sent,
    unit_runner,
)

THIRD = SubjectId("r1." + "t" * 26)


class Unit:
    """The unit OP with its journal and read models."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.journal, self.write = engine, MemoryJournal(), Writer()
        self.runner = unit_runner(engine, self.journal)
        self._days = count(1)

    def merge(self, subject: SubjectId, author: UnitId, number: int = 0, **stated: str) -> MessageId:
        facts = SubjectMerged(merge_id=MergeId(named(30_000 + number)), method="asked-client", tell=(OP, UP, MD))
        if author == OP:
            stated = {"state": "accepted", **stated}
        return self.journal.add(self.write(facts, author, subject=subject), **stated)

    def join(self, *subjects: SubjectId, number: int = 0) -> None:
        for subject in subjects:
            self.merge(subject, OP, number)
            self.merge(subject, UP, number)

    def split(self, subject: SubjectId, author: UnitId = UP, number: int = 0, **stated: str) -> None:
        facts = SubjectSplit(merge_id=MergeId(named(30_000 + number)), reason="other-person")
        self.journal.add(self.write(facts, author, subject=subject), **stated)

    def entry(self, subject: SubjectId, author: UnitId) -> MessageId:
        facts, at = NeedAssessed(dimension="housing"), day(next(self._days))
        return self.journal.add(self.write(facts, author, subject=subject, category=Category.HOUSING, at=at))

    def same(self, subject: SubjectId) -> set[SubjectId]:
        self.runner.catch_up()
        with self.engine.connect() as connection:
            return set(same_person(connection, subject))

    def shown(self, subject: SubjectId) -> list[tuple[SubjectId, MessageId]]:
        self.runner.catch_up()
        with self.engine.connect() as connection:
            found = joined_timeline(connection, subject, others_visible=True)
        return [(one.entry.subject, one.entry.message_id) for one in found]


class OnePersonContract:
    """What holds on every database."""

    @pytest.fixture
    def unit(self, engine: Engine) -> Unit:
        return Unit(engine)

    def test_both_files_show_as_one_in_the_order_of_time_each_entry_under_its_own(self, unit: Unit) -> None:
        entries = [
            (one, unit.entry(one, author)) for one, author in ((KAREL, UP), (HALINA, MD), (KAREL, OP), (HALINA, OP))
        ]
        unit.join(KAREL, HALINA)
        assert unit.shown(KAREL) == unit.shown(HALINA) == entries

    def test_a_split_on_one_side_gives_back_exactly_the_views_before(self, unit: Unit) -> None:
        unit.entry(KAREL, UP)
        unit.entry(HALINA, MD)
        before = unit.shown(KAREL), unit.shown(HALINA)
        unit.join(KAREL, HALINA)
        assert (unit.shown(KAREL), unit.shown(HALINA)) != before
        unit.split(HALINA)
        assert (unit.shown(KAREL), unit.shown(HALINA)) == before

    def test_a_proposal_that_nobody_reviewed_joins_nothing(self, unit: Unit) -> None:
        for subject in (KAREL, HALINA):
            unit.merge(subject, UP)
        assert unit.same(KAREL) == {KAREL}

    def test_one_side_that_stands_joins_nothing(self, unit: Unit) -> None:
        unit.join(KAREL)
        unit.merge(HALINA, OP)
        assert unit.same(KAREL) == {KAREL}
        assert unit.same(HALINA) == {HALINA}

    @pytest.mark.parametrize("state", ["waiting", "held"])
    def test_an_own_word_counts_once_the_hub_accepted_it(self, unit: Unit, state: str) -> None:
        unit.join(HALINA)
        unit.merge(KAREL, UP)
        own = unit.merge(KAREL, OP, state=state)
        assert unit.same(KAREL) == {KAREL}
        unit.journal.change(own, state="accepted")
        assert unit.same(KAREL) == {KAREL, HALINA}
        unit.journal.change(own, kind="refused", state="refused")
        assert unit.same(KAREL) == {KAREL}

    def test_an_own_split_counts_at_once(self, unit: Unit) -> None:
        unit.join(KAREL, HALINA)
        unit.split(KAREL, OP, state="waiting")
        assert unit.same(KAREL) == {KAREL}

    def test_two_merges_are_one_person_and_undoing_one_leaves_the_other(self, unit: Unit) -> None:
        unit.join(KAREL, HALINA, number=1)
        unit.join(HALINA, THIRD, number=2)
        assert unit.same(KAREL) == {KAREL, HALINA, THIRD}
        unit.split(HALINA, number=1)
        assert unit.same(KAREL) == {KAREL}
        assert unit.same(THIRD) == {HALINA, THIRD}

    def test_two_halves_of_different_merges_join_nothing(self, unit: Unit) -> None:
        unit.join(KAREL, number=1)
        unit.join(HALINA, number=2)
        assert unit.same(KAREL) == {KAREL}

    def test_reasons_and_referrals_are_shown_together_under_their_own_file(self, unit: Unit) -> None:
        for number, subject in enumerate((KAREL, HALINA)):
            unit.journal.add(unit.write(consent(number), OP, subject=subject), state="accepted")
            unit.journal.add(unit.write(referral_sent(number), OP, subject=subject, category=Category.HOUSING))
        unit.join(KAREL, HALINA)
        unit.runner.catch_up()
        with unit.engine.connect() as connection:
            assert {one.subject for one in joined_grounds(connection, KAREL, at=day(20))} == {KAREL, HALINA}
            assert [one.subject for one in joined_referrals(connection, KAREL)] == sorted([KAREL, HALINA])
            (record,) = merges(connection)
        assert record.joined == {KAREL, HALINA}
        assert not record.undone


class TestOnSqlite(OnSqlite, OnePersonContract):
    """The contract on SQLite."""


@pytest.mark.postgres
class TestOnPostgres(OnPostgres, OnePersonContract):
    """The contract on PostgreSQL."""
