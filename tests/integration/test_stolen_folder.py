"""Whoever carries off an adapter's folder, or a backup of it, and what errors, logs and the list of processes tell."""

from __future__ import annotations

import base64
import json
import shutil
import signal
import subprocess
import sys
import traceback
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from adapters import keyring
from adapters.appliance.archive import back_up
from adapters.appliance.first_setup import Answers, set_up
from adapters.appliance.restoring import restore
from adapters.commands import main
from adapters.drafts import ClientKey
from adapters.key_lock import Lock, LockError, place_of
from adapters.process.unit_databases import KEYS, OVERVIEWS, STORE, UnitDatabases
from adapters.process.unit_house import UnitHouse
from adapters.settings import load_settings, unit_folder
from adapters.storage.unit_store import StoreError, UnitStore
from contracts.categories import Category
from contracts.messages.client import ClientContent, Contact
from contracts.names import UnitId
from projections.encrypted_file import KEY_BYTES, DatabaseKey
from tests.simulated_hub import NOON, PROGRAMME, SimulatedHub

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ADVICE = UnitId("advice")
NAME, PHONE, TEXT, CASE = "Zvonimir", "777123987", "lives under the Ferdinand bridge", "case-8117"
MARKS: Final = (NAME, PHONE, TEXT, CASE)
PASSWORD: Final = "sesame-open-2271"
ADAPTER: Final = [sys.executable, "-c", "from adapters.commands import main; main()"]
SCAN = """
import json, pathlib, sys
folder, *marks = sys.argv[1:]
files = [path for path in pathlib.Path(folder).rglob("*") if path.is_file()]
print(json.dumps([[path.name, mark] for path in files for mark in marks if bytes.fromhex(mark) in path.read_bytes()]))
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An adapter as a volunteer sets it up, with a client who was in need."""
    listed = tmp_path / "list.json"
    listed.write_bytes(SimulatedHub().envelopes[0])
    home = tmp_path / "adapter"
    set_up(home, Answers(programme=PROGRAMME, bootstrap="localhost:1", first_list=listed, unit=ADVICE, name="Advice", institution="ngo",
                         institution_name="An NGO", language="en"))  # fmt: skip
    with (home / "adapter.toml").open("a") as settings:
        settings.write('clock = "file:story"\nhealth_port = 0\nsasl_username = "advice"\n')
    (home / "story").write_text(NOON.isoformat())
    return home


def record(house: UnitHouse) -> None:
    house.desk.enrol(ClientKey(CASE), content=ClientContent(given_name=NAME, contact=Contact(phone=PHONE), note=TEXT))
    house.desk.assess_need(ClientKey(CASE), Category.HOUSING, finding=TEXT)


def found_in(folder: Path, marks: Iterator[bytes]) -> list[list[str]]:
    """Every file with a mark in it, by a process of its own: to close a database file that is open here would give up its locks."""
    scan = [sys.executable, "-c", SCAN, str(folder), *(mark.hex() for mark in marks)]
    return list(json.loads(subprocess.run(scan, check=True, capture_output=True).stdout))


def written(*texts: str | bytes) -> Iterator[bytes]:
    """As bytes, and in base64 wherever they begin in it."""
    for text in texts:
        raw = text.encode() if isinstance(text, str) else text
        yield raw
        for shift in range(3):
            whole = base64.b64encode(b"\0" * shift + raw)
            yield whole[-(-shift * 4 // 3) : (len(raw) + shift) // 3 * 4]


def test_a_stolen_folder_tells_nobody_who_the_clients_are_or_what_was_written(home: Path, tmp_path: Path) -> None:
    house = UnitHouse.open(load_settings(home), ADVICE)
    record(house)
    with closing(house.overviews()) as overviews, overviews.look(), house.store.read() as tx:
        held = b"".join(one.payload or b"" for one in tx.journal.since(0, limit=100))
        assert all(mark.encode() in held for mark in MARKS), "nothing to be found would prove nothing"
        assert (house.folder / f"{STORE}-wal").stat().st_size > 0
        assert (house.folder / OVERVIEWS).stat().st_size > 0
        assert found_in(home, written(*MARKS)) == []
        back_up(house.settings, tmp_path / "copy.tar", at=NOON)
    with house.store.write() as tx:
        tx.connection.exec_driver_sql("UPDATE schema_version SET version = 5")
    house.close()
    UnitHouse.open(load_settings(home), ADVICE).close()
    assert (house.folder / f"{STORE}.version-5").exists()
    assert found_in(home, written(*MARKS)) == []
    (tmp_path / "backups").mkdir()
    shutil.move(tmp_path / "copy.tar", tmp_path / "backups")
    assert found_in(tmp_path / "backups", written(*MARKS)) == []


def test_a_stolen_folder_or_backup_opens_nowhere_without_what_lay_outside(home: Path, tmp_path: Path) -> None:
    with closing(UnitHouse.open(load_settings(home), ADVICE)) as house:
        record(house)
        back_up(house.settings, tmp_path / "copy.tar", at=NOON)
    secret, away = place_of(home, None), tmp_path / "in-a-drawer"
    secret.rename(away)
    assert found_in(home, written(Lock.read(away).secret, away.read_bytes().strip())) == []
    before = sorted(path.name for path in home.rglob("*"))
    with pytest.raises(LockError, match="unlocks the keys"):
        UnitHouse.open(load_settings(home), ADVICE)
    with pytest.raises(LockError, match="unlocks the keys"):
        restore(tmp_path / "copy.tar", tmp_path / "other", at=NOON)
    assert sorted(path.name for path in home.rglob("*")) == before
    assert not (tmp_path / "other" / "units").exists()
    restore(tmp_path / "copy.tar", tmp_path / "other", at=NOON, secret=away)
    with closing(UnitHouse.open(load_settings(tmp_path / "other"), ADVICE)) as house, house.store.read() as tx:
        assert tx.clients.subject_of(ClientKey(CASE)) is not None


def secrets_of(home: Path) -> list[str | bytes]:
    """Every secret of the adapter, in each form that it takes."""
    keys, lock = unit_folder(home, ADVICE) / KEYS, Lock.read(place_of(home, None))
    root = keyring.database_key(keys, ADVICE)
    assert root is not None
    derived = [root, root.of("store"), root.of("overviews")]
    raw = [lock.secret, *(bytes.fromhex(one.for_driver()[2:-1].decode()) for one in derived)]
    raw += [one.seed for one in keyring.load_all(keys, ADVICE)]
    raw += [one.private_bytes for one in keyring.load_encryption(keys, ADVICE)]
    typed = place_of(home, None).read_text().strip()
    return [
        PASSWORD,
        typed,
        typed.replace("-", ""),
        *raw,
        *(one.hex() for one in raw),
        *(repr(one)[2:-1] for one in raw),
    ]


@pytest.fixture
def told(home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., bytes]:
    """What a command says, on both streams, an error that is none of ours with its traceback."""
    monkeypatch.setenv("SPOJKA_ADAPTER_HOME", str(home))
    monkeypatch.setenv("SPOJKA_ADAPTER_SASL_PASSWORD", PASSWORD)

    def say(*words: str) -> bytes:
        monkeypatch.setattr(sys, "argv", ["spojka-adapter", *words])
        try:
            main()
        except SystemExit:
            pass
        except Exception:  # noqa: BLE001 - as Python shows what nobody expected
            traceback.print_exc()
        return "".join(capfd.readouterr()).encode()

    return say


def damage(path: Path, at: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"\xff" * 3)


@pytest.mark.skipif(sys.platform != "linux", reason="looks at processes as Linux shows them")
def test_no_secret_comes_into_logs_errors_tracebacks_or_the_list_of_processes(
    home: Path, told: Callable[..., bytes]
) -> None:
    with closing(UnitHouse.open(load_settings(home), ADVICE)) as house:
        record(house)
        house.overviews().close()
    folder, secrets = unit_folder(home, ADVICE), secrets_of(home)
    said = {"all is well": told("doctor") + told("health") + told("settings") + told("outbox")}
    command = [*ADAPTER, "run", "--home", str(home)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as running:
        assert running.stderr is not None
        log = running.stderr.readline() + running.stderr.readline()
        said["process list"] = Path(f"/proc/{running.pid}/cmdline").read_bytes()
        running.send_signal(signal.SIGTERM)
        said["a line that is down"] = log + running.stderr.read()
    assert b"unit at work" in said["a line that is down"] or b"adapter started" in said["a line that is down"]
    whole = (folder / STORE).read_bytes()
    damage(folder / STORE, 40_000)
    said["a damaged page"] = told("doctor") + told("outbox") + told("timeline", CASE, "--actor", "a/w1")
    damage(folder / STORE, 100)
    said["a damaged database"] = told("doctor") + told("outbox")
    (folder / STORE).write_bytes(whole)
    key = keyring.database_path(folder / KEYS, ADVICE)
    locked = key.read_bytes()
    damage(key, len(locked) - 20)
    said["a damaged key"] = told("doctor") + told("outbox")
    key.unlink()
    said["a lost key"] = told("doctor") + told("outbox")
    key.write_bytes(locked)
    key.chmod(0o600)
    place_of(home, None).chmod(0o644)
    said["a secret open to others"] = told("doctor") + told("outbox")
    place_of(home, None).write_text("not a secret")
    place_of(home, None).chmod(0o600)
    said["another secret"] = told("doctor") + told("outbox")
    for what, text in said.items():
        assert text, what
        assert [one for one in written(*secrets) if one in text] == [], what
        assert b"PRIVATE KEY" not in text, what
    assert all(b"Traceback" not in text for what, text in said.items() if "page" not in what), said


def test_a_traceback_with_all_its_variables_shows_no_key(home: Path) -> None:
    UnitHouse.open(load_settings(home), ADVICE).close()
    databases = UnitDatabases.of(unit_folder(home, ADVICE), ADVICE)
    other = DatabaseKey(bytes(range(KEY_BYTES)))
    assert databases.store is not None
    with pytest.raises(StoreError) as wrong:
        UnitStore.open(databases.folder / STORE, other)
    shown = "".join(traceback.TracebackException.from_exception(wrong.value, capture_locals=True).format())
    assert "DatabaseKey(…)" in shown
    assert not any(one.decode("latin-1") in shown for one in written(other.for_driver(), bytes(range(KEY_BYTES)).hex()))
    with closing(databases.open_store()) as store, store.read() as tx:
        assert databases.store.for_driver()[2:-1].decode() not in repr(tx.connection.engine) + str(
            tx.connection.engine.url
        )
