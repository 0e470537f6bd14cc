"""The key that wraps the keys of the log is renewed while everything runs, by an operator who is killed at every line of it and types it again."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from contracts.categories import Category
from contracts.names import RecordKey
from hub.application.ports import Commit, Erasing, Head
from hub.domain.events import Event, MessageAccepted
from hub.entrypoints import log_kek
from hub.entrypoints.commands import app
from hub.entrypoints.house import log_mapper, open_house
from hub.entrypoints.log_kek import LogKekError, LogKekRenewal
from hub.entrypoints.settings import LOG_KEK, load_settings
from hub.infrastructure import key_encryption
from hub.infrastructure.key_encryption import KekFile, KeyEncryptionError, LocalKeyEncryption
from hub.infrastructure.postgres import log_key_wrapping
from hub.infrastructure.postgres.log_key_wrapping import LogKeyWrapping
from hub.infrastructure.postgres.log_reading import LogReading
from hub.infrastructure.postgres.session import Session
from hub.infrastructure.postgres.shard_database import ShardDatabase
from hub.infrastructure.postgres.writer_session import Role, WriterSession
from hub.infrastructure.postgres.writer_store import PostgresWriterStore
from tests.integration.store_samples import JANA, NOON, PETR, accepted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from types import FrameType

    from hub.application.key_ports import Wrapped

pytestmark = pytest.mark.postgres
HOUSING, SKILLS = Category.HOUSING, Category.SKILLS
FILES = {one.__file__ for one in (log_kek, log_key_wrapping, key_encryption)}


@dataclass
class Hub:
    """A hub's home and database, with a writer at work and a reader who has a copy of the keys."""

    home: Path
    dsn: str
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.command("init", "--programme", "decin")
        self.command("migrate")
        shutil.copy(self.home / LOG_KEK, self.copy)
        self.writing = WriterSession(ShardDatabase(self.dsn, 0), Role.WRITER)
        self.reading = Session(ShardDatabase(self.dsn, 0))
        self.writer = PostgresWriterStore(self.writing, log_mapper(f"file:{self.home / LOG_KEK}", advice=""))
        self.reader = LogReading(self.reading, log_mapper(f"file:{self.copy}", advice=""))
        self.head: Head = self.writer.take_over()

    def close(self) -> None:
        self.writing.close()
        self.reading.close()

    @property
    def copy(self) -> Path:
        """As the key service has it."""
        return self.home / "copied.json"

    @property
    def names(self) -> list[str]:
        return KekFile(self.home / LOG_KEK).names()

    def command(self, *words: str, code: int = 0) -> str:
        given = {"SPOJKA_HUB_HOME": str(self.home), "SPOJKA_HUB_DATABASE": self.dsn, "COLUMNS": "400"}
        done = CliRunner().invoke(app, list(words), env=given)
        assert done.exit_code == code, (done.output, done.exception)
        return f"{done.output}{done.exception or ''}"

    def record(self, *events: Event, erasing: Sequence[Erasing] = ()) -> None:
        at = events[-1].at if events else NOON
        self.head = self.writer.commit(Commit(at=at, events=events, erasing=erasing), head=self.head)
        self.events += events

    def renewal(self) -> LogKekRenewal:
        return LogKekRenewal(open_house(load_settings(home=self.home, database=self.dsn)))

    def read_by(self, keys: Path) -> list[Event]:
        """What a process reads that starts now."""
        session = Session(ShardDatabase(self.dsn, 0))
        try:
            mapper = log_mapper(f"file:{keys}", advice="")
            return [one.event for one in LogReading(session, mapper).read(0, limit=9999)]
        finally:
            session.close()


@pytest.fixture
def hub(tmp_path: Path, quick_database: str) -> Iterator[Hub]:
    hub = Hub(tmp_path / "hub", quick_database)
    yield hub
    hub.close()


def entry(category: Category | None, key: RecordKey = JANA, *, months: int = 0) -> MessageAccepted:
    return accepted(key, category=category, at=NOON + timedelta(days=31 * months))


def several() -> list[MessageAccepted]:
    """Seven keys: five of entries, two of what is decided in a month."""
    return [*(entry(one, who) for one in (HOUSING, SKILLS) for who in (JANA, PETR)), entry(HOUSING, months=1)]


def test_nobody_waits_while_it_is_renewed_and_the_old_key_goes_when_nothing_needs_it(hub: Hub) -> None:
    hub.record(*several())
    before = hub.home / "before.json"
    shutil.copy(hub.home / LOG_KEK, before)
    assert "no other key was prepared" in hub.command("rotate-kek", code=1)
    told = hub.command("rotate-kek", "--prepare")
    assert "log-kek-2 is ready and wraps nothing yet" in told
    hub.record(entry(HOUSING), entry(HOUSING, months=2))
    assert hub.read_by(before) == hub.events, "nothing is under a key that was not copied yet"
    shutil.copy(hub.home / LOG_KEK, hub.copy)
    assert "log-kek-1" in hub.command("rotate-kek", "--forget", "log-kek-1", code=1)
    assert "9 keys of the log were wrapped anew, all are under log-kek-2" in hub.command("rotate-kek")
    hub.record(entry(HOUSING), entry(Category.EDUCATION, PETR, months=3))
    assert [one.event for one in hub.reader.read(0, limit=999)] == hub.events, (
        "the copy knows it, and was not restarted"
    )
    assert "log-kek-1 is gone" in hub.command("rotate-kek", "--forget", "log-kek-1")
    assert hub.names == ["log-kek-2"]
    hub.record(entry(SKILLS, PETR))
    assert hub.read_by(hub.home / LOG_KEK) == hub.events
    with pytest.raises(KeyEncryptionError, match=r"no key-encryption key log-kek-2.*Restore"):
        hub.read_by(before)
    assert (hub.home / LOG_KEK).stat().st_mode & 0o777 == 0o600
    hub.command("rotate-kek", "--prepare")
    assert hub.names == ["log-kek-2", "log-kek-3"], "no name serves twice"


def test_a_key_is_not_destroyed_while_a_writer_has_something_under_it_that_is_not_committed_yet(hub: Hub) -> None:
    hub.record(*several())
    renewal = hub.renewal()
    with ShardDatabase(hub.dsn, 0).connect(name="writing") as writing, ThreadPoolExecutor(1) as operator:
        with writing.transaction():
            add = "INSERT INTO log_key VALUES ('\\x00', '', '', '2031-01', 'log-kek-0', '\\x00')"
            writing.execute(add)
            found = operator.submit(renewal.forget, "log-kek-0")
            with ShardDatabase(hub.dsn, 0).connect(name="looking") as looking:
                while not looking.execute("SELECT FROM pg_locks WHERE NOT granted").fetchall():
                    assert not found.done()
        with pytest.raises(LogKekError, match="1 keys of the log are wrapped under log-kek-0"):
            found.result()


def test_a_key_that_an_erasure_destroys_meanwhile_is_not_brought_back(hub: Hub) -> None:
    hub.record(*several())
    hub.renewal().prepare("")
    hub.renewal().rotate("")
    hub.renewal().prepare("")
    KekFile(hub.home / LOG_KEK).use("log-kek-3")

    class ErasedMeanwhile(LocalKeyEncryption):
        """Between reading the wrapped keys and writing them, an erasure is accepted."""

        def wrap(self, plain: Sequence[tuple[bytes, bytes]]) -> list[Wrapped]:
            hub.record(erasing=[Erasing(behind=0, key=JANA, scopes=frozenset({HOUSING, SKILLS}))])
            return super().wrap(plain)

    session = Session(ShardDatabase(hub.dsn, 0))
    count = LogKeyWrapping(session).wrap_anew(ErasedMeanwhile(KekFile(hub.home / LOG_KEK)))
    with session.use() as connection:
        left = connection.execute("SELECT record_key, kek_id FROM log_key WHERE secret IS NOT NULL").fetchall()
    session.close()
    assert count == 4
    assert {key for key, _ in left} == {"", PETR}
    assert {kek for _, kek in left} == {"log-kek-3"}


def prepare(renewal: LogKekRenewal, _names: Sequence[str]) -> None:
    renewal.prepare("")


def rotate(renewal: LogKekRenewal, _names: Sequence[str]) -> None:
    renewal.rotate("")


def forget(renewal: LogKekRenewal, names: Sequence[str]) -> None:
    renewal.forget(names[0])


Step = Callable[[LogKekRenewal, "Sequence[str]"], None]
STEPS: Mapping[Step, Sequence[Step]] = {prepare: (), rotate: (prepare,), forget: (prepare, rotate)}
"""What an operator types, and what they typed before."""


def killed_at(number: int, step: Callable[[], None]) -> bool:
    """In a process that dies before the so-manieth line of the work, as they are come to; False where it came to its end before."""

    def act() -> None:
        lines: set[tuple[str, int, int]] = set()

        def trace(frame: FrameType, event: str, _: object) -> object:
            file = frame.f_code.co_filename
            if file not in FILES:
                return None
            if event == "line":  # of keys in memory each line once, however many keys there are
                lines.add((file, frame.f_lineno, 0 if file == key_encryption.__file__ else len(lines)))
            if len(lines) == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return trace

        sys.settrace(trace)  # type: ignore[arg-type] # it may return itself or None
        step()

    child = multiprocessing.get_context("fork").Process(target=act)
    child.start()
    child.join()
    assert child.exitcode in {0, -signal.SIGKILL}
    return child.exitcode != 0


@pytest.mark.skipif(sys.platform == "win32", reason="processes are forked, so that hundreds of kills take seconds")
@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_whoever_is_killed_at_any_line_of_it_types_it_again_and_nothing_is_lost(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, step: Step
) -> None:
    monkeypatch.setattr(log_key_wrapping, "AT_ONCE", 3)
    hub.record(*several())
    renewal, number, dies = hub.renewal(), 0, True
    while dies:
        number += 1
        for earlier in STEPS[step]:
            earlier(renewal, hub.names)
        names = hub.names
        dies = killed_at(number, lambda names=names: step(renewal, names))  # type: ignore[misc] # bound here, not when it is called
        hub.record(entry(HOUSING))
        assert hub.read_by(hub.home / LOG_KEK) == hub.events
        with suppress(LogKekError, KeyEncryptionError):  # it was done already, and says so
            step(renewal, names)
    assert number > 10
    renewal.rotate(renewal.prepare(""))
    for old in hub.names[:-1]:
        renewal.forget(old)
    assert hub.read_by(hub.home / LOG_KEK) == hub.events
