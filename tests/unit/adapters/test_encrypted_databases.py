"""A unit's databases as they lie on disk: who opens them, what an upgrade does, what is said when the key is not there."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from adapters import keyring
from adapters.drafts import ClientKey
from adapters.key_lock import Lock, LockError, place_of
from adapters.keyring import KeyringError
from adapters.process import unit_databases
from adapters.process.overviews import Overviews, OverviewsError
from adapters.process.unit_databases import (
    KEYS,
    OVERVIEWS,
    STORE,
    NotPrivateError,
    UnitDatabases,
    keep_private,
    open_to_others,
)
from adapters.storage import encrypting
from adapters.storage.encrypting import EncryptionError, encrypt
from adapters.storage.unit_store import StoreError, UnitStore
from contracts.names import UnitId
from projections import encrypted_file
from projections.encrypted_file import (
    KEY_BYTES,
    DatabaseKey,
    ForeignFileError,
    NoCipherError,
    connect,
    driver_of,
    in_clear,
    nameless,
    opens,
)
from tests.simulated_hub import NOON

if TYPE_CHECKING:
    from collections.abc import Iterator

OP = UnitId("op")
MARK = "Zvonimir-Kratochvil"
HELD_OPEN = """
import sqlite3, sys
held = sqlite3.connect(sys.argv[1], isolation_level=None)
held.execute("SELECT count(*) FROM client").fetchone()
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A unit's folder as an adapter of before left it: both databases in clear, and what an upgrade kept."""
    folder = tmp_path / "units" / OP
    keyring.create(folder / KEYS, OP)
    with closing(UnitStore.open(folder / STORE)) as store:
        with store.write() as tx:
            tx.clients.ensure([ClientKey(MARK)], at=NOON)
        Overviews.open(folder, store).close()
        with closing(connect(folder / STORE, None)) as raw:
            raw.execute("VACUUM INTO ?", (str(folder / f"{STORE}.version-5"),))
    return folder


def clients(store: UnitStore) -> list[str]:
    with store.read() as tx:
        return [client for client, _ in tx.clients.page(None, 100)]


def bytes_of(folder: Path) -> Iterator[tuple[str, bytes]]:
    return ((path.name, path.read_bytes()) for path in folder.rglob("*") if path.is_file())


def test_an_upgrade_encrypts_both_databases_and_what_earlier_upgrades_kept(folder: Path) -> None:
    assert any(MARK.encode() in content for _, content in bytes_of(folder))
    databases = UnitDatabases.of(folder, OP)
    with closing(databases.open_store()) as store:
        assert clients(store) == [MARK]
        Overviews.open(folder, store, databases.overviews).close()
    assert [name for name, content in bytes_of(folder) if MARK.encode() in content or b"SQLite format" in content] == []
    assert databases.store is not None
    with closing(connect(folder / f"{STORE}.version-5", databases.store)) as kept:
        assert kept.execute("SELECT client_key FROM client").fetchall() == [(MARK,)]
    made = (folder / STORE).stat().st_ino
    databases.open_store().close()
    assert (folder / STORE).stat().st_ino == made, "it was written anew though it was encrypted"


def test_an_upgrade_does_nothing_while_another_program_has_the_database_open(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = keyring.database_key_or_new(folder / KEYS, OP).of("store")
    with subprocess.Popen(
        [sys.executable, "-c", HELD_OPEN, str(folder / STORE)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        monkeypatch.setattr(encrypting, "PATIENCE", 0.2)  # so that the test need not wait
        with pytest.raises(EncryptionError, match="open") as told:
            UnitStore.open(folder / STORE, key)
        assert "Stop the adapter" in told.value.advice
        other.communicate()
    assert in_clear(folder / STORE)
    with closing(UnitStore.open(folder / STORE, key)) as store:
        assert clients(store) == [MARK]


def test_of_two_that_upgrade_at_once_one_does_it_and_both_go_on(folder: Path) -> None:
    key = keyring.database_key_or_new(folder / KEYS, OP).of("store")
    code = (
        "import sys; from pathlib import Path; from adapters.storage.encrypting import encrypt; "
        "from projections.encrypted_file import DatabaseKey; "
        "print(encrypt(Path(sys.argv[1]), DatabaseKey(bytes.fromhex(sys.stdin.readline()))))"
    )
    both = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(folder / STORE)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for one in both:
        assert one.stdin is not None
        one.stdin.write(key.for_driver()[2:-1].decode() + "\n")
        one.stdin.flush()
    told = [one.communicate()[0] for one in both]
    assert all(one.returncode == 0 for one in both), told
    with closing(UnitStore.open(folder / STORE, key)) as store:
        assert clients(store) == [MARK]


def test_a_snapshot_that_is_the_same_file_under_another_name_is_left_whole(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "snapshot").mkdir()
    os.link(folder / STORE, tmp_path / "snapshot" / STORE)
    UnitDatabases.of(folder, OP).open_store().close()
    with closing(UnitStore.open(tmp_path / "snapshot" / STORE)) as store:
        assert clients(store) == [MARK]


def test_a_lost_keyring_leaves_the_database_closed_and_makes_no_new_one(folder: Path) -> None:
    UnitDatabases.of(folder, OP).open_store().close()
    keyring.database_path(folder / KEYS, OP).unlink()
    before = sorted(bytes_of(folder))
    for looked in (UnitDatabases.of, UnitDatabases.as_they_lie):
        with pytest.raises(KeyringError, match="stays closed") as told:
            looked(folder, OP)
        assert "Restore the backup" in told.value.advice
    assert sorted(bytes_of(folder)) == before


def test_another_units_key_is_told_and_changes_nothing(folder: Path) -> None:
    UnitDatabases.of(folder, OP).open_store().close()
    before = sorted(bytes_of(folder))
    other = DatabaseKey(os.urandom(KEY_BYTES))
    with pytest.raises(StoreError, match="does not open with its key"):
        UnitStore.open(folder / STORE, other)
    with pytest.raises(ForeignFileError):
        connect(folder / STORE, None)
    with closing(UnitDatabases.of(folder, OP).open_store()) as store:
        Overviews.open(folder, store, UnitDatabases.of(folder, OP).overviews).close()
        with pytest.raises(OverviewsError) as told:
            Overviews.open(folder, store, other)
    assert "Delete that file" in told.value.advice
    assert dict(sorted(bytes_of(folder)))[STORE] == dict(before)[STORE]


def test_the_key_of_the_views_opens_nothing_else(folder: Path) -> None:
    databases = UnitDatabases.of(folder, OP)
    databases.open_store().close()
    assert databases.overviews is not None
    assert databases.store is not None
    assert not opens(folder / STORE, databases.overviews)
    assert opens(folder / STORE, databases.store)


def test_what_is_wanted_in_clear_on_purpose_is_put_there_and_back_again(folder: Path) -> None:
    with closing(UnitDatabases.of(folder, OP).open_store()) as store:
        Overviews.open(folder, store, UnitDatabases.of(folder, OP).overviews).close()
    plain = UnitDatabases.of(folder, OP, ["overviews"])
    assert (plain.overviews, in_clear(folder / OVERVIEWS), in_clear(folder / STORE)) == (None, True, False)
    with closing(plain.look_into_both()) as both:
        assert both.execute("SELECT count(*) FROM shown.timeline_entry").fetchone() == (0,)
    whole = UnitDatabases.of(folder, OP, ["overviews", "store"])
    with closing(whole.open_store()) as store:
        assert clients(store) == [MARK]
    assert in_clear(folder / STORE)
    with closing(UnitDatabases.of(folder, OP).open_store()) as store:
        assert clients(store) == [MARK]
    assert not in_clear(folder / STORE)


def test_without_the_library_it_is_said_how_to_get_it_and_nothing_is_written_in_clear(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(folder)
    keyring.create(folder / KEYS, OP)
    monkeypatch.setattr(encrypted_file, "_DRIVER", "no_such_library")
    with pytest.raises(NoCipherError) as told:
        UnitDatabases.of(folder, OP).open_store()
    assert "sqlcipher3" in told.value.advice
    assert "unencrypted" in told.value.advice
    assert not (folder / STORE).exists()
    UnitDatabases.of(folder, OP, ["store", "overviews"]).open_store().close()
    assert (folder / STORE).exists()
    with closing(nameless()) as scratch:
        assert scratch.execute("PRAGMA database_list").fetchone()[2] == "", "an import's memory went to a disk in clear"


@pytest.mark.skipif(sys.platform != "linux", reason="looks at open files as Linux shows them")
def test_what_an_import_remembers_lies_encrypted_in_a_file_without_a_name() -> None:
    with closing(nameless()) as scratch:
        scratch.execute("PRAGMA cache_size = 10")
        scratch.execute("CREATE TABLE cell (value TEXT)")
        scratch.execute("BEGIN")
        scratch.executemany("INSERT INTO cell VALUES (?)", [(f"{MARK} {number}",) for number in range(5000)])
        scratch.execute("COMMIT")
        found = [
            one.read_bytes()
            for one in Path("/proc/self/fd").iterdir()
            if os.path.lexists(one) and "/spojka-" in str(one.readlink())
        ]
    assert any(len(content) > 100_000 for content in found)
    assert not any(MARK.encode() in content for content in found)


def test_what_sqlite_knows_is_stored_unasked_and_as_it_is_so_that_empty_columns_cost_an_office_nothing(
    tmp_path: Path,
) -> None:
    key, values = DatabaseKey(b"k" * KEY_BYTES), (None, True, False, b"\x00bytes", "text", 2**40)
    with (
        closing(connect(tmp_path / "new.db", key)) as encrypted,
        closing(connect(tmp_path / "clear.db", None)) as clear,
    ):
        asked = "SELECT " + ", ".join("?, typeof(?)" for _ in values)
        twice = [value for value in values for _ in range(2)]
        assert encrypted.execute(asked, twice).fetchone() == clear.execute(asked, twice).fetchone()
    driver = driver_of(key)
    unasked = [driver.adapt(value) for value in (None, True, b"bytes")]  # raises where values are asked one by one
    assert unasked == [None, True, b"bytes"]


def test_a_key_shows_nothing_and_stays_in_its_process() -> None:
    key = DatabaseKey(b"k" * KEY_BYTES)
    assert (repr(key), str(key)) == ("DatabaseKey(…)", "DatabaseKey(…)")
    with pytest.raises(TypeError):
        pickle.dumps(key)
    assert repr(Lock(b"k" * 32)) == "Lock()"


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
class TestOthersOnTheMachine:
    def test_what_others_could_read_is_taken_from_them_at_start(self, folder: Path) -> None:
        for path in (folder, folder / KEYS, folder / STORE, folder / OVERVIEWS):
            path.chmod(0o777)
        with closing(UnitDatabases.of(folder, OP).open_store()) as store, store.write():
            modes = {path: path.stat().st_mode & 0o077 for path in (folder, *folder.rglob("*"))}
        left = {path.name: mode for path, mode in modes.items() if mode}
        assert left == {OP: 0o070, OVERVIEWS: 0o070}, "a group may read the views, and nobody else anything"
        assert open_to_others(folder) == []

    def test_a_new_database_is_its_owners_alone(self, tmp_path: Path) -> None:
        before = os.umask(0)
        try:
            keyring.create(tmp_path / OP / KEYS, OP)
            databases = UnitDatabases.of(tmp_path / OP, OP)
            with (
                closing(databases.open_store()) as store,
                closing(Overviews.open(tmp_path / OP, store, databases.overviews)),
                store.write(),
            ):
                loose = [path.name for path in (tmp_path / OP).rglob("*") if path.stat().st_mode & 0o077]
        finally:
            os.umask(before)
        assert loose == []

    def test_files_of_another_user_stop_the_start_with_what_to_type(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (folder / STORE).chmod(0o644)

        def refused(path: Path, mode: int) -> None:
            raise PermissionError(1, f"not yours: {path} {mode}")

        monkeypatch.setattr(Path, "chmod", refused)
        with pytest.raises(NotPrivateError) as told:
            keep_private(folder)
        assert "chmod go-rwx" in told.value.advice


class TestLock:
    def test_locked_keys_open_by_the_file_outside_and_by_no_other(self, folder: Path, tmp_path: Path) -> None:
        before = keyring.load(folder / KEYS, OP)
        opening = keyring.add_encryption(folder / KEYS, OP)
        secret = place_of(folder, None)
        keyring.lock(folder / KEYS, OP, secret)
        assert secret.stat().st_mode & 0o777 == 0o600
        new = keyring.add(folder / KEYS, OP)
        assert [key.key_id for key in keyring.load_all(folder / KEYS, OP)] == [before.key_id, new.key_id]
        assert [key.key_id for key in keyring.load_encryption(folder / KEYS, OP)] == [opening.key_id]
        assert not any(b"PRIVATE" in content or b"private_key" in content for _, content in bytes_of(folder))
        moved = tmp_path / "stick" / "unlock"
        moved.parent.mkdir()
        secret.rename(moved)
        with pytest.raises(LockError, match="does not read") as told:
            keyring.load(folder / KEYS, OP)
        assert "spojka-adapter lock --secret" in told.value.advice
        keyring.lock(folder / KEYS, OP, moved)
        assert keyring.load(folder / KEYS, OP).key_id == before.key_id

    def test_another_secret_is_told_and_locks_nothing_again(self, folder: Path, tmp_path: Path) -> None:
        keyring.lock(folder / KEYS, OP, tmp_path / "first")
        Lock.read_or_make(tmp_path / "second")
        before = sorted(bytes_of(folder))
        for place in (tmp_path / "second", tmp_path / "none"):
            with pytest.raises(LockError):
                keyring.lock(folder / KEYS, OP, place)
        assert sorted(bytes_of(folder)) == before
        assert not (tmp_path / "none").exists(), "a new secret was made that opens nothing"

    def test_it_is_read_as_somebody_types_it_from_paper(self, tmp_path: Path) -> None:
        lock = Lock.read_or_make(tmp_path / "unlock")
        assert len((tmp_path / "unlock").read_text().strip().split("-")) == 13
        (tmp_path / "unlock").write_text((tmp_path / "unlock").read_text().lower().replace("-", " ") + "\n\n")
        assert Lock.read(tmp_path / "unlock").lock_id == lock.lock_id

    @pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
    def test_a_secret_that_others_may_read_or_in_the_folder_itself_is_refused(self, folder: Path) -> None:
        keyring.lock(folder / KEYS, OP, place_of(folder, None))
        place_of(folder, None).chmod(0o640)
        with pytest.raises(LockError, match="Others may read"):
            keyring.load(folder / KEYS, OP)
        with pytest.raises(LockError, match="own folder"):
            place_of(folder, folder / KEYS / "unlock")

    def test_a_key_file_in_another_ones_place_does_not_open(self, folder: Path, tmp_path: Path) -> None:
        keyring.lock(folder / KEYS, OP, tmp_path / "secret")
        keyring.add(folder / KEYS, OP)
        shutil.copy(keyring.path_of(folder / KEYS, OP), keyring.path_of(folder / KEYS, OP, 2))
        with pytest.raises(LockError, match="damaged, or another's"):
            keyring.load_all(folder / KEYS, OP)

    def test_a_lock_cut_off_half_way_opens_and_is_finished_by_doing_it_again(
        self, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keyring.add(folder / KEYS, OP)
        ids = [key.key_id for key in keyring.load_all(folder / KEYS, OP)]
        replaced = Path.replace
        done: list[Path] = []

        def cut(path: Path, target: Path) -> Path:
            done.append(replaced(path, target))
            if len(done) == 2:  # the pointer and one key
                raise KeyboardInterrupt
            return done[-1]

        monkeypatch.setattr(Path, "replace", cut)
        with pytest.raises(KeyboardInterrupt):
            keyring.lock(folder / KEYS, OP, tmp_path / "secret")
        monkeypatch.undo()
        assert [key.key_id for key in keyring.load_all(folder / KEYS, OP)] == ids
        keyring.lock(folder / KEYS, OP, tmp_path / "secret")
        assert [key.key_id for key in keyring.load_all(folder / KEYS, OP)] == ids
        assert not any(b"PRIVATE" in content for _, content in bytes_of(folder))


def test_all_who_ask_for_the_key_at_once_get_the_same(tmp_path: Path) -> None:
    got: list[bytes] = []
    ready = threading.Barrier(8)

    def ask() -> None:
        ready.wait()
        got.append(keyring.database_key_or_new(tmp_path, OP).for_driver())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert (len(got), len(set(got))) == (8, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["op.database.json"]


def test_every_file_that_holds_clients_is_named_where_its_key_is_given(folder: Path) -> None:
    with closing(UnitDatabases.of(folder, OP).open_store()) as store:
        Overviews.open(folder, store, UnitDatabases.of(folder, OP).overviews).close()
    databases = {path.name for path in folder.glob("*.db")}
    assert databases == set(unit_databases.FILES.values())
    assert encrypt(folder / STORE, DatabaseKey(b"k" * KEY_BYTES)) is False
