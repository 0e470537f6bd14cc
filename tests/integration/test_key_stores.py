"""The key service's stores in memory and on PostgreSQL."""

from collections.abc import Iterator
from typing import LiteralString

import psycopg
import pytest

from hub.infrastructure.memory_key_store import MemoryKeyLog, MemoryKeyStore
from hub.infrastructure.memory_shard import MemoryShard
from hub.infrastructure.memory_store import MemoryWriterStore
from hub.infrastructure.postgres.key_log import PostgresKeyLog
from hub.infrastructure.postgres.key_store import PostgresKeyStore
from hub.infrastructure.postgres.migrate import HUB_TABLES, KEY_TABLES, migrate
from hub.infrastructure.postgres.session import Session
from hub.infrastructure.postgres.shard_database import ShardDatabase
from hub.infrastructure.postgres.writer_session import Role, WriterSession
from hub.infrastructure.postgres.writer_store import PostgresWriterStore
from tests.integration.key_store_contract import KeyLogContract, KeyStoreContract


class TestMemoryKeyStore(KeyStoreContract):
    @pytest.fixture
    def store(self) -> MemoryKeyStore:
        return MemoryKeyStore()


class TestPostgresKeyStore(KeyStoreContract):
    @pytest.fixture
    def store(self, quick_database: str) -> Iterator[PostgresKeyStore]:
        migrate(quick_database, 0, revisions=KEY_TABLES)
        session = Session(ShardDatabase(quick_database, 0))
        yield PostgresKeyStore(session)
        session.close()


class TestMemoryKeyLog(KeyLogContract):
    @pytest.fixture
    def shard(self) -> MemoryShard:
        return MemoryShard()

    @pytest.fixture
    def log(self, shard: MemoryShard) -> MemoryKeyLog:
        return MemoryKeyLog(shard)

    @pytest.fixture
    def writer(self, shard: MemoryShard) -> MemoryWriterStore:
        return MemoryWriterStore(shard)


class TestPostgresKeyLog(KeyLogContract):
    @pytest.fixture
    def database(self, quick_database: str) -> ShardDatabase:
        migrate(quick_database, 0)
        return ShardDatabase(quick_database, 0)

    @pytest.fixture
    def log(self, database: ShardDatabase) -> Iterator[PostgresKeyLog]:
        session = Session(database)
        yield PostgresKeyLog(session)
        session.close()

    @pytest.fixture
    def writer(self, database: ShardDatabase) -> Iterator[PostgresWriterStore]:
        session = WriterSession(database, Role.WRITER)
        yield PostgresWriterStore(session)
        session.close()


@pytest.mark.parametrize(
    ("revisions", "fill", "column"),
    [
        (
            KEY_TABLES,
            """
            INSERT INTO content_key
            SELECT n::text, 'op', 'r1.k', 'housing', 1, 'decin', n, gen_random_uuid(), 'kek-1', sha256(n::text::bytea)
            FROM generate_series(1, 300) AS n
            """,
            "secret",
        ),
        (
            HUB_TABLES,
            "INSERT INTO key_mailbox SELECT n, sha256(n::text::bytea) FROM generate_series(1, 300) AS n",
            "header",
        ),
    ],
)
def test_no_copy_of_a_key_stays_behind_in_the_planners_statistics(
    quick_database: str, revisions: str, fill: LiteralString, column: str
) -> None:
    migrate(quick_database, 0, revisions=revisions)
    with psycopg.connect(quick_database, autocommit=True, options="-c search_path=shard_0") as connection:
        connection.execute(fill)
        connection.execute("ANALYZE")
        kept = connection.execute("SELECT attname FROM pg_stats WHERE schemaname = 'shard_0'").fetchall()
    assert kept, "nothing was looked at"
    assert (column,) not in kept
