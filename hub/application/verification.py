"""From a raw record to a message that speaks for its author, or to a dead letter (DESIGN section 5, order of checks).

Invariants: what fails here before its signature is a dead letter only: no receipt, nothing in the log; nothing that somebody else than the author
can do (moving a record to another key or partition, signing with another key) uses up the author's numbers. Pure but for the memory of verified
batch roots.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Final, NamedTuple

from contracts import kafka_record
from contracts.codes import DeadLetterReason
from contracts.envelope import Attributes, EnvelopeError, Message, MessageError, parse, parse_attributes
from contracts.kafka_record import RecordError, RecordFault
from contracts.keys import KeyUse, SignatureError, VerifyingKey, parse_key_id
from contracts.names import HUB, KeyId, RecordKey, UnitId
from contracts.pae import PayloadType
from contracts.partition import partition_of
from contracts.signed_bytes import BatchRoots, SignedBytes, verify
from contracts.trust_list import Directory
from hub.application.ports import DeadLetter
from hub.domain.shards import hub_key
from projections.kafka.positions import RawRecord

KEPT_BYTES: Final = 2 * 1024 * 1024
"""Dead letters are kept up to 2 MiB, larger ones by digest only (STANDARDS, names and limits)."""

_AT_ONCE: Final = 8
"""Records of a batch that are verified between two looks at whether the wait is over."""

_RECORD_FAULTS: Final = {
    RecordFault.NULL_VALUE: DeadLetterReason.NULL_VALUE,
    RecordFault.TOO_LARGE: DeadLetterReason.TOO_LARGE,
    RecordFault.DUPLICATE_HEADER: DeadLetterReason.DUPLICATE_HEADER,
    RecordFault.UNKNOWN_HEADER: DeadLetterReason.UNKNOWN_HEADER,
    RecordFault.NOT_STRUCTURED_CLOUDEVENT: DeadLetterReason.NOT_AN_ENVELOPE,
    RecordFault.OTHER_CONTENT_TYPE: DeadLetterReason.NOT_AN_ENVELOPE,
    RecordFault.MISSING_SIGNATURE: DeadLetterReason.MISSING_SIGNATURE,
    RecordFault.BAD_HEADER: DeadLetterReason.BAD_HEADER,
}


class Verified(NamedTuple):
    """A record whose author is certain: with the message, or with the reason why its content cannot be accepted."""

    record: RawRecord
    signed: SignedBytes
    attributes: Attributes
    message: Message | None
    fault: MessageError | None
    key: RecordKey


class _Dead(Exception):  # noqa: N818 - never leaves this module
    def __init__(self, reason: DeadLetterReason) -> None:
        super().__init__(reason)
        self.reason = reason


class _Signer(NamedTuple):
    """Whose key it is, and whether the unit may send."""

    unit: UnitId
    key: VerifyingKey
    admitted: bool


class _Signers(dict[KeyId, _Signer]):
    """Who signs messages by a trust list at one instant: found once, since a few sign a whole run. Raises `_Dead` for a key that signs none."""

    def __init__(self, directory: Directory, at: datetime) -> None:
        super().__init__()
        self._directory = directory
        self._at = at

    def __missing__(self, key_id: KeyId) -> _Signer:
        known, name = self._directory.key(key_id), parse_key_id(key_id)
        if known is None or name.use is not KeyUse.MESSAGES:
            raise _Dead(DeadLetterReason.UNKNOWN_KEY)
        entry, key = known
        if not entry.valid(self._at):
            raise _Dead(DeadLetterReason.REVOKED_KEY)
        admitted = name.unit == HUB or self._directory.party(name.unit, self._at).admitted
        signer = self[key_id] = _Signer(name.unit, key, admitted)
        return signer


class Verifier:
    """Checks records against a trust list. Safe to use from several threads."""

    def __init__(self, *, shard: int, partitions: int, shards: int = 1, roots: BatchRoots | None = None) -> None:
        self._partitions = partitions
        self._hub_key = hub_key(shard, partitions=partitions, shards=shards).encode()
        self._roots = roots or BatchRoots()

    def check(self, record: RawRecord, directory: Directory, at: datetime) -> Verified | DeadLetter:
        """One record, judged by the keys valid at `at`. Never raises for anything that a sender can send."""
        return self._judged(record, _Signers(directory, at))

    def check_all(
        self, records: Sequence[RawRecord], directory: Directory, at: datetime
    ) -> list[Verified | DeadLetter]:
        """A run of records, one after the other."""
        signers = _Signers(directory, at)
        return [self._judged(record, signers) for record in records]

    def ahead(self, records: Sequence[RawRecord], directory: Directory, at: datetime) -> "VerifiedAhead":
        """A run of records, to be verified as they are asked for."""
        signers = _Signers(directory, at)
        return VerifiedAhead(records, lambda some: [self._judged(record, signers) for record in some])

    def _judged(self, record: RawRecord, signers: _Signers) -> Verified | DeadLetter:
        try:
            return self._check(record, signers)
        except _Dead as dead:
            return dead_letter(record, dead.reason)

    def _check(self, record: RawRecord, signers: _Signers) -> Verified:
        signed = _signed(record)
        attributes, message, fault = _parsed(signed.payload)
        self._verify(signed, attributes, signers[signed.key_id])
        key = self._place(record, attributes)
        return Verified(record, signed, attributes, message, fault, key)

    def _verify(self, signed: SignedBytes, attributes: Attributes, signer: _Signer) -> None:
        try:
            verify(signed, signer.key, PayloadType.CLOUDEVENT, roots=self._roots)
        except SignatureError as error:
            raise _Dead(DeadLetterReason.BAD_SIGNATURE) from error
        if signer.unit != attributes.unit:
            raise _Dead(DeadLetterReason.SOURCE_NOT_OWNER)
        if not signer.admitted:
            raise _Dead(DeadLetterReason.REVOKED_KEY)

    def _place(self, record: RawRecord, attributes: Attributes) -> RecordKey:
        key = record.key or b""
        expected = attributes.key.encode()
        if attributes.unit == HUB and attributes.subject is None:
            expected = self._hub_key
        if key != expected:
            raise _Dead(DeadLetterReason.WRONG_KEY)
        if partition_of(key, self._partitions) != record.partition:
            raise _Dead(DeadLetterReason.WRONG_PARTITION)
        return RecordKey(key.decode())


class VerifiedAhead:
    """A run of records verified in order: those asked for at once, the following ones while whoever asks has to wait. For one thread."""

    def __init__(
        self, records: Sequence[RawRecord], check: Callable[[Sequence[RawRecord]], list[Verified | DeadLetter]]
    ) -> None:
        self._records = records
        self._check = check
        self._reached = 0
        self._ready: list[Verified | DeadLetter] = []

    def further(self) -> bool:
        """Verify a few more, a fraction of a millisecond's work; False where there is nothing to do."""
        some = self._records[self._reached : self._reached + _AT_ONCE]
        self._ready += self._check(some)
        self._reached += len(some)
        return bool(some)

    def next(self, count: int) -> list[Verified | DeadLetter]:
        """The next `count`, or those that are left."""
        while len(self._ready) < count and self.further():
            pass
        found, self._ready = self._ready[:count], self._ready[count:]
        return found


def _signed(record: RawRecord) -> SignedBytes:
    try:
        return kafka_record.from_record(record.value, record.headers)
    except RecordError as error:
        raise _Dead(_RECORD_FAULTS[error.reason]) from error


def _parsed(payload: bytes) -> tuple[Attributes, Message | None, MessageError | None]:
    try:
        message = parse(payload)
    except MessageError as fault:
        return parse_attributes(payload)[0], None, fault
    except EnvelopeError as error:
        raise _Dead(DeadLetterReason.INVALID_ENVELOPE) from error
    return message, message, None


def sealed_key_of(record: RawRecord) -> bytes | None:
    """A content key that came beside a message, for the key service alone."""
    return next((value for name, value in record.headers if name == kafka_record.SEALED_KEY), None)


def dead_letter(record: RawRecord, reason: DeadLetterReason) -> DeadLetter:
    """What is kept of a record that speaks for nobody: never a key that came beside it."""
    value = record.value or b""
    return DeadLetter(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        incarnation=record.incarnation,
        reason=reason,
        key=record.key,
        headers=tuple((name, value) for name, value in record.headers if name.lower() != kafka_record.SEALED_KEY),
        value=record.value if len(value) <= KEPT_BYTES else None,
        digest=sha256(value).digest(),
        size=len(value),
    )
