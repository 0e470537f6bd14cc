"""An adapter that is killed, or loses power, while an upgrade encrypts its database: at every line of that work, and inside the copying."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from adapters.drafts import ClientKey
from adapters.storage import encrypting
from adapters.storage.encrypting import REWRITTEN, encrypt
from adapters.storage.unit_store import UnitStore
from projections.encrypted_file import KEY_BYTES, DatabaseKey, connect, opens, state_of_file
from tests.simulated_hub import NOON

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import FrameType

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="processes are forked, so that hundreds of kills take seconds"
)
KEY = DatabaseKey(b"k" * KEY_BYTES)
CLIENTS = [ClientKey(f"Zvonimir-{number:04}") for number in range(400)]
KILLED = -signal.SIGKILL


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as an adapter of before left it after a crash: in clear, with a log of changes that is not in the file yet."""
    made = tmp_path_factory.mktemp("made")
    folder = tmp_path_factory.mktemp("before")
    with closing(UnitStore.open(made / "unit.db")) as store:
        with store.write() as tx:
            tx.clients.ensure(CLIENTS[:200], at=NOON)
        with closing(connect(made / "unit.db", None)) as raw:
            raw.execute("VACUUM INTO ?", (str(folder / "unit.db.version-5"),))
        with store.write() as tx:
            tx.clients.ensure(CLIENTS[200:], at=NOON)
        for name in ("unit.db", "unit.db-wal"):
            shutil.copy(made / name, folder / name)
    return folder


def run(act: Callable[[], None]) -> int:
    """In a process of its own; returns how it ended."""
    child = multiprocessing.get_context("fork").Process(target=act)
    child.start()
    child.join()
    assert child.exitcode is not None
    return child.exitcode


def encrypt_until_line(database: Path, number: int) -> None:
    """Die before the so-manieth line of `encrypting`, in the order in which they are come to."""
    lines: set[int] = set()

    def trace(frame: FrameType, event: str, _: object) -> object:
        if frame.f_code.co_filename != encrypting.__file__:
            return None
        if event == "line":
            lines.add(frame.f_lineno)
        if len(lines) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)  # type: ignore[arg-type] # it may return itself or None
    encrypt(database, KEY)


def encrypt_until_instruction(database: Path, thousands: int) -> None:
    """Die inside SQLite, so many thousand of its instructions into the copying."""
    opened = encrypting._opened
    left = thousands

    def counted(path: Path, key: DatabaseKey | None) -> object:
        connection = opened(path, key)

        def count() -> int:
            nonlocal left
            left -= 1
            if left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return 0

        connection.set_progress_handler(count, 1000)
        return connection

    encrypting._opened = counted  # type: ignore[assignment] # in the forked child alone, which is killed
    encrypt(database, KEY)


def check(folder: Path) -> str:
    """Whatever is there is the whole database; doing it again leaves nothing in clear. Returns what was there."""
    database = folder / "unit.db"
    state = state_of_file(database, KEY)
    assert state in {"plain", "ours"}
    with closing(UnitStore.open(database, KEY)) as store, store.read() as tx:
        assert [client for client, _ in tx.clients.page(None, 1000)] == CLIENTS
    with closing(connect(folder / "unit.db.version-5", KEY)) as kept:
        assert kept.execute("SELECT count(*) FROM client").fetchone() == (200,)
    for path in folder.iterdir():
        assert b"Zvonimir" not in path.read_bytes(), path.name
        assert not path.name.endswith(REWRITTEN)
    return state


def test_killed_at_any_line_the_database_is_the_old_or_the_new_one_and_whole(before: Path, tmp_path: Path) -> None:
    found, number = [], 0
    while True:
        number += 1
        folder = tmp_path / str(number)
        shutil.copytree(before, folder)
        ended = run(lambda: encrypt_until_line(folder / "unit.db", number))  # noqa: B023 - run at once
        found.append(check(folder))
        shutil.rmtree(folder)
        if ended != KILLED:
            break
    assert ended == 0
    assert number > 50
    assert found == sorted(found, reverse=True), "plain first, then ours"
    assert set(found) == {"plain", "ours"}


@pytest.mark.parametrize("thousands", [1, 3, 6, 9])
def test_killed_inside_the_copying_the_old_database_stays(before: Path, tmp_path: Path, thousands: int) -> None:
    folder = tmp_path / "unit"
    shutil.copytree(before, folder)
    (folder / "unit.db.version-5").unlink()
    assert run(lambda: encrypt_until_instruction(folder / "unit.db", thousands)) == KILLED
    shutil.copy(before / "unit.db.version-5", folder)
    assert not opens(folder / "unit.db", KEY)
    assert check(folder) == "plain"
