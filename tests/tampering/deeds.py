"""What somebody might do to a log, an export or a ledger, and which commands an auditor then types.

Invariants: each deed is really done to a fresh story's log, and each command really run; what the page says is what the commands answered.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from typer.testing import CliRunner

from contracts.ledger import signed_note
from contracts.ledger.signed_note import NoteSigner, SignatureType
from contracts.names import GroundId, SubjectId, UnitId
from hub.application.ledger import Ledger
from hub.audit import commands
from hub.audit.bundle import INDEX, Row
from hub.domain.events import Event, Given, MessageAccepted
from hub.infrastructure.tile_files import TileFiles
from tests.simulation.ended_consent import consent_that_ended, paper_of
from tests.simulation.exported import POLICY, SIGNER, States, exported, exported_part, note_over, rows_of
from tests.simulation.programme import KAREL, Simulation

HOLDS = "holds"
_WITNESS = NoteSigner(f"{SIGNER.name}/witness/dpo", b"\x0c" * 32, SignatureType.COSIGNATURE)
_WITNESSED = f"log {SIGNER.key.text}\nwitness dpo {_WITNESS.key.text}\nquorum dpo\n"
_JANA, _PETR = (SubjectId("r1." + letter * 26) for letter in "jp")


@dataclass(frozen=True, slots=True)
class Found:
    """What one command answered: the codes that it listed, or that everything holds."""

    command: str
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Deed:
    """A row of the page. `do` does it in a folder and gives what the commands answered."""

    what: str
    by: str
    """Who can do it: whoever has the export, or the operator with which keys."""
    found_by: str
    do: Callable[[Path], Sequence[Found]]


def verify(folder: Path, bundle: str = "bundle", *, seen: str | None = None, policy: str = POLICY) -> Found:
    """`spojka-audit verify`, with a checkpoint that somebody kept where one is named."""
    words = ["verify", str(folder / bundle), "--policy", _policy(folder, policy), "--json"]
    words += [] if seen is None else ["--seen", str(folder / seen)]
    done = CliRunner().invoke(commands.app, words)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        return Found("verify", ("does not read",))
    codes = tuple(sorted({one["code"] for one in json.loads(done.stdout)["findings"]}))
    assert done.exit_code == bool(codes)
    return Found("verify" if seen is None else "verify --seen", codes or (HOLDS,))


def watch(folder: Path, ledger: str) -> Found:
    """`spojka-audit watch --once`, with what it kept before."""
    words = ["watch", str(folder / ledger), "--policy", _policy(folder), "--keep", str(folder / "kept"), "--once"]
    done = CliRunner().invoke(commands.app, [*words, "--json"])
    alarm = json.loads(done.stdout).get("alarm", HOLDS)
    assert done.exit_code == (alarm != HOLDS)
    return Found("watch", (alarm,))


def honest(folder: Path) -> Sequence[Found]:
    """Nothing is done: what the commands say then."""
    hub = consent_that_ended()
    _ledger(folder, "ledger", rows_of(hub)[:-3])
    before = watch(folder, "ledger")
    _ledger(folder, "ledger", rows_of(hub))
    exported(hub, folder / "bundle")
    exported(hub, folder / "witnessed", None, _witnessed(note_over(rows_of(hub))))
    part = exported_part(hub, folder / "part", [KAREL])
    return [
        verify(folder),
        verify(folder, part.folder.name),
        verify(folder, seen="kept"),
        verify(folder, "witnessed", policy=_WITNESSED),
        before,
        watch(folder, "ledger"),
    ]


def _policy(folder: Path, text: str = POLICY) -> str:
    (folder / "policy").write_text(text)
    return str(folder / "policy")


def _ledger(folder: Path, name: str, rows: Sequence[Row], signer: NoteSigner = SIGNER) -> None:
    ledger = Ledger(States([row.state for row in rows]), TileFiles(folder / name), signer)
    ledger.open()
    while ledger.step():
        pass


def _changed_rows(change: Callable[[list[Row]], list[Row]]) -> Callable[[Path], Sequence[Found]]:
    """Rows of an export changed, under the checkpoint that was signed."""

    def do(folder: Path) -> Sequence[Found]:
        hub = consent_that_ended()
        exported(hub, folder / "bundle", change(rows_of(hub)))
        return [verify(folder)]

    return do


def _changed_file(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], Sequence[Found]]:
    """A file of an export changed."""

    def do(folder: Path) -> Sequence[Found]:
        bundle = exported(consent_that_ended(), folder / "bundle")
        (bundle.folder / name).write_bytes(change((bundle.folder / name).read_bytes()))
        return [verify(folder)]

    return do


def _rewritten(change: Callable[[Simulation], None]) -> Callable[[Path], Sequence[Found]]:
    """The log changed and the checkpoint signed over it by the ledger's real key; a watcher and an auditor saw the one before."""

    def do(folder: Path) -> Sequence[Found]:
        hub = consent_that_ended()
        before = rows_of(hub)
        _ledger(folder, "ledger", before)
        watch(folder, "ledger")
        change(hub)
        rows = _numbered(rows_of(hub))
        _ledger(folder, "after", rows)
        exported(hub, folder / "bundle", rows, note_over(rows))
        return [verify(folder), verify(folder, seen="kept"), watch(folder, "after")]

    return do


def _numbered(rows: list[Row]) -> list[Row]:
    return [replace(row, position=position) for position, row in enumerate(rows)]


def _each(change: Callable[[MessageAccepted], Event]) -> Callable[[Simulation], None]:
    """Change every need that was accepted."""

    def done(event: Event) -> Event:
        need = isinstance(event, MessageAccepted) and b"need.assessed" in event.message.payload
        return change(event) if need and isinstance(event, MessageAccepted) else event

    def do(hub: Simulation) -> None:
        hub.shard.log = [done(event) for event in hub.shard.log]

    return do


def _other_words(event: MessageAccepted) -> Event:
    payload = event.message.payload.replace(b'"skills"', b'"mobility"', 1)
    return event.model_copy(update={"message": event.message.model_copy(update={"payload": payload})})


def _leaked(event: MessageAccepted) -> Event:
    return event.model_copy(update={"recipients": (*event.recipients, Given(unit=UnitId("md-claims")))})


def _silenced(hub: Simulation) -> None:
    """Everything from the withdrawal on, as if it had not happened."""
    last = next(
        place
        for place, event in enumerate(hub.shard.log)
        if isinstance(event, MessageAccepted) and b"consent.withdrawn" in event.message.payload
    )
    hub.shard.log = hub.shard.log[:last]


def _unwitnessed(folder: Path) -> Sequence[Found]:
    """The same, where the auditor's policy names a witness: the operator signs again, and has only the old cosignature to show."""
    hub = consent_that_ended()
    before = note_over(rows_of(hub))
    _silenced(hub)
    rows = rows_of(hub)
    (old,) = (one for one in signed_note.parse(_witnessed(before).decode()).signatures if one.name == _WITNESS.name)
    note = signed_note.parse(note_over(rows).decode())
    exported(hub, folder / "bundle", rows, note.document.encode())
    exported(hub, folder / "carried over", rows, note.with_signatures([old]).document.encode())
    return [verify(folder, name, policy=_WITNESSED) for name in ("bundle", "carried over")]


def _witnessed(note: bytes) -> bytes:
    read = signed_note.parse(note.decode())
    return read.with_signatures([_WITNESS.sign(read.text, at=1_767_225_600)]).document.encode()


def _backup(folder: Path) -> Sequence[Found]:
    """The database and the ledger restored from an old copy, and signed again."""
    hub = consent_that_ended()
    rows = rows_of(hub)
    _ledger(folder, "ledger", rows)
    watch(folder, "ledger")
    old = rows[:-3]
    _ledger(folder, "restored", old)
    hub.shard.log = hub.shard.log[: len(old)]
    exported(hub, folder / "bundle", old, note_over(old))
    return [verify(folder), verify(folder, seen="kept"), watch(folder, "restored")]


def _two_histories(folder: Path) -> Sequence[Found]:
    """Two logs that are both right in themselves, one for each auditor: they part at the last consent."""
    hub = consent_that_ended()
    for name, client in (("first", _JANA), ("bundle", _PETR)):
        hub.say("op", paper_of(GroundId(hub.next_id())), subject=client)
        exported(hub, folder / name)
        _ledger(folder, f"ledger of {name}", rows_of(hub))
        hub.shard.log.pop()
        hub.intake = hub.new_intake()
    watch(folder, "ledger of first")
    return [verify(folder, "first"), verify(folder), verify(folder, seen="kept"), watch(folder, "ledger of bundle")]


def _left_out_of_a_part(folder: Path) -> Sequence[Found]:
    exported_part(consent_that_ended(), folder / "bundle", [KAREL], without=4)
    return [verify(folder)]


def _another_key(folder: Path) -> Sequence[Found]:
    hub = consent_that_ended()
    exported(hub, folder / "bundle", None, _note_of(hub, NoteSigner(SIGNER.name, b"\x0b" * 32), folder))
    return [verify(folder)]


def _note_of(hub: Simulation, signer: NoteSigner, folder: Path) -> bytes:
    _ledger(folder, "stranger", rows_of(hub), signer)
    return (folder / "stranger" / "checkpoint").read_bytes()


def _broken_tile(folder: Path) -> Sequence[Found]:
    _ledger(folder, "ledger", rows_of(consent_that_ended()))
    tile = next((folder / "ledger" / "tile" / "0").rglob("[0-9]*.p/*"))
    tile.write_bytes(bytes(len(tile.read_bytes())))
    return [watch(folder, "ledger")]


def _flipped(rows: list[Row]) -> list[Row]:
    row = rows[3]
    return [*rows[:3], replace(row, state=row.state.replace(b"2026-02-09", b"2026-02-08", 1)), *rows[4:]]


_EXPORT = "whoever hands over the export"
_KEYS = "the operator, with all of the hub's keys"
_ALONE = "the auditor, alone"
_KEPT = "whoever kept an older checkpoint, as every witness does, or got another auditor's"

DEEDS: Sequence[Deed] = (
    Deed("a byte of a row flipped", _EXPORT, _ALONE, _changed_rows(_flipped)),
    Deed("a row dropped", _EXPORT, _ALONE, _changed_rows(lambda rows: [*rows[:3], *rows[4:]])),
    Deed("a row inserted", _EXPORT, _ALONE, _changed_rows(lambda rows: [*rows, replace(rows[3], position=len(rows))])),
    Deed(
        "two rows in the other order",
        _EXPORT,
        _ALONE,
        _changed_rows(lambda rows: [*rows[:3], replace(rows[4], position=3), replace(rows[3], position=4), *rows[5:]]),
    ),
    Deed("the last rows cut off", _EXPORT, _ALONE, _changed_rows(lambda rows: rows[:-2])),
    Deed(
        "a byte of the index flipped",
        _EXPORT,
        _ALONE,
        _changed_file(INDEX, lambda raw: raw.replace(b'"rows":8', b'"rows":9')),
    ),
    Deed("a row left out of the middle of a part", _EXPORT, _ALONE, _left_out_of_a_part),
    Deed("a checkpoint of another key", _EXPORT, _ALONE, _another_key),
    Deed("what a unit said changed, and all signed again", _KEYS, _ALONE, _rewritten(_each(_other_words))),
    Deed(
        "an entry given to a unit that no ground names, and all signed again", _KEYS, _ALONE, _rewritten(_each(_leaked))
    ),
    Deed("a withdrawal and all behind it left out, and signed again", _KEYS, _KEPT, _rewritten(_silenced)),
    Deed("the same, where the policy names a witness, who does not sign it again", _KEYS, _ALONE, _unwitnessed),
    Deed("database and ledger taken back to a backup", _KEYS, _KEPT, _backup),
    Deed("two auditors shown different histories", _KEYS, _KEPT, _two_histories),
    Deed(
        "a tile of the running ledger changed",
        "whoever can write its folder",
        "whoever watches it, as every witness does",
        _broken_tile,
    ),
)
