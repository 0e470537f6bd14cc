"""A simulated hub's log with its ledger, as an auditor gets it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from contracts.dsse import to_envelope
from contracts.ledger import policy as policies
from contracts.ledger.checkpoint import origin_of
from contracts.ledger.entry import leaf_of
from contracts.ledger.signed_note import NoteSigner
from contracts.names import RecordKey
from contracts.pae import PayloadType
from hub.application.ledger import Ledger
from hub.audit.bundle import Bundle, Manifest, Part, Row
from hub.audit.bundle_writing import TilesOf, is_hub_key, write
from hub.audit.findings import Finding
from hub.audit.verification import verify
from hub.domain.events import Event, MessageAccepted
from hub.infrastructure.postgres.mapper import EventMapper
from hub.infrastructure.postgres.state_cipher import KEY_LENGTH, StateKey
from tests.simulation.programme import DECIN, Simulation

SIGNER = NoteSigner(origin_of(DECIN, 0), b"\x0a" * 32)
POLICY = f"log {SIGNER.key.text}\nquorum none\n"
_MAPPER = EventMapper()


@dataclass
class Files:
    """A ledger's files in memory, and how often each was written."""

    files: dict[str, bytes] = field(default_factory=dict)
    writes: list[str] = field(default_factory=list)

    def read(self, path: str) -> bytes | None:
        return self.files.get(path)

    def write(self, path: str, content: bytes) -> None:
        self.files[path] = content
        self.writes.append(path)


@dataclass
class States:
    """Stored states in memory."""

    all: list[bytes]

    def states(self, position: int, *, limit: int) -> Sequence[bytes]:
        return self.all[position : position + limit]


def rows_of(hub: Simulation) -> list[Row]:
    """The log as it would be stored."""
    stored = [(event.key, _MAPPER.to_stored_event(event)) for event in hub.shard.log]
    return [
        Row(position, key, one.originator_id, one.originator_version, one.topic, one.state)  # type: ignore[arg-type] # UUIDs here
        for position, (key, one) in enumerate(stored)
    ]


def sealed_rows_of(hub: Simulation, without: Collection[int] = ()) -> list[Row]:
    """The log as it would be stored under keys, each row beside those that there are: of what was erased, and of positions `without`, one is missing.

    The same log gives the same bytes.
    """
    return [
        replace(row, keys=row.keys[:KEY_LENGTH]) if row.position in {*hub.shard.erased, *without} else row
        for row in (_sealed(position, event) for position, event in enumerate(hub.shard.log))
    ]


def _sealed(position: int, event: Event) -> Row:
    outline = event.outline if isinstance(event, MessageAccepted) else None
    evidence, nonce = _key_for(f"{event.at:%Y-%m}"), position.to_bytes(12, "big")
    entry = None if outline is None else _key_for(f"{event.key} {outline.category} {event.at:%Y-%m}")
    (stored,) = _MAPPER.sealed([event], [(evidence, entry)], drawn=[nonce])
    keys = evidence.secret + (b"" if entry is None else entry.secret)
    return Row(position, event.key, event.originator_id, event.originator_version, stored.topic, stored.state, keys)


def _key_for(name: str) -> StateKey:
    return StateKey.of(sha256(name.encode()).digest())


def note_over(rows: Sequence[Row]) -> bytes:
    """The signed checkpoint over these rows."""
    files = Files()
    ledger = Ledger(States([row.state for row in rows]), files, SIGNER)
    while ledger.step():
        pass
    return files.files["checkpoint"]


def by_key(rows: Iterable[Row]) -> list[Row]:
    """As a database gives them for an export; rows of one key stay in the order in which they came."""
    return sorted(rows, key=lambda row: (is_hub_key(row.key), row.key))


def exported(hub: Simulation, folder: Path, rows: Sequence[Row] | None = None, note: bytes | None = None) -> Bundle:
    """An export on disk; other rows than the hub's, or a checkpoint over others, where a test wants them."""
    own = rows_of(hub)
    write(
        folder,
        Manifest(programme=DECIN, shard=0, size=len(own)),
        by_key(own if rows is None else rows),
        note=note_over(own) if note is None else note,
        first_list=to_envelope(hub.signed_list, PayloadType.TRUST_LIST),
    )
    return Bundle.open(folder)


def exported_part(
    hub: Simulation, folder: Path, keys: Collection[str], until: datetime | None = None, *, without: int | None = None
) -> Bundle:
    """A part of the hub's log, about these record keys; one position left out where a test wants it."""
    own = rows_of(hub)
    kept = [
        row
        for row, event in zip(own, hub.shard.log, strict=True)
        if (row.key in keys or is_hub_key(row.key)) and (until is None or event.at <= until) and row.position != without
    ]
    write(
        folder,
        Manifest(programme=DECIN, shard=0, size=len(own), part=Part(keys=tuple(map(RecordKey, keys)), until=until)),
        by_key(kept),
        note=note_over(own),
        first_list=to_envelope(hub.signed_list, PayloadType.TRUST_LIST),
        tiles=TilesOf(b"".join(leaf_of(row.position, sha256(row.state).digest()) for row in own)),
    )
    return Bundle.open(folder)


def audited(hub: Simulation) -> list[Finding]:
    """What an auditor finds wrong with the whole log."""
    with TemporaryDirectory() as folder:
        return verify(exported(hub, Path(folder) / "export"), policies.parse(POLICY)).findings
