"""A feed as its recipient sees it, judged record by record: signatures, chain, messages beside. Pure.

Invariant: a record that does not hold is told as its fault and changes nothing.
"""

from dataclasses import dataclass, field

from contracts import feed_record
from contracts.delivery import Delivery, first_link, next_link
from contracts.envelope import parse, parse_attributes
from contracts.errors import ContractsError
from contracts.feed_head import FeedHead
from contracts.feed_record import FeedRecord
from contracts.keys import parse_key_id
from contracts.messages.hub import ObligationOpened
from contracts.names import HUB, MessageId, ProgrammeId, UnitId, unit_of
from contracts.pae import PayloadType
from contracts.receipt import Receipt
from contracts.sealing.release import Release
from contracts.signed_bytes import SignedBytes, verify
from contracts.trust_list import Directory


@dataclass(frozen=True, slots=True)
class Judged:
    """What a record is: receipt, head, release, given, withheld, repeated, gap or refused (with the fault)."""

    verdict: str
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Taken:
    """A slot that was taken in, whenever it came."""

    delivery: Delivery
    message: MessageId | None


@dataclass(slots=True)
class Chain:
    """One unit's feed over all shards."""

    programme: ProgrammeId
    unit: UnitId
    receipts: list[Receipt] = field(default_factory=list)
    heads: list[FeedHead] = field(default_factory=list)
    slots: list[Taken] = field(default_factory=list)
    repeats: list[Taken] = field(default_factory=list)
    duties: list[ObligationOpened] = field(default_factory=list)
    releases: list[Release] = field(default_factory=list)
    _tips: dict[int, tuple[int, int, bytes]] = field(default_factory=dict)
    _links: dict[tuple[int, int, int], str] = field(default_factory=dict)

    def judge(self, value: bytes, directory: Directory) -> Judged:
        """Take a record in, or say what is wrong with it."""
        try:
            record = feed_record.read(value)
            _verified(record, directory)
            match record.kind:
                case "receipt":
                    return self._receipt(feed_record.document(record.signed, Receipt))
                case "head":
                    return self._head(feed_record.document(record.signed, FeedHead))
                case "release":
                    return self._release(feed_record.document(record.signed, Release))
                case _:
                    return self._delivery(feed_record.document(record.signed, Delivery), record.message, directory)
        except ContractsError as error:
            return Judged("refused", error.problem)

    def given(self) -> list[MessageId]:
        """The messages given, in order."""
        return [one.message for one in self.slots if one.message is not None]

    def _receipt(self, receipt: Receipt) -> Judged:
        if unit_of(receipt.source) != self.unit:  # what it sent under another programme's name is answered too
            return Judged("refused", "a receipt for another source")
        self.receipts.append(receipt)
        return Judged("receipt")

    def _release(self, release: Release) -> Judged:
        if (release.programme, release.recipient) != (self.programme, self.unit):
            return Judged("refused", "a key for another unit")
        self.releases.append(release)
        return Judged("release")

    def _head(self, head: FeedHead) -> Judged:
        if (head.programme, head.recipient) != (self.programme, self.unit):
            return Judged("refused", "a head of another feed")
        known = self._links.get((head.shard, head.generation, head.sequence))
        if known is not None and known != head.link:
            return Judged("refused", "a head whose link is not that of its slot")
        self.heads.append(head)
        return Judged("head")

    def _delivery(self, delivery: Delivery, message: SignedBytes | None, directory: Directory) -> Judged:
        if (delivery.programme, delivery.recipient) != (self.programme, self.unit):
            return Judged("refused", "a slot of another feed")
        if (delivery.verdict == "withheld") != (message is None):
            return Judged("refused", "a message where none belongs, or none where one does")
        if message is not None and message.digest.hex() != delivery.digest:
            return Judged("refused", "another message than the slot names")
        taken = Taken(delivery, None if message is None else _author_holds(message, directory))
        judged = self._placed(taken)
        if message is not None and judged.verdict == "given":
            self._note(message)
        return judged

    def _placed(self, taken: Taken) -> Judged:
        slot = taken.delivery
        generation, sequence, link = self._tip(slot)
        if slot.generation < generation or slot.sequence <= sequence:
            known = self._links.get((slot.shard, slot.generation, slot.sequence))
            self.repeats.append(taken)
            return Judged("repeated") if known == slot.link else Judged("refused", "another link under a known number")
        if slot.sequence > sequence + 1:
            return Judged("gap", f"slot {slot.sequence} behind {sequence}")
        digest = bytes.fromhex(slot.digest)
        follows = next_link(link, recipient=self.unit, sequence=slot.sequence, position=slot.position, digest=digest)
        if follows.hex() != slot.link:
            return Judged("refused", "the link does not follow")
        self._tips[slot.shard] = (slot.generation, slot.sequence, follows)
        self._links[slot.shard, slot.generation, slot.sequence] = slot.link
        self.slots.append(taken)
        return Judged(slot.verdict)

    def _note(self, message: SignedBytes) -> None:
        try:
            facts = parse(message.payload).facts
        except ContractsError:
            return  # of a newer version
        if isinstance(facts, ObligationOpened) and facts not in self.duties:
            self.duties.append(facts)

    def _tip(self, slot: Delivery) -> tuple[int, int, bytes]:
        tip = self._tips.get(slot.shard)
        if tip is None or slot.generation > tip[0]:
            start = first_link(
                programme=self.programme, recipient=self.unit, shard=slot.shard, generation=slot.generation
            )
            return slot.generation, 0, start
        return tip


def _verified(record: FeedRecord, directory: Directory) -> None:
    """Raises where it is not the hub's."""
    signed = record.signed
    known = directory.key(signed.key_id)
    if known is None or parse_key_id(signed.key_id).unit != HUB or known[0].revoked is not None:
        raise feed_record.FeedRecordError("signed by no key of the hub", advice="Ask for the feed again.")
    verify(signed, known[1], record.payload_type)


def _author_holds(message: SignedBytes, directory: Directory) -> MessageId:
    """The id of a message whose author's signature holds. Raises otherwise."""
    known = directory.key(message.key_id)
    if known is None:
        raise feed_record.FeedRecordError("a message of a key that no list names", advice="Ask for the feed again.")
    verify(message, known[1], PayloadType.CLOUDEVENT)
    return parse_attributes(message.payload)[0].id
