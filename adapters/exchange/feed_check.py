"""Judge one record of a feed: who signed it, whom it is for, and where it belongs in the chain. Pure.

Invariants: nothing of a record counts before its signature holds; the hub's part is verified with a key of the hub for that use, the message beside
it with its author's. A bad record never raises: it is `Suspicious` with a coded reason. A delivery that the hub signed, whose message has the
signed digest but not a signature that we can check, takes its slot with a `doubt`: asking again would bring the same, and a newer trust list may
settle it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from adapters.exchange.feed_chain import ChainTip, Extends, Forked, Gap, Known, Recipient, Tips, place, place_head
from contracts import envelope, feed_record
from contracts.delivery import Delivery
from contracts.envelope import Attributes
from contracts.errors import ContractsError
from contracts.feed_head import FeedHead
from contracts.feed_record import FeedRecord, FeedRecordError
from contracts.keys import KeyUse, parse_key_id
from contracts.names import HUB, KeyId, source_of
from contracts.pae import PayloadType
from contracts.receipt import Receipt
from contracts.sealing.content_key import ContentKey, checked
from contracts.sealing.release import Release, open_release
from contracts.sealing.suites import OpeningKey
from contracts.signed_bytes import BatchRoots, SignatureError, SignedBytes, verify
from contracts.trust_list import Directory


class Suspicion(StrEnum):
    """Why a record, or the message in it, is kept apart. Stands in the health report and in metrics."""

    UNREADABLE = "unreadable"
    """Not a feed record."""
    UNKNOWN_HUB_KEY = "unknown-hub-key"
    """Signed with a key that the trust list does not give the hub, or has revoked."""
    BAD_HUB_SIGNATURE = "bad-hub-signature"
    FOR_ANOTHER = "for-another"
    """Properly signed, but for another programme or unit."""
    FORKED = "forked"
    """Another history under the same numbers: the operator must explain."""
    MESSAGE_MISSING = "message-missing"
    """Given, but no message beside it."""
    MESSAGE_UNCALLED_FOR = "message-uncalled-for"
    """Withheld, and yet a message beside it."""
    DIGEST_MISMATCH = "digest-mismatch"
    """Another message than the one that the hub's delivery names."""
    UNKNOWN_AUTHOR_KEY = "unknown-author-key"
    BAD_AUTHOR_SIGNATURE = "bad-author-signature"
    NOT_THE_AUTHOR = "not-the-author"
    """The key belongs to another unit than the message's source."""
    SUBJECT_MISMATCH = "subject-mismatch"
    """The delivery names a client where the message has none, or the reverse."""
    UNREADABLE_MESSAGE = "unreadable-message"
    NO_OPENING_KEY = "no-opening-key"
    """A key released to an encryption key of this unit whose file is not here."""
    BAD_RELEASED_KEY = "bad-released-key"
    """A released key that does not open, or is not the one that it says to be."""


@dataclass(frozen=True, slots=True)
class Receipted:
    """The hub's answer to one of the unit's own messages; `message` where the unit asked for what it published itself."""

    receipt: Receipt
    signed: SignedBytes
    message: SignedBytes | None = None


@dataclass(frozen=True, slots=True)
class HeadSeen:
    """A head of this feed; `caught_up` when everything up to it was taken in."""

    head: FeedHead
    tip: ChainTip | None
    caught_up: bool
    gap: Gap | None = None


@dataclass(frozen=True, slots=True)
class Delivered:
    """The next slot. `message` is None when withheld, and kept apart when there is a `doubt`."""

    delivery: Delivery
    signed: SignedBytes
    tip: ChainTip
    message: SignedBytes | None
    doubt: Suspicion | None = None
    opened: Attributes | None = None
    """The message, where there is no doubt."""


@dataclass(frozen=True, slots=True)
class Released:
    """A key for this unit, opened."""

    release: Release
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Repeated:
    """Taken in before, or of a generation that is past."""


@dataclass(frozen=True, slots=True)
class Suspicious:
    """Kept apart. `gap` names what has to be asked for again because of it."""

    reason: Suspicion
    gap: Gap | None = None


Verdict = Receipted | HeadSeen | Delivered | Released | Repeated | Gap | Suspicious


OpeningKeyOf = Callable[[KeyId], OpeningKey | None]
"""The unit's encryption key of that id; None where its file is not here."""


def no_opening_key(key_id: KeyId) -> None:
    """Of a unit that was enrolled before there was sealing."""
    del key_id


class FeedCheck:
    """Judges records of one feed; remembers which batch signatures held. `opening` gives the unit's encryption keys by their ids."""

    def __init__(self, recipient: Recipient, opening: OpeningKeyOf = no_opening_key) -> None:
        self._recipient = recipient
        self._opening = opening
        self._hub_roots = BatchRoots()
        self._author_roots = BatchRoots()

    def judge(self, value: bytes | None, *, tips: Tips, directory: Directory) -> Verdict:
        """What this record is, seen from these tips with this trust list. Raises nothing."""
        try:
            record = feed_record.read(value or b"")
        except FeedRecordError:
            return Suspicious(Suspicion.UNREADABLE)
        fault = self._hub_fault(record.signed, record.payload_type, directory)
        if fault is not None:
            return Suspicious(fault)
        try:
            return self._of_kind(record, tips, directory)
        except FeedRecordError:
            return Suspicious(Suspicion.UNREADABLE)

    def _of_kind(self, record: FeedRecord, tips: Tips, directory: Directory) -> Verdict:
        match record.kind:
            case "receipt":
                return self._receipt(record, directory)
            case "head":
                return self._head(record, tips)
            case "release":
                return self._release(record)
            case _:
                return self._delivery(record, tips, directory)

    def opened(self, message: SignedBytes, directory: Directory, *, with_subject: bool) -> Attributes | Suspicion:
        """A message that the hub gave out, or why it cannot be taken for its author's. Asked again after each new trust list."""
        known = directory.key(message.key_id)
        if known is None:
            return Suspicion.UNKNOWN_AUTHOR_KEY
        try:
            verify(message, known[1], PayloadType.CLOUDEVENT, roots=self._author_roots)
        except SignatureError:
            return Suspicion.BAD_AUTHOR_SIGNATURE
        try:
            attributes = opened(message)
        except ContractsError:
            return Suspicion.UNREADABLE_MESSAGE
        owner = parse_key_id(message.key_id).unit
        if attributes.source != source_of(self._recipient.programme, owner):
            return Suspicion.NOT_THE_AUTHOR
        if with_subject != (attributes.subject is not None):
            return Suspicion.SUBJECT_MISMATCH
        return attributes

    def _hub_fault(self, signed: SignedBytes, payload_type: PayloadType, directory: Directory) -> Suspicion | None:
        """Expired hub keys still speak for what they signed before; revoked ones for nothing, since nobody can tell when they signed."""
        known = directory.key(signed.key_id)
        if known is None or parse_key_id(signed.key_id).unit != HUB or known[0].revoked is not None:
            return Suspicion.UNKNOWN_HUB_KEY
        try:
            verify(signed, known[1], payload_type, roots=self._hub_roots)
        except SignatureError:
            return Suspicion.BAD_HUB_SIGNATURE
        return None

    def _receipt(self, record: FeedRecord, directory: Directory) -> Verdict:
        receipt = feed_record.document(record.signed, Receipt)
        ours = source_of(self._recipient.programme, self._recipient.unit)
        if receipt.programme != self._recipient.programme or receipt.source != ours:
            return Suspicious(Suspicion.FOR_ANOTHER)
        if record.message is not None:
            if record.message.digest.hex() != receipt.digest:
                return Suspicious(Suspicion.DIGEST_MISMATCH)
            doubt = self._doubt_own(record.message, directory)
            if doubt is not None:
                return Suspicious(doubt)
        return Receipted(receipt, record.signed, record.message)

    def _doubt_own(self, message: SignedBytes, directory: Directory) -> Suspicion | None:
        """What the hub gives back as ours must bear our own signature."""
        known = directory.key(message.key_id)
        if known is None or parse_key_id(message.key_id).unit != self._recipient.unit:
            return Suspicion.NOT_THE_AUTHOR
        try:
            verify(message, known[1], PayloadType.CLOUDEVENT, roots=self._author_roots)
        except SignatureError:
            return Suspicion.BAD_AUTHOR_SIGNATURE
        return None

    def _release(self, record: FeedRecord) -> Verdict:
        release = feed_record.document(record.signed, Release)
        if not self._for_us(release) or not release.to.startswith(f"{self._recipient.unit}/{KeyUse.ENCRYPTION}/"):
            return Suspicious(Suspicion.FOR_ANOTHER)
        opening = self._opening(release.to)
        if opening is None:
            return Suspicious(Suspicion.NO_OPENING_KEY)
        try:
            secret = ContentKey(open_release(release, opening))  # a message key is as long, and has no id of its own
            if release.message_id is None:
                checked(secret.secret, release.key_id)
        except (ContractsError, ValueError):
            return Suspicious(Suspicion.BAD_RELEASED_KEY)
        return Released(release, secret.secret)

    def _head(self, record: FeedRecord, tips: Tips) -> Verdict:
        head = feed_record.document(record.signed, FeedHead)
        if not self._for_us(head):
            return Suspicious(Suspicion.FOR_ANOTHER)
        match place_head(head, tips, self._recipient):
            case Extends(tip):
                return HeadSeen(head, tip, caught_up=True)
            case Gap() as gap:
                return HeadSeen(head, None, caught_up=False, gap=gap)
            case Forked():
                return Suspicious(Suspicion.FORKED)
            case Known():
                return Repeated()

    def _delivery(self, record: FeedRecord, tips: Tips, directory: Directory) -> Verdict:
        delivery = feed_record.document(record.signed, Delivery)
        if not self._for_us(delivery):
            return Suspicious(Suspicion.FOR_ANOTHER)
        match place(delivery, tips, self._recipient):
            case Known():
                return Repeated()
            case Gap() as gap:
                return gap
            case Forked():
                return Suspicious(Suspicion.FORKED)
            case Extends(tip):
                return self._slot(record, delivery, tip, directory)

    def _slot(self, record: FeedRecord, delivery: Delivery, tip: ChainTip, directory: Directory) -> Verdict:
        message = record.message
        again = Gap(tip.shard, tip.generation, tip.sequence)
        if delivery.verdict == "withheld":
            if message is not None:
                return Suspicious(Suspicion.MESSAGE_UNCALLED_FOR, again)
            return Delivered(delivery, record.signed, tip, None)
        if message is None:
            return Suspicious(Suspicion.MESSAGE_MISSING, again)
        if message.digest.hex() != delivery.digest:
            return Suspicious(Suspicion.DIGEST_MISMATCH, again)
        found = self.opened(message, directory, with_subject=delivery.subject is not None)
        if isinstance(found, Suspicion):
            return Delivered(delivery, record.signed, tip, message, found)
        return Delivered(delivery, record.signed, tip, message, opened=found)

    def _for_us(self, document: Delivery | FeedHead | Release) -> bool:
        return document.programme == self._recipient.programme and document.recipient == self._recipient.unit


def opened(message: SignedBytes) -> Attributes:
    """The message, or what can be read of it: a type, or a field, of a newer version is kept and shown raw. Raises `ContractsError`."""
    try:
        return envelope.parse(message.payload)
    except envelope.MessageError:
        return envelope.parse_attributes(message.payload)[0]
