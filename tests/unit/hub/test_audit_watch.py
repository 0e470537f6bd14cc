"""Whoever follows a ledger learns of a fork, a rewind and broken files at once, also after a restart, and keeps the evidence."""

from __future__ import annotations

import json
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from contracts.ledger import policy as policies
from contracts.ledger import signed_note
from contracts.ledger.signed_note import NoteSigner, SignatureType
from hub.application.announcing import WITNESSED
from hub.application.ledger import Ledger
from hub.audit import commands
from hub.audit.watching import EVIDENCE, AlarmKind, UnreachableError, Watch, WatchAlarmError, fetch_from
from hub.infrastructure.tile_files import TileFiles
from tests.simulation.exported import POLICY, SIGNER, States

if TYPE_CHECKING:
    from collections.abc import Iterator

LOG = [b"event %d" % number for number in range(700)]


def grow(folder: Path, states: list[bytes], signer: NoteSigner = SIGNER) -> None:
    """Let the ledger in a folder follow a log."""
    ledger = Ledger(States(states), TileFiles(folder), signer)
    ledger.open()
    while ledger.step():
        pass


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    grow(tmp_path / "ledger", LOG[:300])
    return tmp_path / "ledger"


def watch(ledger: Path, kept: Path) -> Watch:
    return Watch(fetch_from(str(ledger)), policies.parse(POLICY), kept)


def alarm(watching: Watch) -> AlarmKind:
    with pytest.raises(WatchAlarmError) as raised:
        watching.look()
    return raised.value.kind


def test_a_ledger_that_grows_is_followed_and_kept(ledger: Path, tmp_path: Path) -> None:
    watching = watch(ledger, tmp_path / "kept")
    assert watching.look().size == 300
    for size in (300, 301, 512, 700):
        grow(ledger, LOG[:size])
        assert watching.look().size == size
        assert (tmp_path / "kept").read_bytes() == (ledger / "checkpoint").read_bytes()


def test_a_partial_tile_may_be_gone_once_it_is_full(ledger: Path, tmp_path: Path) -> None:
    watching = watch(ledger, tmp_path / "kept")
    watching.look()
    grow(ledger, LOG)
    for tile in ledger.glob("tile/0/*.p/*"):
        if not tile.parent.name.startswith("002"):
            tile.unlink()
    assert watching.look().size == 700


@pytest.mark.parametrize(
    ("shown", "kind"),
    [
        (LOG[:299], AlarmKind.REWOUND),
        ([*LOG[:299], b"another"], AlarmKind.FORKED),
        ([b"another", *LOG[1:400]], AlarmKind.FORKED),
    ],
    ids=["rewound", "another root for the same size", "another past"],
)
def test_another_history_is_an_alarm_and_both_checkpoints_are_kept(
    ledger: Path, tmp_path: Path, shown: list[bytes], kind: AlarmKind
) -> None:
    watch(ledger, tmp_path / "kept").look()
    grow(tmp_path / "other", shown)
    assert alarm(watch(tmp_path / "other", tmp_path / "kept")) is kind
    assert (tmp_path / "kept").read_bytes() == (ledger / "checkpoint").read_bytes()
    assert (tmp_path / f"kept{EVIDENCE}").read_bytes() == (tmp_path / "other" / "checkpoint").read_bytes()


def test_a_policy_with_witnesses_follows_what_they_signed_and_not_what_the_ledger_signed_since(
    ledger: Path, tmp_path: Path
) -> None:
    witness = NoteSigner(f"{SIGNER.name}/witness/dpo", b"\x0c" * 32, SignatureType.COSIGNATURE)
    trusted = policies.parse(f"log {SIGNER.key.text}\nwitness dpo {witness.key.text}\nquorum dpo\n")
    watching = Watch(fetch_from(str(ledger)), trusted, tmp_path / "kept")
    assert alarm(watching) is AlarmKind.NOT_ACCEPTED, "nobody has signed anything yet"

    def signed() -> None:
        note = signed_note.parse((ledger / "checkpoint").read_text())
        document = note.with_signatures([witness.sign(note.text, at=1_767_225_600)]).document
        (ledger / WITNESSED).write_text(document)

    signed()
    grow(ledger, LOG[:500])
    assert watching.look().size == 300
    signed()
    assert watching.look().size == 500
    before = (ledger / WITNESSED).read_bytes()
    grow(ledger, LOG)
    signed()
    assert watching.look().size == 700
    (ledger / WITNESSED).write_bytes(before)
    assert alarm(watching) is AlarmKind.REWOUND


def test_a_checkpoint_of_another_key_is_not_taken_over(ledger: Path, tmp_path: Path) -> None:
    watch(ledger, tmp_path / "kept").look()
    grow(tmp_path / "other", LOG, NoteSigner(SIGNER.name, b"\x0b" * 32))
    assert alarm(watch(tmp_path / "other", tmp_path / "kept")) is AlarmKind.NOT_ACCEPTED


def test_tiles_that_do_not_have_the_root_are_an_alarm(ledger: Path, tmp_path: Path) -> None:
    tile = next(ledger.glob("tile/0/001.p/44"))
    tile.write_bytes(bytes(len(tile.read_bytes())))
    assert alarm(watch(ledger, tmp_path / "kept")) is AlarmKind.BROKEN
    tile.unlink()
    assert alarm(watch(ledger, tmp_path / "kept")) is AlarmKind.BROKEN
    assert not (tmp_path / "kept").exists()


@pytest.fixture
def address(ledger: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as it is overridden
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(ledger)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_command_follows_a_web_address_and_ends_with_1_on_a_fork(
    ledger: Path, address: str, tmp_path: Path
) -> None:
    (tmp_path / "policy").write_text(POLICY)
    typed = [
        "watch",
        address,
        "--policy",
        str(tmp_path / "policy"),
        "--keep",
        str(tmp_path / "kept"),
        "--once",
        "--json",
    ]
    grow(ledger, LOG[:500])
    first = CliRunner().invoke(commands.app, typed)
    assert (first.exit_code, json.loads(first.stdout)["size"]) == (0, 500)
    grow(ledger, LOG)
    assert json.loads(CliRunner().invoke(commands.app, typed).stdout)["size"] == 700
    for file in (ledger / "tile").rglob("*"):
        if file.is_file():
            file.unlink()
    (ledger / "checkpoint").unlink()
    grow(ledger, [*LOG, b"one"][1:])
    forked = CliRunner().invoke(commands.app, typed)
    assert (forked.exit_code, json.loads(forked.stdout)["alarm"]) == (1, "forked")


def test_a_ledger_that_cannot_be_reached_is_not_taken_for_one_that_holds(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError):
        watch(tmp_path / "nowhere", tmp_path / "kept").look()
    with pytest.raises(UnreachableError):
        Watch(fetch_from("http://127.0.0.1:1"), policies.parse(POLICY), tmp_path / "kept").look()
    (tmp_path / "policy").write_text(POLICY)
    typed = ["watch", str(tmp_path / "nowhere"), "--policy", str(tmp_path / "policy"), "--keep", str(tmp_path / "kept")]
    assert CliRunner().invoke(commands.app, [*typed, "--once"]).exit_code == 3
