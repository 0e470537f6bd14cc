"""The keys of the log: made and destroyed with the commit that needs it, on PostgreSQL."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest

from contracts.categories import Category
from contracts.names import RecordKey
from hub.application.ports import Commit, Erasing, Head
from hub.domain.events import Event, MessageAccepted
from hub.infrastructure.key_encryption import KekSet, KeyEncryptionError, LocalKeyEncryption
from hub.infrastructure.postgres.log_keys import LogKeys
from hub.infrastructure.postgres.log_reading import LogReading
from hub.infrastructure.postgres.mapper import EventMapper, StoredEventError
from hub.infrastructure.postgres.migrate import migrate
from hub.infrastructure.postgres.session import Session
from hub.infrastructure.postgres.shard_database import ShardDatabase
from hub.infrastructure.postgres.writer_session import Role, WriterSession
from hub.infrastructure.postgres.writer_store import PostgresWriterStore
from tests.integration.store_samples import JANA, NOON, PETR, accepted, sealing_mapper

HOUSING, SKILLS = Category.HOUSING, Category.SKILLS
WORD = b"Zelenohorska 7"


@pytest.fixture
def shard(quick_database: str) -> ShardDatabase:
    migrate(quick_database, 0)
    return ShardDatabase(quick_database, 0)


@pytest.fixture
def writer(shard: ShardDatabase) -> Iterator[PostgresWriterStore]:
    session = WriterSession(shard, Role.WRITER)
    yield PostgresWriterStore(session, sealing_mapper())
    session.close()


@pytest.fixture
def reader(shard: ShardDatabase) -> Iterator[LogReading]:
    """Another process, that keeps running through everything."""
    session = Session(shard)
    yield LogReading(session, sealing_mapper())
    session.close()


def entry(category: Category | None, key: RecordKey = JANA, *, months: int = 0) -> MessageAccepted:
    return accepted(key, category=category, payload=WORD, at=NOON + timedelta(days=31 * months))


def commit(*events: Event, erasing: Sequence[Erasing] = ()) -> Commit:
    return Commit(at=events[-1].at if events else NOON, events=events, erasing=erasing)


def erased(reader: LogReading) -> list[bool]:
    return [one.event.erased for one in reader.read(0, limit=99) if isinstance(one.event, MessageAccepted)]


def rows(shard: ShardDatabase, query: str) -> list[tuple[object, ...]]:
    with shard.connect(name="test") as connection:
        return connection.execute(query).fetchall()


def test_states_hold_nothing_in_clear_and_one_key_serves_a_client_a_category_and_a_month(
    shard: ShardDatabase, writer: PostgresWriterStore, reader: LogReading
) -> None:
    events = [
        entry(HOUSING),
        entry(HOUSING),
        entry(SKILLS),
        entry(HOUSING, PETR),
        entry(None),
        entry(HOUSING, months=1),
    ]
    head = writer.take_over()
    for event in events:
        head = writer.commit(commit(event), head=head)
    assert [one.event for one in reader.read(0, limit=99)] == events
    states = b"".join(bytes(state) for (state,) in rows(shard, "SELECT state FROM log"))  # type: ignore[call-overload] # bytes
    assert WORD not in states
    assert JANA.encode() not in states
    names = rows(shard, "SELECT record_key, scope, epoch FROM log_key ORDER BY 1, 2, 3")
    march, april = "2026-03", "2026-04"
    assert names == [
        ("", "", march),
        ("", "", april),
        (JANA, HOUSING, march),
        (JANA, HOUSING, april),
        (JANA, SKILLS, march),
        (PETR, HOUSING, march),
    ]


@pytest.mark.parametrize("copied", [False, True])
def test_an_erasure_destroys_what_stands_before_it_in_its_own_commit_too_and_nothing_else(
    writer: PostgresWriterStore, reader: LogReading, *, copied: bool
) -> None:
    more = [entry(SKILLS) for _ in range(600 if copied else 0)]  # many go in as one stream of rows
    head = writer.commit(commit(entry(HOUSING), entry(SKILLS)), head=writer.take_over())
    request = Erasing(behind=2, key=JANA, scopes=frozenset({HOUSING}))
    batch = commit(entry(HOUSING), entry(None), entry(HOUSING), entry(HOUSING, PETR), *more, erasing=[request])
    assert erased(reader) == [False, False]
    head = writer.commit(batch, head=head)
    assert erased(reader)[:6] == [True, False, True, False, False, False]
    writer.commit(commit(entry(HOUSING)), head=head)
    assert not any(erased(reader)[4:])


def test_an_erasure_that_was_not_committed_destroyed_nothing_and_the_next_commit_can_be_read(
    shard: ShardDatabase, writer: PostgresWriterStore, reader: LogReading
) -> None:
    head = writer.commit(commit(entry(HOUSING)), head=writer.take_over())
    broken = commit(entry(HOUSING, PETR), erasing=[Erasing(behind=1, key=JANA, scopes=frozenset({HOUSING}))])
    with shard.connect(name="test") as blocking:
        blocking.execute("ALTER TABLE log RENAME TO elsewhere")
        with pytest.raises(Exception, match="log"):
            writer.commit(broken, head=head)
        blocking.execute("ALTER TABLE elsewhere RENAME TO log")
    head = writer.take_over()
    head = writer.commit(commit(entry(HOUSING, PETR), entry(HOUSING)), head=head)
    assert erased(reader) == [False, False, False]


def test_a_month_that_holds_something_younger_is_spared_by_retention(
    writer: PostgresWriterStore, reader: LogReading
) -> None:
    head = writer.commit(commit(entry(HOUSING)), head=writer.take_over())
    head = writer.commit(commit(entry(HOUSING, months=1)), head=head)
    ended = Erasing(behind=0, key=JANA, scopes=frozenset({HOUSING}), spared=frozenset({"2026-04"}))
    writer.commit(commit(erasing=[ended]), head=head)
    assert erased(reader) == [True, False]


def test_who_takes_over_seals_nothing_under_a_key_that_another_writer_destroyed(
    shard: ShardDatabase, writer: PostgresWriterStore, reader: LogReading
) -> None:
    writer.commit(commit(entry(HOUSING)), head=writer.take_over())
    writer.session.close()
    other = PostgresWriterStore(WriterSession(shard, Role.WRITER), sealing_mapper())
    other.commit(commit(erasing=[Erasing(behind=0, key=JANA, scopes=frozenset({HOUSING}))]), head=other.take_over())
    other.session.close()
    writer.commit(commit(entry(HOUSING)), head=writer.take_over())
    assert erased(reader) == [True, False]


def test_a_log_from_before_there_were_keys_goes_on_to_be_read(shard: ShardDatabase, reader: LogReading) -> None:
    session = WriterSession(shard, Role.WRITER)
    before, after = entry(None), entry(HOUSING)
    head: Head = PostgresWriterStore(session, EventMapper()).take_over()
    PostgresWriterStore(session, EventMapper()).commit(commit(before), head=head)
    now = PostgresWriterStore(session, sealing_mapper())
    now.commit(commit(after), head=now.take_over())
    session.close()
    assert [one.event for one in reader.read(0, limit=9)] == [before, after]


def test_a_lost_key_is_an_error_that_says_what_to_restore_and_never_an_erasure(
    shard: ShardDatabase, writer: PostgresWriterStore, reader: LogReading
) -> None:
    writer.commit(commit(entry(HOUSING)), head=writer.take_over())
    session = Session(shard)
    strange = LogKeys(LocalKeyEncryption(lambda: KekSet.fresh("another")))
    with pytest.raises(KeyEncryptionError, match="log-kek-1"):
        LogReading(session, EventMapper(strange)).read(0, limit=9)
    with pytest.raises(StoredEventError, match="the key that wraps it"):
        LogReading(session, EventMapper()).read(0, limit=9)
    session.close()
    rows(shard, f"DELETE FROM log_key WHERE record_key = '{JANA}' RETURNING 1")  # noqa: S608 - a name of ours
    with pytest.raises(StoredEventError, match="Restore the table log_key"):
        reader.read(0, limit=9)
