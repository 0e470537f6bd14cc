"""The runner on both databases: one transaction a chunk, rebuilds beside what serves, stops where it must."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import Connection, Engine, event, inspect, select, text

from contracts import catalogue
from contracts.categories import Category
from contracts.messages.need import NeedAssessed
from contracts.names import MessageId, MessageType
from projections import positions
from projections.build import Build
from projections.corrections import timeline
from projections.errors import NotServedError, OvertakenError, UnknownTypeError
from projections.parsed import ParsedItem, parse_journal
from projections.runner import Runner
from projections.source import JournalItem
from projections.timeline import ENTRY, Timeline
from projections.timeline import METADATA as TIMELINE
from tests.read_model_rig import (
    KAREL,
    OP,
    UP,
    MemoryJournal,
    MemoryLog,
    OnPostgres,
    OnSqlite,
    UnitRunner,
    Writer,
    day,
    hub_runner,
    rows_of,
    unit_runner,
)


class NewerTimeline(Timeline):
    """The next version: its rows say so."""

    version = 2
    readable_from = 1

    def apply(self, connection: Connection, items: Sequence[ParsedItem], tables: Build) -> None:
        super().apply(connection, items, tables)
        connection.execute(tables[ENTRY].update().values(state="by version 2"))


class FailingTimeline(Timeline):
    """Dies in the middle of a chunk, after it has written."""

    def apply(self, connection: Connection, items: Sequence[ParsedItem], tables: Build) -> None:
        super().apply(connection, items, tables)
        raise RuntimeError("the machine went away")


def needs(count: int, journal: MemoryJournal | None = None) -> MemoryJournal:
    journal = journal or MemoryJournal()
    write = Writer()
    for number in range(count):
        journal.add(write(NeedAssessed(dimension="housing"), category=Category.HOUSING, at=day(number)))
    return journal


def timeline_runner(engine: Engine, journal: MemoryJournal, model: Timeline, *, chunk: int = 2) -> UnitRunner:
    runner = Runner(engine, journal, parse=parse_journal, projections=(model,), chunk=chunk)
    runner.prepare()
    return runner


def ids(engine: Engine) -> list[MessageId]:
    with engine.begin() as connection:
        return [one.entry.message_id for one in timeline(connection, KAREL, others_visible=True)]


def states(engine: Engine) -> set[str | None]:
    with engine.begin() as connection:
        return set(connection.scalars(select(ENTRY.c.state)))


class RunnerContract:
    def test_a_crash_between_chunks_repeats_nothing_and_loses_nothing(self, engine: Engine) -> None:
        journal = needs(5)
        timeline_runner(engine, journal, Timeline()).step()
        with pytest.raises(RuntimeError, match="went away"):
            timeline_runner(engine, journal, FailingTimeline()).step()
        assert len(ids(engine)) == 2, "a chunk that did not end left something behind"
        read: list[int] = []
        runner = timeline_runner(engine, _Watched(journal, read), Timeline())
        runner.catch_up()
        assert read == [2, 4, 5]
        assert len(ids(engine)) == 5

    def test_a_thousand_items_are_not_a_thousand_transactions(self, engine: Engine) -> None:
        runner = unit_runner(engine, needs(30), chunk=10)
        commits: list[object] = []
        event.listen(engine, "commit", commits.append)
        runner.catch_up()
        assert len(commits) < 12

    def test_the_old_timeline_serves_while_a_new_one_is_built_and_the_swap_is_whole(self, engine: Engine) -> None:
        journal = needs(6)
        timeline_runner(engine, journal, Timeline()).catch_up()
        runner = timeline_runner(engine, journal, NewerTimeline())
        seen = []
        while runner.lag(day(9))["timeline"].rebuilding is not None:
            seen.append((len(ids(engine)), states(engine)))
            runner.step()
        assert seen == [(6, {None})] * 3
        assert len(rows_of(engine, TIMELINE)["timeline_entry"]) == 6
        assert states(engine) == {"by version 2"}
        assert runner.lag(day(9))["timeline"].version == 2
        with pytest.raises(NotServedError, match="version 2"):  # an older process still asks
            ids(engine)

    def test_a_rebuild_asked_for_keeps_live_entries_coming(self, engine: Engine) -> None:
        journal = needs(4)
        runner = unit_runner(engine, journal, chunk=2)
        runner.catch_up()
        runner.rebuild("timeline")
        runner.step()
        write = Writer(first_id=100)
        late = journal.add(write(NeedAssessed(dimension="skills"), UP, category=Category.SKILLS, at=day(9)))
        runner.step()
        assert ids(engine)[-1] == late
        runner.catch_up()
        assert len(ids(engine)) == 5

    def test_nothing_of_an_old_build_is_left_behind(self, engine: Engine) -> None:
        journal = needs(3)
        runner = timeline_runner(engine, journal, Timeline())
        runner.catch_up()
        for _ in range(3):
            runner.rebuild("timeline")
            runner.step()
            runner.rebuild("timeline")  # again, though one is under way
            runner.catch_up()
        inspector = inspect(engine)
        assert sorted(inspector.get_table_names()) == ["projection_position", "timeline_entry_4"]
        assert inspector.get_view_names() == ["timeline_entry"]

    def test_a_view_of_the_local_system_goes_on_reading_through_a_rebuild(self, engine: Engine) -> None:
        runner = timeline_runner(engine, needs(3), Timeline())
        runner.catch_up()
        with engine.begin() as connection:
            connection.execute(text("CREATE VIEW case_file AS SELECT message_id FROM timeline_entry"))
        runner.rebuild("timeline")
        runner.catch_up()
        with engine.begin() as connection:
            assert len(connection.execute(text("SELECT * FROM case_file")).all()) == 3

    def test_two_runners_on_one_database_apply_nothing_twice(self, engine: Engine) -> None:
        journal = needs(2)
        runner = timeline_runner(engine, journal, Timeline())
        with engine.begin() as connection:
            (seen,) = positions.places(connection).values()
        runner.catch_up()
        with pytest.raises(OvertakenError, match="another runner"), engine.begin() as connection:
            positions.advance(connection, seen, 1, raw_types=frozenset())

    def test_the_lag_is_told_in_items_and_seconds(self, engine: Engine) -> None:
        journal = needs(3)
        runner = timeline_runner(engine, journal, Timeline(), chunk=1)
        runner.step()
        lag = runner.lag(day(1) + timedelta(seconds=90))["timeline"]
        assert (lag.items, lag.seconds) == (2, 90.0)
        runner.catch_up()
        lag = runner.lag(day(30))["timeline"]
        assert (lag.items, lag.seconds) == (0, 0.0)

    def test_queries_say_so_when_nothing_was_built_for_them(self, engine: Engine) -> None:
        with engine.begin() as connection:
            positions.ensure(connection)
        with pytest.raises(NotServedError, match="never built") as raised, engine.begin() as connection:
            timeline(connection, KAREL, others_visible=True)
        assert "Runner.prepare" in raised.value.advice

    def test_the_hub_stops_at_a_type_that_it_does_not_know_and_goes_on_after_the_upgrade(
        self, engine: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        log, write = MemoryLog(), Writer()
        for _ in range(3):
            log.accept(write(NeedAssessed(dimension="housing"), category=Category.HOUSING))
        runner = hub_runner(engine, log)
        with monkeypatch.context() as older:
            _as_unknown(log, 1, older)
            assert runner.step() == 1
            with pytest.raises(UnknownTypeError) as raised:
                runner.step()
            assert raised.value.number == 1
            assert runner.lag(day(3))["access-history"].items == 2
        assert runner.step() == 2

    def test_an_entry_kept_raw_is_projected_once_its_type_is_known(
        self, engine: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        journal = needs(1)
        with monkeypatch.context() as older:
            older.delitem(catalogue.CATALOGUE, _NEED)
            unit_runner(engine, journal).catch_up()
            assert _facts(engine) == [None]
            unit_runner(engine, journal).catch_up()
        unit_runner(engine, journal).catch_up()
        assert _facts(engine) == [{"dimension": "housing"}]

    @pytest.mark.parametrize("rebuilding", [False, True])
    def test_nothing_is_missed_where_a_power_cut_took_the_last_items_of_the_source_alone(
        self,
        engine: Engine,
        rebuilding: bool,  # noqa: FBT001 - a parameter of the test
    ) -> None:
        before = timeline_runner(engine, needs(5), Timeline())
        before.catch_up()
        if rebuilding:
            before.rebuild("timeline")
            before.step()
        after = needs(1)
        write = Writer(first_id=100)
        runner = timeline_runner(engine, after, Timeline())
        for number in range(6):
            after.add(write(NeedAssessed(dimension="skills"), category=Category.SKILLS, at=day(number)))
        runner.catch_up()
        assert sorted(ids(engine)) == sorted(item.message_id for item in after.read(0, 100))

    def test_what_is_applied_never_goes_back(self, engine: Engine) -> None:
        runner = timeline_runner(engine, needs(7), Timeline(), chunk=3)
        reached = []
        for _ in range(4):
            runner.step()
            with engine.begin() as connection:
                (place,) = positions.places(connection).values()
            reached.append(place.position)
        assert all(before <= after for before, after in pairwise(reached))
        assert reached[-1] == 7
        assert len(rows_of(engine, TIMELINE)["timeline_entry"]) == 7


_NEED = MessageType("eu.spojka.need.assessed.v1")


class _Watched(MemoryJournal):
    """A journal that notes up to where it was read."""

    def __init__(self, journal: MemoryJournal, read: list[int]) -> None:
        super().__init__(OP)
        self._inner, self._read = journal, read

    def read(self, after: int, limit: int) -> Sequence[JournalItem]:
        self._read.append(after)
        return self._inner.read(after, limit)

    def end(self) -> int:
        return self._inner.end()


def _as_unknown(log: MemoryLog, position: int, older: pytest.MonkeyPatch) -> None:
    """This version does not know the type of the message at `position`."""
    payload = log.items[position].payload
    assert payload is not None
    assert json.loads(payload)["type"] == _NEED
    known = dict(catalogue.CATALOGUE)

    class Older(dict[MessageType, catalogue.MessageSpec]):
        """A catalogue that knows the type only of the first message it is asked about."""

        asked = 0

        def get(self, key: MessageType, default: object = None) -> object:  # type: ignore[override] # one use in parse
            Older.asked += 1
            return known.get(key) if Older.asked == 1 else default

    older.setattr("contracts.envelope.CATALOGUE", Older(known))


def _facts(engine: Engine) -> list[dict[str, object] | None]:
    with engine.begin() as connection:
        return [one.entry.facts for one in timeline(connection, KAREL, others_visible=True)]


class TestRunnerOnSqlite(OnSqlite, RunnerContract):
    pass


class TestRunnerOnPostgres(OnPostgres, RunnerContract):
    pass
