"""Obligations on both databases."""

from __future__ import annotations

from sqlalchemy import Engine

from contracts.categories import Category
from contracts.messages.hub import ObligationOpened, ObligationOverdue
from contracts.messages.obligation import ObligationAnswered
from contracts.names import GroundId, MessageId, ObligationId, UnitId
from projections.obligations import ObligationRecord, ObligationState, obligations, overdue
from tests.read_model_rig import (
    HALINA,
    HUB,
    KAREL,
    MD,
    UP,
    MemoryLog,
    OnPostgres,
    OnSqlite,
    Writer,
    day,
    hub_runner,
    named,
)


def opened(number: int, unit: UnitId = MD, *, due: float = 30) -> ObligationOpened:
    return ObligationOpened(
        obligation_id=ObligationId(named(30_000 + number)),
        unit=unit,
        ground_id=GroundId(named(10_001)),
        because="withdrawn",
        entries=(MessageId(named(1)), MessageId(named(2))),
        categories=(Category.INCOME_DEBT,),
        due=day(due),
    )


def answered(number: int) -> ObligationAnswered:
    return ObligationAnswered(
        obligation_id=ObligationId(named(30_000 + number)), statement="erased", entries=2, exports=1, digest="0" * 64
    )


def all_at(engine: Engine, log: MemoryLog, at: float, *, unit: UnitId | None = None) -> list[ObligationRecord]:
    hub_runner(engine, log).catch_up()
    with engine.begin() as connection:
        return list(obligations(connection, at=day(at), unit=unit))


class ObligationsContract:
    def test_the_operator_sees_which_unit_must_erase_what_by_when(self, engine: Engine) -> None:
        log, write = MemoryLog(), Writer()
        log.accept(write(opened(1), HUB, at=day(2)))
        log.accept(write(opened(2, UP), HUB, subject=HALINA, at=day(2)))
        assert {one.unit for one in all_at(engine, log, 3)} == {MD, UP}
        (one,) = all_at(engine, log, 3, unit=MD)
        assert (one.subject, one.entries, one.categories, one.due) == (KAREL, 2, (Category.INCOME_DEBT,), day(30))
        assert one.state(day(3)) is ObligationState.OPEN

    def test_a_statement_answers_it_and_history_shows_when(self, engine: Engine) -> None:
        log, write = MemoryLog(), Writer()
        log.accept(write(opened(1), HUB, at=day(2)))
        log.accept(write(answered(1), MD, at=day(4)))
        (one,) = all_at(engine, log, 5)
        assert (one.statement, one.entries_stated, one.exports_stated) == ("erased", 2, 1)
        assert [one.state(day(at)) for at in (3, 5, 40)] == [
            ObligationState.OPEN,
            ObligationState.ANSWERED,
            ObligationState.ANSWERED,
        ]

    def test_another_units_statement_answers_nothing(self, engine: Engine) -> None:
        log, write = MemoryLog(), Writer()
        log.accept(write(opened(1), HUB, at=day(2)))
        log.accept(write(answered(1), UP, at=day(4)))
        assert [one.state(day(5)) for one in all_at(engine, log, 5)] == [ObligationState.OPEN]

    def test_an_overdue_one_shows_even_before_the_timer_says_so(self, engine: Engine) -> None:
        log, write = MemoryLog(), Writer()
        log.accept(write(opened(1), HUB, at=day(2)))
        log.accept(write(opened(2, due=60), HUB, at=day(2)))
        assert not all_at(engine, log, 1)
        with engine.begin() as connection:
            assert [one.marked_overdue_at for one in overdue(connection, at=day(31))] == [None]
        log.accept(write(ObligationOverdue(obligation_id=ObligationId(named(30_001)), unit=MD), HUB, at=day(31)))
        hub_runner(engine, log).catch_up()
        with engine.begin() as connection:
            assert [one.marked_overdue_at for one in overdue(connection, at=day(32))] == [day(31)]


class TestObligationsOnSqlite(OnSqlite, ObligationsContract):
    pass


class TestObligationsOnPostgres(OnPostgres, ObligationsContract):
    pass
