"""A thread that works while its statements wait for the server, on a real one."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from psycopg.errors import DivisionByZero

from hub.application.ports import FencedError
from hub.infrastructure.postgres.migrate import migrate
from hub.infrastructure.postgres.shard_database import ShardDatabase
from hub.infrastructure.postgres.writer_session import Role, WriterSession

_A_WHILE = b"SELECT pg_sleep(0.05)"


@pytest.fixture
def session(quick_database: str) -> Iterator[WriterSession]:
    migrate(quick_database, 0)
    session = WriterSession(ShardDatabase(quick_database, 0), Role.WRITER)
    assert session.try_acquire()
    yield session
    session.close()


class Work:
    """So many pieces of work, then none."""

    def __init__(self, pieces: int) -> None:
        self.left = pieces
        self.asked = 0

    def __call__(self) -> bool:
        self.asked += 1
        self.left -= 1
        return self.left >= 0


def test_work_is_done_while_the_server_works_and_the_answer_is_taken_when_it_comes(session: WriterSession) -> None:
    work = Work(1_000_000)
    with session.meanwhile(work), session.use() as connection:
        assert connection.execute(b"SELECT 1 FROM pg_sleep(0.05)").fetchone() == (1,)
    assert 1 < work.asked < 1_000_000


def test_without_more_work_it_waits(session: WriterSession) -> None:
    work = Work(3)
    with session.meanwhile(work), session.use() as connection:
        assert connection.execute(b"SELECT 1 FROM pg_sleep(0.05)").fetchone() == (1,)
    assert work.left < 0
    assert work.asked < 20


def test_copies_pipelines_and_transactions_go_as_ever(session: WriterSession) -> None:
    rows = [(number, "x" * 1000) for number in range(20_000)]
    with session.meanwhile(Work(1_000_000)):
        with session.transaction() as connection:
            connection.execute(b"CREATE TEMP TABLE there (number int, text text)")
            with connection.cursor() as cursor:
                with cursor.copy(b"COPY there FROM STDIN") as copy:
                    for row in rows:
                        copy.write_row(row)
                with connection.pipeline():
                    cursor.executemany(b"INSERT INTO there VALUES (%s, %s)", rows[:100])
        with session.use() as connection:
            found = connection.execute(b"SELECT count(*), sum(number) FROM there").fetchone()
            with connection.cursor().copy(b"COPY there TO STDOUT") as out:
                read = sum(1 for _ in out.rows())
    assert found == (20_100, sum(number for number, _ in [*rows, *rows[:100]]))
    assert read == 20_100


def _fails() -> bool:
    raise RuntimeError("a fault of the work")


@pytest.mark.parametrize("work", [_fails, Work(1_000_000)], ids=["failing", "working"])
def test_a_fault_of_the_work_or_of_a_statement_leaves_the_session_as_it_should_be(
    session: WriterSession, work: Callable[[], bool]
) -> None:
    with session.meanwhile(work):
        with session.transaction() as connection:
            connection.execute(b"CREATE TEMP TABLE there AS SELECT 1 AS number")
            connection.execute(_A_WHILE)
        with pytest.raises(DivisionByZero):
            _fail_behind_a_row(session)
        with session.use() as connection:
            assert connection.execute(b"SELECT array_agg(number) FROM there").fetchone() == ([1],)


def _fail_behind_a_row(session: WriterSession) -> None:
    with session.transaction() as connection:
        connection.execute(b"INSERT INTO there VALUES (2)")
        connection.execute(b"SELECT 1 / 0 FROM pg_sleep(0.05)")


def test_the_work_ends_with_its_context(session: WriterSession) -> None:
    work = Work(1_000_000)
    with session.meanwhile(work):
        pass
    with session.use() as connection:
        connection.execute(_A_WHILE)
    assert work.asked == 0


def test_between_statements_the_heart_beats_and_does_nothing_of_the_work(session: WriterSession) -> None:
    def beat() -> object:
        session.beat()
        with session.use() as connection:
            (beaten,) = connection.execute(b"SELECT beat_at FROM head, pg_sleep(0.05)").fetchone() or (None,)
        return beaten

    work = Work(1_000_000)
    with ThreadPoolExecutor(1) as heart, session.meanwhile(work):
        before = heart.submit(beat).result(10)
        assert work.asked == 0
        with session.use() as connection:
            connection.execute(_A_WHILE)
        assert work.asked > 0
        assert before != heart.submit(beat).result(10)


def test_a_session_that_is_ended_amid_the_work_is_lost_as_ever(session: WriterSession, quick_database: str) -> None:
    other = WriterSession(ShardDatabase(quick_database, 0), Role.RELAY)
    assert other.try_acquire()
    work = Work(1_000_000)
    with pytest.raises(FencedError):
        _end_amid(work, session, other)
    other.close()
    assert not session.held


def _end_amid(work: Work, session: WriterSession, other: WriterSession) -> None:
    with session.meanwhile(work), session.use() as connection:
        (pid,) = connection.execute(b"SELECT pg_backend_pid()").fetchone() or (0,)
        with other.use() as ending:
            ending.execute(b"SELECT pg_terminate_backend(%s)", [pid])
        connection.execute(_A_WHILE)
