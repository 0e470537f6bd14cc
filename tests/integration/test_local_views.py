"""What a local system reads by SQL: names that stay, through rebuilds too, and nothing of others once the lease is over."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, cast

import pytest
from sqlalchemy import Column, Connection, Engine, MetaData, String, Table, select, table, text

from contracts.categories import Category
from contracts.messages.need import NeedAssessed
from contracts.messages.subject import SubjectMerged, SubjectSplit
from contracts.names import MergeId, SubjectId
from projections.build import Build
from projections.database import writing
from projections.grounds import GroundsInForce
from projections.local_views import LOCAL_VIEWS, Showing, forget_clients, note_clients, note_showing, offer_views
from projections.one_person import OnePerson
from projections.parsed import ParsedItem, parse_journal
from projections.projection import Projection
from projections.runner import Runner
from projections.timeline import ENTRY, Timeline
from projections.worklist import Worklist
from tests.read_model_rig import (
    HALINA,
    KAREL,
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
)

if TYPE_CHECKING:
    from collections.abc import Sequence

DAYS_LEFT = Showing(OP, timedelta(days=3))
RUN_OUT = Showing(OP, timedelta(0))
CATCHING_UP = Showing(OP, None, "catching-up")


class ReshapedTimeline:
    """A version whose table has another column first, so that its view must be dropped and made anew."""

    name: Final = "timeline"
    version: int = 2
    readable_from: int = 1
    metadata: Final = MetaData()
    entries = Table(
        ENTRY.name,
        metadata,
        Column("before_all", String(10)),
        *(Column(one.name, one.type, primary_key=one.primary_key) for one in ENTRY.c),
    )

    def apply(self, connection: Connection, items: Sequence[ParsedItem], tables: Build) -> None:
        Timeline().apply(connection, items, cast("Build", {ENTRY: tables[self.entries]}))


def history() -> MemoryJournal:
    """What OP has: a consent and two referrals of its own, one from UP, and entries of both."""
    journal, write = MemoryJournal(OP), Writer()
    journal.add(write(consent(1)), state="accepted", position=1)
    journal.add(write(referral_sent(1), category=Category.SKILLS), state="accepted", position=2)
    journal.add(write(referral_sent(2, OP), UP, category=Category.HOUSING), position=3)
    journal.add(write(NeedAssessed(dimension="skills"), category=Category.SKILLS, at=day(1)), state="waiting")
    journal.add(write(NeedAssessed(dimension="housing"), UP, category=Category.HOUSING, at=day(2)), position=4)
    return journal


def merge(journal: MemoryJournal, write: Writer, *subjects: SubjectId) -> None:
    """Two files are one person, as OP proposed and UP agreed."""
    for subject, author in ((one, author) for one in subjects for author in (OP, UP)):
        facts = SubjectMerged(merge_id=MergeId(named(40_000)), method="asked-client", tell=(OP, UP))
        journal.add(write(facts, author, subject=subject), **({"state": "accepted"} if author == OP else {}))


def runner_of(
    engine: Engine, journal: MemoryJournal, timeline: Projection[ParsedItem] | None = None
) -> Runner[Any, Any]:
    models = (timeline or Timeline(), Worklist(), GroundsInForce(), OnePerson())
    runner = Runner(engine, journal, parse=parse_journal, projections=models, served=offer_views)
    runner.prepare()
    return runner


def rows(engine: Engine, query: str) -> list[tuple[Any, ...]]:
    """As the local system asks: by SQL, in a transaction of its own."""
    with engine.begin() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def note(engine: Engine, showing: Showing) -> None:
    with writing(engine) as connection:
        note_showing(connection, showing)


class LocalViewsContract:
    def test_a_local_system_finds_both_files_of_one_person_and_parts_them_after_a_split(self, engine: Engine) -> None:
        journal, write = history(), Writer(first_id=100)
        journal.add(write(NeedAssessed(dimension="skills"), subject=HALINA, category=Category.SKILLS, at=day(3)))
        merge(journal, write, KAREL, HALINA)
        runner = runner_of(engine, journal)
        runner.catch_up()
        note(engine, DAYS_LEFT)
        persons = "SELECT DISTINCT subject, person FROM spojka_timeline WHERE subject IS NOT NULL"
        assert set(rows(engine, persons)) == {(KAREL, min(KAREL, HALINA)), (HALINA, min(KAREL, HALINA))}
        assert {one[0] for one in rows(engine, "SELECT person FROM spojka_referrals")} == {min(KAREL, HALINA)}
        assert {one[0] for one in rows(engine, "SELECT person FROM spojka_grounds")} == {min(KAREL, HALINA)}

        split = SubjectSplit(merge_id=MergeId(named(40_000)), reason="other-person")
        journal.add(write(split, UP, subject=HALINA))
        runner.catch_up()

        assert set(rows(engine, persons)) == {(KAREL, KAREL), (HALINA, HALINA)}

    def test_a_view_made_before_a_column_came_gets_it(self, engine: Engine) -> None:
        runner_of(engine, history()).catch_up()
        with writing(engine) as connection:
            connection.execute(text("DROP VIEW spojka_grounds"))
            connection.execute(text("CREATE VIEW spojka_grounds AS SELECT ground_id AS ground FROM ground_reach"))
            offer_views(connection)
        note(engine, DAYS_LEFT)

        assert {one[0] for one in rows(engine, "SELECT ground FROM spojka_grounds")} == {named(10_001)}
        assert {one[0] for one in rows(engine, "SELECT person FROM spojka_grounds")} == {KAREL}

    @pytest.fixture
    def filled(self, engine: Engine) -> Engine:
        runner_of(engine, history()).catch_up()
        with writing(engine) as connection:
            note_clients(connection, [(KAREL, "2026/17")])
        note(engine, DAYS_LEFT)
        return engine

    def test_a_local_system_finds_its_client_by_its_own_case_number(self, filled: Engine) -> None:
        found = rows(
            filled, "SELECT unit, kind, category FROM spojka_timeline WHERE client = '2026/17' ORDER BY arrived"
        )
        assert found == [
            ("op", "own", None),
            ("op", "own", "skills"),
            ("up", "given", "housing"),
            ("op", "own", "skills"),
            ("up", "given", "housing"),
        ]

    def test_the_worklist_says_what_is_overdue_by_the_databases_clock(self, filled: Engine) -> None:
        found = rows(filled, "SELECT source, target, state, overdue FROM spojka_referrals ORDER BY source")
        assert found == [("op", "up", "sent", 1), ("up", "op", "sent", 1)]

    def test_reasons_to_share_say_whether_they_are_in_force(self, filled: Engine) -> None:
        found = rows(filled, "SELECT source, recipient, category, opened, until FROM spojka_grounds ORDER BY source")
        assert [one[:4] for one in found] == [
            ("md", "unit:up", "housing", 0),
            ("op", "unit:up", "housing", 1),
            ("up", "unit:up", "housing", 0),
        ]
        with writing(filled) as connection:
            far = "UPDATE ground_reach_1 SET until = '2999-01-01T00:00:00.000000+00:00' WHERE source IN ('op', 'up')"
            connection.execute(text(far))
        found = rows(filled, "SELECT source, in_force FROM spojka_grounds ORDER BY source")
        assert found == [("md", 0), ("op", 1), ("up", 0)]

    @pytest.mark.parametrize("showing", [RUN_OUT, CATCHING_UP], ids=["lease over", "catching up"])
    def test_nothing_of_others_is_read_past_the_lease(self, filled: Engine, showing: Showing) -> None:
        note(filled, showing)
        assert {one[0] for one in rows(filled, "SELECT unit FROM spojka_timeline")} == {"op"}
        assert [one[0] for one in rows(filled, "SELECT source FROM spojka_referrals")] == ["op"]
        assert {one[0] for one in rows(filled, "SELECT collector FROM spojka_grounds")} == {"op"}
        hidden = "lease-over" if showing is RUN_OUT else "catching-up"
        assert rows(filled, "SELECT unit, others_shown, hidden FROM spojka_state") == [("op", 0, hidden)]

    def test_the_lease_ends_without_the_adapter(self, filled: Engine) -> None:
        """Nobody notes anything: the row's own instant passes, here by being moved."""
        assert rows(filled, "SELECT others_shown, hidden FROM spojka_state") == [(1, None)]
        with writing(filled) as connection:
            connection.execute(text("UPDATE local_showing SET others_shown_until = '2026-02-02T09:00:00.000000+00:00'"))
        assert rows(filled, "SELECT others_shown, hidden FROM spojka_state") == [(0, "lease-over")]
        assert {one[0] for one in rows(filled, "SELECT unit FROM spojka_timeline")} == {"op"}

    def test_nothing_of_others_is_read_before_the_first_sign_of_life(self, engine: Engine) -> None:
        runner_of(engine, history()).catch_up()
        assert {one[0] for one in rows(engine, "SELECT unit FROM spojka_timeline")} == {"op"}

    def test_the_views_go_on_reading_while_the_read_models_are_built_anew(self, filled: Engine) -> None:
        journal = history()
        runner = runner_of(filled, journal)
        before = rows(filled, "SELECT * FROM spojka_timeline ORDER BY arrived")
        for name in ("timeline", "worklist", "grounds"):
            runner.rebuild(name)
        assert rows(filled, "SELECT * FROM spojka_timeline ORDER BY arrived") == before
        runner.catch_up()
        assert rows(filled, "SELECT * FROM spojka_timeline ORDER BY arrived") == before
        assert len(rows(filled, "SELECT * FROM spojka_referrals")) == 2

    def test_the_views_keep_their_names_when_a_new_version_reshapes_a_read_model(self, filled: Engine) -> None:
        before = rows(filled, "SELECT * FROM spojka_timeline ORDER BY arrived")
        runner_of(filled, history(), ReshapedTimeline()).catch_up()
        assert rows(filled, "SELECT * FROM spojka_timeline ORDER BY arrived") == before

    def test_an_erased_entry_leaves_the_views_with_its_content(self, engine: Engine) -> None:
        journal = history()
        runner = runner_of(engine, journal)
        runner.catch_up()
        note(engine, DAYS_LEFT)
        (entry,) = rows(engine, "SELECT entry FROM spojka_timeline WHERE unit = 'up' AND type LIKE '%need%'")
        journal.erase(entry[0], at=day(5))
        runner.catch_up()
        left = rows(engine, "SELECT entry, kind, facts, content, category FROM spojka_timeline WHERE kind = 'erased'")
        assert left == [(entry[0], "erased", None, None, None)]

    def test_case_numbers_follow_what_the_unit_links_and_unlinks(self, filled: Engine) -> None:
        with writing(filled) as connection:
            assert note_clients(connection, [(KAREL, "2026/17")]) == 0
            assert note_clients(connection, [(KAREL, "2026/18")]) == 1
            forget_clients(connection, lambda subjects: {*subjects})
        assert rows(filled, "SELECT DISTINCT client FROM spojka_timeline") == [("2026/18",)]
        with writing(filled) as connection:
            forget_clients(connection, lambda _: set())
        assert rows(filled, "SELECT DISTINCT client FROM spojka_timeline") == [(None,)]

    def test_the_columns_are_those_that_are_written_down_in_that_order(self, filled: Engine) -> None:
        for view in LOCAL_VIEWS:
            with filled.begin() as connection:
                found = list(connection.execute(select(text("*")).select_from(table(view.name))).keys())
            assert found == [one.name for one in view.columns]


class TestOnSqlite(OnSqlite, LocalViewsContract):
    """Local views on SQLite."""


class TestOnPostgres(OnPostgres, LocalViewsContract):
    """Local views on PostgreSQL."""
