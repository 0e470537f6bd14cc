"""The ledger follows its log, goes on after any crash, and refuses to go on where the two do not fit."""

import os
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.ledger import checkpoint, signed_note
from contracts.ledger.entry import entry_of, leaf_of
from contracts.ledger.tiles import TiledTree, entries_in, tiles_of
from contracts.merkle import root
from hub.application.ledger import Ledger, LedgerError
from hub.infrastructure.tile_files import TileFiles
from tests.simulation.exported import SIGNER, Files, States

LOG = [f"state {number}".encode() for number in range(1200)]
LEAVES = [leaf_of(number, sha256(state).digest()) for number, state in enumerate(LOG)]


class CrashingFiles(Files):
    """Dies at its `left`-th write."""

    left = 10**9

    def write(self, path: str, content: bytes) -> None:
        if self.left == 0:
            raise OSError("power cut")
        self.left -= 1
        super().write(path, content)


def grown(files: Files, *, to: int) -> Ledger:
    ledger = Ledger(States(LOG[:to]), files, SIGNER)
    ledger.open()
    while ledger.step():
        pass
    return ledger


def check(files: Files, size: int) -> None:
    note = signed_note.parse(files.files["checkpoint"].decode())
    assert signed_note.verified(note, [SIGNER.key])
    head = checkpoint.parse(note.text)
    assert (head.size, head.root) == (size, root(LEAVES[:size]))
    tree = TiledTree(size, lambda tile: files.files[tile.path])
    assert tree.root == head.root
    bundles = [path for path in files.files if path.startswith("tile/entries/") and ".p/" not in path]
    assert len(bundles) == size // 256
    last = f"tile/entries/{size // 256:03}.p/{size % 256}"
    if size % 256:
        entries = entries_in(files.files[last])
        assert entries[-1] == entry_of(size - 1, sha256(LOG[size - 1]).digest())
        assert len(entries) == size % 256
    assert {tile.path for tile in tiles_of(size)} <= set(files.files)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 400), min_size=1, max_size=5), st.integers(0, 30))
def test_a_ledger_cut_off_at_any_write_goes_on_to_the_same_tree(steps: list[int], cut: int) -> None:
    files, size = CrashingFiles(), 0
    for step in steps:
        size = min(size + step, len(LOG))
        files.left = cut
        try:
            grown(files, to=size)
        except OSError:
            files.left = 10**9
            grown(files, to=size)
    check(files, size)


def test_a_log_that_was_rewritten_behind_its_ledger_stops_it() -> None:
    files = Files()
    grown(files, to=300)
    other = [*LOG[:299], b"another"]
    with pytest.raises(LedgerError, match="does not hold"):
        Ledger(States(other), files, SIGNER).open()


def test_a_log_that_was_restored_shorter_than_its_ledger_stops_it() -> None:
    files = Files()
    grown(files, to=300)
    with pytest.raises(LedgerError, match="does not hold"):
        Ledger(States(LOG[:200]), files, SIGNER).open()


@pytest.mark.parametrize("path", ["tile/1/000.p/1", "tile/0/001.p/44"])
def test_tiles_that_were_changed_stop_the_ledger(path: str) -> None:
    files = Files()
    grown(files, to=300)
    files.files[path] = bytes([files.files[path][0] ^ 1]) + files.files[path][1:]
    with pytest.raises(LedgerError, match="do not have the root"):
        Ledger(States(LOG), files, SIGNER).open()


@pytest.mark.parametrize("spoilt", [b"", b"\xff\xfe", b"spojka/other/0\n"], ids=["empty", "no text", "another"])
def test_a_checkpoint_that_is_none_of_its_own_stops_the_ledger_with_an_alarm(spoilt: bytes) -> None:
    files = Files()
    grown(files, to=300)
    files.files["checkpoint"] = spoilt
    with pytest.raises(LedgerError, match="this ledger's key signed"):
        Ledger(States(LOG), files, SIGNER).open()


@pytest.mark.parametrize("kept", [0, 42, 43 * 42, 44 * 42 - 1], ids=str)
def test_a_bundle_that_was_lost_or_cut_stops_the_ledger_before_it_writes_a_broken_one(kept: int) -> None:
    files, path = Files(), "tile/entries/001.p/44"
    grown(files, to=300)
    assert len(files.files[path]) == 44 * 42
    files.files[path] = files.files[path][:kept]
    with pytest.raises(LedgerError, match="does not hold"):
        Ledger(States(LOG), files, SIGNER).open()
    del files.files[path]
    with pytest.raises(LedgerError, match="does not hold"):
        Ledger(States(LOG), files, SIGNER).open()


def test_a_file_s_name_is_as_durable_as_its_bytes_before_the_checkpoint_follows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced, sync = [], os.fsync

    def watched(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_ino)
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    folder = tmp_path / "ledger" / "0"
    TileFiles(folder).write("tile/0/000.p/1", b"x" * 32)
    fresh = [folder.parent, folder, folder / "tile", folder / "tile" / "0", folder / "tile" / "0" / "000.p"]
    assert {one.stat().st_ino for one in (tmp_path, *fresh)} <= set(synced)
    TileFiles(folder).write("checkpoint", b"x")
    assert synced[-2:] == [(folder / "checkpoint").stat().st_ino, folder.stat().st_ino]


def test_a_full_tile_is_written_once_and_the_checkpoint_comes_last() -> None:
    files = Files()
    for size in (100, 256, 300, 700):
        grown(files, to=size)
        assert files.writes[-1] == "checkpoint"
    full = [path for path in files.writes if path.startswith("tile/") and ".p/" not in path]
    assert sorted(full) == sorted(set(full))
