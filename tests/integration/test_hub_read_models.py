"""The hub's read models over a real log: what the operator is told, how far it lags, and a rebuild beside what serves."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from itertools import groupby

import psycopg
import pytest

from contracts.categories import Category
from contracts.messages.consent import ConsentWithdrawn
from contracts.messages.need import NeedAssessed
from contracts.names import UnitId
from hub.application.ports import Commit, StoreUnavailableError
from hub.infrastructure.postgres.migrate import migrate
from hub.infrastructure.postgres.read_models import MODELS, ReadModels
from hub.infrastructure.postgres.shard_database import ShardDatabase
from hub.infrastructure.postgres.writer_session import Role, WriterSession
from hub.infrastructure.postgres.writer_store import PostgresWriterStore
from projections.access_report import AccessOutcome, access_history
from projections.errors import NotServedError
from projections.obligations import obligations, overdue
from tests.simulation.programme import KAREL, START, Simulation
from tests.unit.hub.test_hostile_records import consent
from tests.unit.hub.test_reports_of_deliveries import consented


@pytest.fixture
def hub() -> Simulation:
    """A consent, an entry, both delivered and reported; a refused message; the consent withdrawn."""
    hub = Simulation()
    hub.publish_trust_list()
    hub.clock.at = START + timedelta(days=39)
    hub.say("op", consent(hub))
    hub.say("op", NeedAssessed(dimension="skills"), category=Category.SKILLS)
    hub.say("op", NeedAssessed(dimension="housing"), category=Category.HOUSING)
    hub.relay_all()
    hub.report_all()
    hub.say("op", ConsentWithdrawn(consent_id=consented(hub)))
    return hub


@pytest.fixture
def shard(quick_database: str, hub: Simulation) -> ShardDatabase:
    migrate(quick_database, 0)
    shard = ShardDatabase(quick_database, 0)
    record(shard, hub)
    return shard


@pytest.fixture
def models(shard: ShardDatabase) -> Iterator[ReadModels]:
    models = ReadModels(shard)
    models.prepare()
    yield models
    models.close()


def record(shard: ShardDatabase, hub: Simulation) -> None:
    """The simulated log into the database, as far as it is not there."""
    session = WriterSession(shard, Role.WRITER)
    store = PostgresWriterStore(session)
    head = store.take_over()
    for at, events in groupby(hub.shard.log[head.position :], key=lambda event: event.at):
        head = store.commit(Commit(at=at, events=list(events)), head=head)
    session.close()


def test_the_operator_sees_what_was_delivered_and_which_duty_is_open(models: ReadModels, hub: Simulation) -> None:
    models.catch_up()
    lines = models.ask(lambda connection: access_history(connection, KAREL))
    delivered = [one for one in lines if one.outcome is AccessOutcome.DELIVERED]
    assert {(one.receiver_code, one.institution) for one in delivered} == {("vz", "skola")}
    now, later = hub.clock.at, hub.clock.at + timedelta(days=31)
    assert [one.unit for one in models.ask(lambda connection: obligations(connection, at=now))] == [UnitId("vz")]
    assert models.ask(lambda connection: overdue(connection, at=now)) == []
    assert len(models.ask(lambda connection: overdue(connection, at=later))) == 1


def test_lag_is_what_the_log_holds_and_the_read_model_does_not(
    models: ReadModels, hub: Simulation, shard: ShardDatabase
) -> None:
    assert {name: lag.items for name, lag in models.lag(hub.clock.at).items()} == dict.fromkeys(
        MODELS, len(hub.shard.log)
    )
    models.catch_up()
    assert {lag.items for lag in models.lag(hub.clock.at).values()} == {0}
    hub.say("op", consent(hub))
    record(shard, hub)
    hub.clock.at += timedelta(minutes=2)
    assert {(lag.items, lag.seconds) for lag in models.lag(hub.clock.at).values()} == {(1, 120.0)}


def test_a_rebuild_gives_the_same_rows_while_the_old_one_serves(models: ReadModels, hub: Simulation) -> None:
    models.catch_up()
    before = models.ask(lambda connection: access_history(connection, KAREL))
    models.rebuild("access-history")
    assert models.lag(hub.clock.at)["access-history"].rebuilding == len(hub.shard.log)
    assert models.ask(lambda connection: access_history(connection, KAREL)) == before
    models.catch_up()
    assert models.lag(hub.clock.at)["access-history"].rebuilding is None
    assert models.ask(lambda connection: access_history(connection, KAREL)) == before


def test_what_was_never_built_says_what_to_do(shard: ShardDatabase) -> None:
    models = ReadModels(shard)
    with pytest.raises((NotServedError, StoreUnavailableError)) as told:
        models.ask(lambda connection: access_history(connection, KAREL))
    assert "Runner.prepare" in str(told.value) or "migrations" in str(told.value)
    models.close()


def test_a_database_that_goes_away_is_told_as_such_and_building_goes_on(
    models: ReadModels, shard: ShardDatabase
) -> None:
    models.step()
    with psycopg.connect(shard.dsn, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE application_name LIKE 'spojka-projections-%' AND datname = current_database()"
        )
    with pytest.raises(StoreUnavailableError):
        models.catch_up()
    for _ in range(3):  # each session finds out for itself
        with suppress(StoreUnavailableError):
            models.catch_up()
    models.catch_up()
    assert models.ask(lambda connection: access_history(connection, KAREL))
