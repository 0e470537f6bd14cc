"""Followers of the log: woken by a commit, and applying each event once."""

from collections.abc import Iterator
from threading import Thread
from time import monotonic

import pytest
import sqlalchemy

from hub.application.ports import Commit, FencedError, StoreUnavailableError
from hub.infrastructure.postgres.follower_store import FollowerStore
from hub.infrastructure.postgres.migrate import migrate
from hub.infrastructure.postgres.shard_database import ShardDatabase
from hub.infrastructure.postgres.writer_session import Role, WriterSession
from hub.infrastructure.postgres.writer_store import PostgresWriterStore
from tests.integration.store_samples import NOON, events_commit


@pytest.fixture
def shard(quick_database: str) -> ShardDatabase:
    migrate(quick_database, 0)
    return ShardDatabase(quick_database, 0)


@pytest.fixture
def writer(shard: ShardDatabase) -> Iterator[PostgresWriterStore]:
    session = WriterSession(shard, Role.WRITER)
    yield PostgresWriterStore(session)
    session.close()


@pytest.fixture
def follower(shard: ShardDatabase) -> Iterator[FollowerStore]:
    follower = FollowerStore(shard, "evidence")
    yield follower
    follower.close()


def test_a_commit_wakes_a_follower_at_once(writer: PostgresWriterStore, follower: FollowerStore) -> None:
    head = writer.take_over()
    assert follower.wait_for_events(0)  # starts listening
    assert not follower.wait_for_events(0.01)
    committing = Thread(target=writer.commit, args=[events_commit(3, head=head)], kwargs={"head": head})
    started = monotonic()
    committing.start()
    assert follower.wait_for_events(30)
    assert monotonic() - started < 5
    committing.join()
    assert [entry.position for entry in follower.read(1, limit=9)] == [1, 2]
    assert follower.head().position == 3


def test_the_position_moves_only_with_the_followers_own_writes(follower: FollowerStore, shard: ShardDatabase) -> None:
    engine = sqlalchemy.create_engine("postgresql+psycopg://", creator=lambda: shard.connect(name="projection"))
    with engine.connect() as setup:
        setup.exec_driver_sql("CREATE TABLE evidence (note text)")
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.autocommit = False
        connection.exec_driver_sql("INSERT INTO evidence VALUES ('undone')")
        follower.advance(driver, position=0, to=5)
        connection.rollback()
        assert follower.position() == 0
        connection.exec_driver_sql("INSERT INTO evidence VALUES ('kept')")
        follower.advance(driver, position=0, to=5)
        connection.commit()
        assert connection.exec_driver_sql("SELECT note FROM evidence").all() == [("kept",)]
    assert follower.position() == 5
    engine.dispose()


def test_two_processes_of_one_follower_do_not_apply_an_event_twice(
    follower: FollowerStore, shard: ShardDatabase
) -> None:
    with shard.connect(name="projection") as connection:
        with connection.transaction():
            follower.advance(connection, position=0, to=5)
        for position, to in ((0, 5), (0, 7), (4, 6)):
            with pytest.raises(FencedError), connection.transaction():
                follower.advance(connection, position=position, to=to)
        with connection.transaction():
            follower.advance(connection, position=5, to=6)
    assert follower.position() == 6


def test_a_follower_outlives_the_loss_of_its_sessions(
    writer: PostgresWriterStore, follower: FollowerStore, shard: ShardDatabase
) -> None:
    head = writer.take_over()
    head = writer.commit(Commit(at=NOON), head=head)
    follower.wait_for_events(0)
    follower.head()
    with shard.connect(name="test") as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name IN ('spojka-evidence-0', 'spojka-listener-0')"
        )
    for call in (lambda: follower.wait_for_events(5), follower.head):
        with pytest.raises(StoreUnavailableError, match="Read the head row"):
            call()
    assert follower.wait_for_events(0)
    assert follower.head() == head
