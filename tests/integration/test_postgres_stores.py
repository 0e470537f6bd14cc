"""The store ports on PostgreSQL, and what only a database can do wrong."""

from collections.abc import Iterator
from typing import Literal

import pytest

from contracts.names import RecordKey
from hub.application.ports import (
    Commit,
    FencedError,
    RelayCommit,
    RelayStore,
    ReplayWish,
    StoreUnavailableError,
    WriterStore,
)
from hub.infrastructure.parked_messages import ParkedMessages
from hub.infrastructure.postgres.migrate import migrate
from hub.infrastructure.postgres.relay_store import PostgresRelayStore
from hub.infrastructure.postgres.shard_database import ShardDatabase
from hub.infrastructure.postgres.writer_session import Role, WriterSession
from hub.infrastructure.postgres.writer_store import PostgresWriterStore
from tests.integration.relay_store_contract import RelayStoreContract
from tests.integration.store_samples import ADVICE, NOON, events_commit, sealing_mapper
from tests.integration.writer_store_contract import WriterStoreContract


@pytest.fixture
def shard(quick_database: str) -> ShardDatabase:
    migrate(quick_database, 0)
    return ShardDatabase(quick_database, 0)


@pytest.fixture
def writer(shard: ShardDatabase) -> Iterator[PostgresWriterStore]:
    session = WriterSession(shard, Role.WRITER)
    yield PostgresWriterStore(session, sealing_mapper())
    session.close()


def end_sessions(shard: ShardDatabase, name: str) -> None:
    """As the server ends an idle session or a standby one that no longer beats."""
    with shard.connect(name="test") as connection:
        ended = connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE application_name = %s AND datname = current_database()",
            [f"spojka-{name}-{shard.shard}"],
        ).fetchall()
    assert ended == [(True,)]


class TestPostgresWriterStore(WriterStoreContract):
    @pytest.fixture
    def store(self, writer: PostgresWriterStore) -> PostgresWriterStore:
        return writer

    def other_writer(self, store: WriterStore) -> WriterStore:
        assert isinstance(store, PostgresWriterStore)
        end_sessions(store.session.database, "writer")
        other = PostgresWriterStore(WriterSession(store.session.database, Role.WRITER), sealing_mapper())
        other.take_over()
        return other

    def ask(self, store: WriterStore, key: RecordKey, verb: Literal["retry", "refuse", "refuse-first"]) -> None:
        assert isinstance(store, PostgresWriterStore)
        ParkedMessages(store.session.database).ask(key, verb)

    def test_two_writers_of_a_shard_cannot_both_take_over(self, store: PostgresWriterStore) -> None:
        store.take_over()
        with pytest.raises(FencedError):
            PostgresWriterStore(WriterSession(store.session.database, Role.WRITER)).take_over()
        store.beat()

    def test_an_old_epoch_is_fenced_by_the_head_row_even_with_the_lock(self, store: PostgresWriterStore) -> None:
        old = store.take_over()
        new = store.take_over()
        with pytest.raises(FencedError):
            store.commit(events_commit(60, head=old), head=old)
        assert store.head() == new
        assert store.input_positions() == []

    def test_a_lost_session_is_not_replaced_behind_the_writers_back(self, store: PostgresWriterStore) -> None:
        head = store.take_over()
        end_sessions(store.session.database, "writer")
        with pytest.raises(FencedError):
            store.commit(events_commit(1, head=head), head=head)
        with pytest.raises(FencedError):
            store.head()
        again = store.take_over()
        assert (again.position, again.epoch) == (0, head.epoch + 1)
        assert store.commit(events_commit(1, head=again), head=again).position == 1

    def test_a_full_disk_is_told_and_writing_goes_on_when_there_is_room(self, store: PostgresWriterStore) -> None:
        head = store.take_over()
        with store.session.database.connect(name="test") as connection:
            connection.execute(
                "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN RAISE 'No space left on device' USING ERRCODE = 'disk_full'; END $$"
            )
            connection.execute("CREATE TRIGGER full_disk BEFORE INSERT ON log EXECUTE FUNCTION full_disk()")
            with pytest.raises(StoreUnavailableError, match="Free space"):
                store.commit(events_commit(60, head=head), head=head)
            connection.execute("DROP TRIGGER full_disk ON log")
        assert store.head() == head
        assert store.commit(events_commit(60, head=head), head=head).position == 60

    def test_a_shard_without_tables_says_what_to_do(self, quick_database: str) -> None:
        with pytest.raises(StoreUnavailableError, match="Run the migrations"):
            PostgresWriterStore(WriterSession(ShardDatabase(quick_database, 7), Role.WRITER)).take_over()

    def test_an_unreachable_server_says_what_to_do(self) -> None:
        nowhere = ShardDatabase("postgresql://127.0.0.1:1/none", 0)
        with pytest.raises(StoreUnavailableError, match="cannot be reached"):
            PostgresWriterStore(WriterSession(nowhere, Role.WRITER)).take_over()

    def test_shards_of_one_database_do_not_see_each_other(self, store: PostgresWriterStore) -> None:
        head = store.take_over()
        store.commit(events_commit(3, head=head), head=head)
        dsn = store.session.database.dsn
        migrate(dsn, 1)
        assert PostgresWriterStore(WriterSession(ShardDatabase(dsn, 1), Role.WRITER)).take_over().position == 0

    def test_a_replay_asked_of_another_shard_reaches_its_relay(self, store: PostgresWriterStore) -> None:
        dsn = store.session.database.dsn
        migrate(dsn, 1)
        head = store.take_over()
        wishes = [ReplayWish(ADVICE, 3, shard=1), ReplayWish(ADVICE, 4), ReplayWish(ADVICE, 5, shard=9)]
        store.commit(Commit(at=NOON, replays=wishes), head=head)
        for shard, sequence in ((0, 4), (1, 3)):
            session = WriterSession(ShardDatabase(dsn, shard), Role.RELAY)
            relay = PostgresRelayStore(session, sealing_mapper())
            relay.take_over()
            assert relay.replay_wishes() == [ReplayWish(ADVICE, sequence)]
            session.close()

    def test_nothing_in_the_log_table_names_the_subject(self, store: PostgresWriterStore) -> None:
        head = store.take_over()
        store.commit(events_commit(1, head=head), head=head)
        with store.session.database.connect(name="test") as connection:
            columns = connection.execute(
                "SELECT column_name FROM information_schema.columns WHERE table_schema = 'shard_0' AND table_name = 'log'"
            ).fetchall()
        assert {name for (name,) in columns} == {"position", "stream_id", "stream_version", "topic", "state", "at"}


class TestPostgresRelayStore(RelayStoreContract):
    @pytest.fixture
    def relay(self, shard: ShardDatabase) -> Iterator[PostgresRelayStore]:
        session = WriterSession(shard, Role.RELAY)
        yield PostgresRelayStore(session, sealing_mapper())
        session.close()

    def other_relay(self, relay: RelayStore) -> RelayStore:
        assert isinstance(relay, PostgresRelayStore)
        end_sessions(relay.session.database, "relay")
        other = PostgresRelayStore(WriterSession(relay.session.database, Role.RELAY), sealing_mapper())
        other.take_over()
        return other

    def test_an_old_epoch_is_fenced_even_with_the_lock(self, relay: PostgresRelayStore) -> None:
        old = relay.take_over()
        relay.take_over()
        with pytest.raises(FencedError):
            relay.mark_produced(RelayCommit(position=0), receipts=[], replays=[], epoch=old.epoch)
