"""A large export, made fast and right: the events of one client as the hub decided them, said again for many clients and signed for each.

Every message has a signature of its own, none shares a batch: the fair default, and the dearest to verify. Ten events a client: a consent and nine
entries under it, all given to one other unit and reported as delivered. States are encrypted, beside their keys, as a hub exports them.
"""

import json
import os
import shutil
from base64 import urlsafe_b64encode
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Final
from uuid import UUID

from contracts.dsse import to_envelope
from contracts.gate import GATE_VERSION
from contracts.keys import SigningKey
from contracts.ledger import signed_note
from contracts.ledger.checkpoint import Checkpoint
from contracts.ledger.entry import leaf_of
from contracts.ledger.frontier import Frontier
from contracts.messages.hub import DeliveryReported, ReportedDelivery
from contracts.names import RecordKey, SubjectId, UnitId
from contracts.pae import PayloadType
from contracts.signed_bytes import sign_one
from hub.audit.bundle import CHECKPOINT, Bundle, Manifest, Row
from hub.audit.bundle_writing import write
from hub.domain.events import Basis, MessageAccepted, StoredMessage
from hub.infrastructure.postgres.mapper import EventMapper
from hub.infrastructure.postgres.state_cipher import (
    KEY_LENGTH,
    Opened,
    StateKey,
    open_state,
    place,
    seal_parted,
    seal_whole,
)
from tests.benchmarks.workload import AT, subject, workload
from tests.simulation.exported import SIGNER, sealed_rows_of
from tests.simulation.programme import DECIN, Simulation

PER_CLIENT: Final = 10
_SLOTS: Final = 2000
_PORTION: Final = 500
"""Clients that one process makes at a time."""
_AHEAD: Final = 4
"""Portions that may wait for being written."""


@dataclass(frozen=True, slots=True)
class _Said:
    """One event of the client whose events were decided."""

    payload: bytes
    signature: bytes
    decision: bytes
    """As JSON; the payload lies in it unless it is `apart`, under the client's own key."""
    apart: bool
    version: int
    topic: str
    stream: int


@dataclass(frozen=True, slots=True)
class _Client:
    """That client."""

    subject: SubjectId
    names: tuple[str, ...]
    """Every id that stands in the events: of the messages, then of the consent."""
    said: tuple[_Said, ...]
    key: SigningKey


@dataclass(frozen=True, slots=True)
class Load:
    """An export with what is needed to verify it."""

    bundle: Bundle
    clients: int
    rows: int


def export_of(folder: Path, clients: int) -> Load:
    """An export about so many clients."""
    simulation = Simulation()
    simulation.publish_trust_list()
    first, template = sealed_rows_of(simulation)[0], _template(simulation)
    leaves = bytearray(leaf_of(0, sha256(first.state).digest()))
    made = _Leaves(leaves)
    ours = clients * PER_CLIENT
    size = 1 + ours + -(-ours // _SLOTS)
    rows = made.of(chain(_about(template, clients), [iter([first]), _reports(simulation, ours)]))
    manifest = write(
        folder,
        Manifest(programme=DECIN, shard=0, size=size),
        rows,
        note=_note(size, bytes(32)),
        first_list=to_envelope(simulation.signed_list, PayloadType.TRUST_LIST),
    )
    (folder / CHECKPOINT).write_bytes(_note(size, made.root(size)))
    return Load(Bundle.open(folder), clients, manifest.rows)


def kept_export(folder: Path, clients: int) -> Load:
    """The same, kept in a folder, and taken from there while the code that decides what is in it is the same to the byte."""
    told = sha256(b"".join(one.read_bytes() for one in _sources())).hexdigest()
    place = folder / f"audit-{clients}-{told[:16]}"
    if not place.exists():
        fresh = place.with_name(f"{place.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.parent.mkdir(parents=True, exist_ok=True)
        export_of(fresh, clients)
        fresh.rename(place)
    bundle = Bundle.open(place)
    return Load(bundle, clients, bundle.manifest.rows)


def _sources() -> Iterator[Path]:
    """What an export rests on."""
    root = Path(__file__).parents[2]
    for part in ("contracts", "hub/domain", "tests/simulation"):
        yield from sorted((root / part).rglob("*.py"))
    yield from (root / "hub/audit" / name for name in ("bundle.py", "bundle_writing.py"))
    yield from (root / "hub/infrastructure/postgres" / name for name in ("mapper.py", "state_cipher.py"))
    yield from (root / "tests/benchmarks" / name for name in ("audit_load.py", "workload.py"))


@dataclass(slots=True)
class _Leaves:
    joined: bytearray

    def of(self, parts: Iterable[Iterator[Row]]) -> Iterator[Row]:
        """The rows of all parts, their leaves noted."""
        for part in parts:
            for row in part:
                begin = 32 * row.position
                if len(self.joined) < begin + 32:
                    self.joined.extend(bytes(begin + 32 - len(self.joined)))
                self.joined[begin : begin + 32] = leaf_of(row.position, sha256(row.state).digest())
                yield row

    def root(self, size: int) -> bytes:
        """Of the whole tree."""
        return Frontier().extended(bytes(self.joined[at : at + 32]) for at in range(0, 32 * size, 32)).root


def _note(size: int, root: bytes) -> bytes:
    return signed_note.sign(Checkpoint(SIGNER.name, size, root).text, [SIGNER]).document.encode()


def _template(simulation: Simulation) -> _Client:
    """The events of one client, as this hub decides them."""
    messages = workload(simulation, PER_CLIENT, batched=False, per_client=PER_CLIENT)
    simulation.take([simulation.record(one.signed, one.key) for one in messages])
    rows = sealed_rows_of(simulation)[1:]
    assert len(rows) == PER_CLIENT
    payloads = [one.signed.payload for one in messages]
    consent = json.loads(payloads[0])["data"]["facts"]["consent_id"]
    names = (*(json.loads(payload)["id"] for payload in payloads), consent)
    streams = list(dict.fromkeys(row.stream_id for row in rows))
    said = []
    for row, one in zip(rows, messages, strict=True):
        opened, stream = _opened(row), streams.index(row.stream_id)
        apart = opened.content is not None
        signed = one.signed
        said.append(
            _Said(signed.payload, signed.signature, opened.decision, apart, row.stream_version, row.topic, stream)
        )
    return _Client(subject(0), names, tuple(said), simulation.units["op"].key)


def _opened(row: Row) -> Opened:
    evidence, *entry = (
        StateKey.of(row.keys[begin : begin + KEY_LENGTH]) for begin in range(0, len(row.keys), KEY_LENGTH)
    )
    bound = place(row.stream_id, row.stream_version, row.topic)
    return open_state(row.state, evidence=evidence, entry=entry[0] if entry else None, bound=bound)


def _about(template: _Client, clients: int) -> Iterator[Iterator[Row]]:
    """The rows of everybody, made by several processes."""
    _shared.cache_clear()
    _TEMPLATES[:] = [template]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        made: deque[Future[list[Row]]] = deque()
        for begin in range(0, clients, _PORTION):
            made.append(pool.submit(_portion, (begin, min(clients, begin + _PORTION))))
            if len(made) > _AHEAD:
                yield iter(made.popleft().result())
        while made:
            yield iter(made.popleft().result())


_TEMPLATES: Final[list[_Client]] = []


@lru_cache(maxsize=1)
def _shared() -> _Client:
    return _TEMPLATES[0]


def _portion(clients: tuple[int, int]) -> list[Row]:
    return [row for client in range(*clients) for row in _rows(_shared(), client)]


def _rows(template: _Client, client: int) -> Iterator[Row]:
    key, first = RecordKey(subject(client)), 1 + client * PER_CLIENT
    changes = [(template.subject.encode(), key.encode())]
    changes += [
        (old.encode(), b"00000000-0000-7000-9000-%012x" % (client * (PER_CLIENT + 1) + number))
        for number, old in enumerate(template.names)
    ]
    own = StateKey.of(sha256(key.encode()).digest())
    for number, one in enumerate(template.said):
        payload = _changed(one.payload, changes)
        signed = sign_one(payload, template.key, PayloadType.CLOUDEVENT)
        parts = (one.payload, payload), (one.signature, signed.signature), tuple(map(_digest, (one.payload, payload)))
        others = [*changes, *((urlsafe_b64encode(old), urlsafe_b64encode(new)) for old, new in parts)]
        others.append((b'"grounds_position":1,', b'"grounds_position":%d,' % first))
        stream, decision = UUID(int=(client << 8) + one.stream), _changed(one.decision, others)
        bound, nonce = place(stream, one.version, one.topic), (first + number).to_bytes(12, "big")
        if one.apart:
            state = seal_parted(decision, payload, evidence=_evidence(), entry=own, bound=bound, nonce=nonce)
        else:
            state = seal_whole(decision, evidence=_evidence(), bound=bound, nonce=nonce)
        keys = _evidence().secret + (own.secret if one.apart else b"")
        yield Row(first + number, key, stream, one.version, one.topic, state, keys)


@lru_cache(maxsize=1)
def _evidence() -> StateKey:
    """The key of what was decided: one for all, as for a month."""
    return StateKey.of(sha256(b"evidence").digest())


def _digest(payload: bytes) -> bytes:
    return sha256(payload).digest()


def _changed(part: bytes, changes: Sequence[tuple[bytes, bytes]]) -> bytes:
    for old, new in changes:
        if old in part:
            part = part.replace(old, new)
    return part


def _reports(simulation: Simulation, ours: int) -> Iterator[Row]:
    """What the hub says of the deliveries, behind everything."""
    mapper, key = EventMapper(), RecordKey(simulation.hub_record_key)
    for number, begin in enumerate(range(1, ours + 1, _SLOTS)):
        slots = tuple(
            ReportedDelivery(unit=UnitId("vz"), feed_sequence=place, position=place, verdict="given")
            for place in range(begin, min(begin + _SLOTS, ours + 1))
        )
        facts = DeliveryReported(shard=0, generation=1, deliveries=slots)
        name, signed = simulation.programme.voice.say(facts, name=f"report/{number}", at=AT)
        event = MessageAccepted(
            originator_id=UUID(int=(1 << 100) + number),
            originator_version=1,
            key=key,
            at=AT,
            stream="notice",
            stream_key=name,
            message=StoredMessage(payload=signed.payload, key_id=signed.key_id, signature=signed.signature),
            basis=Basis(gate=GATE_VERSION, grounds_position=-1, trust_list=1, settings=0),
        )
        (stored,) = mapper.sealed([event], [(_evidence(), None)])
        place_of = 1 + ours + number
        yield Row(place_of, key, event.originator_id, 1, stored.topic, bytes(stored.state), _evidence().secret)
