"""Judges one record that the adapter under test put on the inbox: bytes, headers, signature, place. Pure.

Invariants: a fault is reported under the requirement that it breaks and under no other; then the record is read as well as it can be, so that one
fault does not hide the rest.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from uuid import RFC_4122, UUID

from adapters.conformance.cast import Cast
from adapters.conformance.report import Report
from contracts import strict_json
from contracts.envelope import EnvelopeError, Message, MessageError, parse
from contracts.errors import ContractsError
from contracts.kafka_record import RecordError, from_record
from contracts.keys import SignatureError, VerifyingKey
from contracts.names import MessageId, RecordKey, source_of
from contracts.pae import PayloadType
from contracts.partition import partition_of
from contracts.signed_bytes import SignedBytes, verify
from projections.kafka.positions import RawRecord

_AHEAD: Final = timedelta(minutes=10)
_FRESH: Final = timedelta(days=1)
_VERSION: Final = 7
_RANDOM_BITS: Final = (1 << 62) - 1


@dataclass(frozen=True, slots=True)
class Arrival:
    """A record of the adapter, as well as it can be read. `message` is None where the contracts refuse it."""

    record: RawRecord
    id: MessageId
    key: RecordKey
    sequence: int
    type: str
    facts: dict[str, Any]
    digest: bytes
    message: Message | None

    @property
    def name(self) -> str:
        """The type without prefix and version: `referral.received`."""
        return self.type.removeprefix("eu.spojka.").rpartition(".")[0]


@dataclass(slots=True)
class Inspection:
    """Remembers the random bits of ids; all else is judged record by record."""

    report: Report
    cast: Cast
    _tails: dict[int, str] = field(default_factory=dict)

    def judge(self, record: RawRecord, now: datetime) -> Arrival | None:
        """Report what is right and wrong with it; None where nobody could read it."""
        signed = self._signed(record)
        if signed is not None:
            self._signature(signed)
        message = self._parsed(record.value or b"")
        document = _loose(record.value or b"")
        if document is None:
            return None
        arrival = _arrival(record, document, message)
        self._place(arrival, document)
        self._id(arrival.id, now)
        self._time(str(document.get("time")), now)
        return arrival

    def _signed(self, record: RawRecord) -> SignedBytes | None:
        try:
            signed = from_record(record.value, record.headers)
        except RecordError as error:
            self.report.broken("ENV-1", f"{error.reason}: {error.advice}")
            return None
        self.report.held("ENV-1")
        return signed

    def _signature(self, signed: SignedBytes) -> None:
        key = self.cast.unit_keys.get(signed.key_id)
        if not self.report.judge("ENV-3", holds=key is not None, else_=f"signed by {signed.key_id}") or key is None:
            return
        single = signed.proof is None
        try:
            verify(signed, key, PayloadType.CLOUDEVENT)
        except SignatureError as error:
            self.report.broken("SIG-3" if not single else _which(signed, key), f"{error.reason} ({error.advice})")
            return
        self.report.held("SIG-1" if single else "SIG-3")
        self.report.held("SIG-2")

    def _parsed(self, value: bytes) -> Message | None:
        try:
            message = parse(value)
        except EnvelopeError as error:
            self.report.broken("ENV-1", error.problem)
            return None
        except MessageError as error:
            special = self.cast.sealed and "special or criminal category" in error.reason
            self.report.broken("SEAL-2" if special else "ENV-2", f"{error.code} {error.reason}")
            return None
        self.report.held("ENV-2")
        return message

    def _place(self, arrival: Arrival, document: dict[str, Any]) -> None:
        source = source_of(self.cast.programme, self.cast.unit)
        self.report.judge("ENV-3", holds=document.get("source") == source, else_=f"source is {document.get('source')}")
        record = arrival.record
        expected = str(document.get("subject") or document.get("source")).encode()
        self.report.judge("REC-1", holds=record.key == expected, else_=f"message {arrival.id} is keyed otherwise")
        right = partition_of(record.key or b"", self.cast.partitions)
        self.report.judge(
            "REC-2",
            holds=right == record.partition,
            else_=f"message {arrival.id} lies on {record.partition}, not on {right}",
        )

    def _id(self, name: MessageId, now: datetime) -> None:
        try:
            found = UUID(name)
        except ValueError:
            self.report.broken("ENV-4", "id is no UUID")
            return
        made = (found.int >> 80) / 1000
        fresh = abs(now.timestamp() - made) < _FRESH.total_seconds()
        right = found.version == _VERSION and found.variant == RFC_4122 and fresh
        self.report.judge("ENV-4", holds=right, else_=f"{name} is not of version 7, or not made today")
        other = self._tails.setdefault(found.int & _RANDOM_BITS, name)
        if other != name:
            self.report.broken("ENV-4", f"{name} and {other} end in the same bits: they are not random")

    def _time(self, time: str, now: datetime) -> None:
        try:
            ahead = datetime.fromisoformat(time) - now > _AHEAD
        except (ValueError, TypeError):
            return  # the schema says so
        self.report.judge("ENV-5", holds=not ahead, else_=f"time is {time}")


def _which(signed: SignedBytes, key: VerifyingKey) -> str:
    """SIG-2 where the signature holds for the same document written another way, else SIG-1."""
    for other in _rewritten(signed.payload):
        try:
            key.verify(PayloadType.CLOUDEVENT, other, signed.signature)
        except SignatureError:
            continue
        return "SIG-2"
    return "SIG-1"


def _rewritten(payload: bytes) -> list[bytes]:
    document = _loose(payload)
    if document is None:
        return []
    ways: tuple[dict[str, Any], ...] = (
        {"separators": (",", ":"), "ensure_ascii": False},
        {"separators": (",", ":"), "ensure_ascii": False, "sort_keys": True},
        {"separators": (",", ":")},
        {"ensure_ascii": False},
        {"indent": 1, "ensure_ascii": False},
        {"indent": 2, "ensure_ascii": False},
    )
    return [json.dumps(document, **way).encode() for way in ways]


def _loose(value: bytes) -> dict[str, Any] | None:
    try:
        return dict(strict_json.parse(value))
    except ContractsError:
        pass
    try:
        document = json.loads(value)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _arrival(record: RawRecord, document: dict[str, Any], message: Message | None) -> Arrival:
    data = document.get("data")
    facts = data.get("facts") if isinstance(data, dict) else None
    number = document.get("sequence")
    return Arrival(
        record=record,
        id=MessageId(str(document.get("id"))),
        key=RecordKey(str(document.get("subject") or document.get("source"))),
        sequence=number if isinstance(number, int) else 0,
        type=str(document.get("type")),
        facts=facts if isinstance(facts, dict) else {},
        digest=sha256(record.value or b"").digest(),
        message=message,
    )
