"""What is required of whoever takes part: every requirement with its id, level, text and reference.

Invariants: an id once published keeps its meaning; whatever the kit reports names one of these; `contracts/conformance.md` is made from this table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Level(StrEnum):
    """RFC 2119."""

    MUST = "MUST"
    SHOULD = "SHOULD"


class Side(StrEnum):
    """Who is judged."""

    ADAPTER = "adapter"
    HUB = "hub"
    BYTES = "vectors"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One requirement; `reference` says where it is written."""

    id: str
    side: Side
    level: Level
    text: str
    reference: str


_MUST, _SHOULD = Level.MUST, Level.SHOULD
_ORDER: Final = "DESIGN 5, order"
_CHAIN: Final = "DESIGN 5, delivery; contracts/delivery.py"
_SEALED: Final = "contracts/sealing.md, sealing a message"
_DEPOSIT: Final = "contracts/sealing.md, depositing a key"
_OPENING: Final = "contracts/sealing.md, opening what you are given"
_WITNESS: Final = "contracts/adr/0020; C2SP tlog-cosignature"


def _adapter(name: str, text: str, reference: str, level: Level = _MUST) -> Requirement:
    return Requirement(name, Side.ADAPTER, level, text, reference)


def _hub(name: str, text: str, reference: str, level: Level = _MUST) -> Requirement:
    return Requirement(name, Side.HUB, level, text, reference)


def _bytes(name: str, text: str, reference: str) -> Requirement:
    return Requirement(name, Side.BYTES, _MUST, text, reference)


_PUBLISHING: Final = (
    _adapter("ENV-1", "The value is one strict JSON object, a CloudEvent in structured mode, with the agreed headers, each once.",
             "DESIGN 5; CloudEvents Kafka binding 3.3; RFC 8259; contracts/kafka_record.py"),
    _adapter("ENV-2", "Attributes, facts and content follow the published schema of the message's type.",
             "contracts/schemas; contracts/catalogue.md"),
    _adapter("ENV-3", "`source` names programme and unit, and the key that signed belongs to that unit.", "DESIGN 5"),
    _adapter("ENV-4", "`id` is a UUID of version 7: milliseconds of its making and random bits, never derived from content.",
             "DESIGN 5; RFC 9562 5.7"),
    _adapter("ENV-5", "`time` is at most ten minutes ahead.", "DESIGN 5; catalogue, time-ahead"),
    _adapter("SIG-1", "A single signature is Ed25519 over DSSE's pre-authentication encoding with type application/cloudevents+json.",
             "DSSE v1.0.2, protocol; RFC 8032"),
    _adapter("SIG-2", "The value on the wire is byte for byte what was signed.", "DESIGN 5"),
    _adapter("SIG-3", "In a batch each record proves its place: index, inclusion path, signature over size and root.",
             "DESIGN 5, batches; RFC 9162 2.1.3"),
    _adapter("REC-1", "The record's key is the subject, else the source.", "DESIGN 5"),
    _adapter("REC-2", "The partition is Java's murmur2 of the key, masked, modulo the count in the trust list.",
             "STANDARDS, names and limits; contracts/golden/partitions.json"),
    _adapter("SEQ-1", "Numbers run from 1 without a gap per source and key, and are first sent in that order.", _ORDER),
    _adapter("SEQ-2", "A number is given to one message only; a refusal uses it up.", _ORDER),
    _adapter("SEQ-3", "After `sequence-conflict` the message goes on under a new id with the number behind the receipt's last.",
             "DESIGN 5, order; catalogue, sequence-conflict"),
    _adapter("RES-1", "A message that is sent again has the same bytes.", "DESIGN 5, receipt"),
    _adapter("RES-2", "What a feed head has passed without a receipt is sent again.", "DESIGN 5, receipt"),
    _adapter("RES-3", "What was answered is not sent again.", "DESIGN 3, promise 1", _SHOULD),
    _adapter("RCP-1", "Only a receipt that names the message's digest answers it.", "DESIGN 5, receipt"),
    _adapter("RCP-2", "A receipt that comes late or twice changes nothing.", "DESIGN 5, receipt"),
)  # fmt: skip
_READING: Final = (
    _adapter("TRU-1", "Nothing on a feed counts but what a key signed that the trust list gives the hub.", "DESIGN 5; DESIGN 10"),
    _adapter("TRU-2", "A trust list is taken only when it follows the one before and a root key of that one signed it.", "DESIGN 10"),
    _adapter("TRU-3", "A trust list that follows is taken: whom it admits is believed.", "DESIGN 10"),
    _adapter("FEED-1", "A referral that is given to its target is received: `referral.received`, about the delivery's subject.",
             "DESIGN 8"),
    _adapter("FEED-2", "A slot that comes twice counts once.", "DESIGN 3, promise 1; DESIGN 8"),
    _adapter("FEED-3", "A missing slot, seen by a later slot or by a head, is asked for by `feed.replay-requested` from its number on.",
             "DESIGN 5, feed head"),
    _adapter("FEED-4", "Nothing behind a gap is acted upon before the gap is filled.", _CHAIN),
    _adapter("FEED-5", "A slot whose link does not follow is not taken in.", _CHAIN),
    _adapter("FEED-6", "A slot for another unit is not taken in.", _CHAIN),
    _adapter("FEED-7", "A message without its author's signature is not acted upon, and the chain goes on behind it.", "DESIGN 5"),
    _adapter("FEED-8", "A message whose digest is not the delivery's is not acted upon.", _CHAIN),
    _adapter("FEED-9", "A withheld slot keeps its place: the chain goes on behind it.", _CHAIN),
    _adapter("FEED-10", "A message of a type that is not known yet stops nothing.", "DESIGN 11"),
    _adapter("FEED-11", "A message with a duplicate member is not acted upon.", "STANDARDS, signatures; RFC 8259 4"),
    _adapter("FEED-12", "A slot that shares a tree signature is taken in when its proof holds, and only then.",
             "DESIGN 5, receipt; RFC 9162 2.1.3"),
    _adapter("FEED-13", "A higher generation begins a new chain at 1.", _CHAIN),
    _adapter("ACK-1", "`feed.acknowledged` names a slot that was given and its link.", "DESIGN 5, feed head"),
    _adapter("ACK-2", "After 500 slots the feed is acknowledged.", "DESIGN 5, feed head", _SHOULD),
    _adapter("OBL-1", "An obligation is answered with its id, how many of the named entries are concerned, and the digest over their ids.",
             "DESIGN 7; contracts/messages/obligation.py"),
)  # fmt: skip
_SEALING: Final = (
    _adapter("SEAL-1", "Where the programme is not on trial, content leaves sealed only; no text of it stands anywhere in clear.",
             "contracts/sealing.md; DESIGN 5"),
    _adapter("SEAL-2", "In a special or criminal category every code is sealed: only the routing attributes are clear.",
             "contracts/catalogue.md; DESIGN 5"),
    _adapter("SEAL-3", "The id of a content key commits to it: hex of SHA-256(`spojka/kid/v1` ‖ content key).", _SEALED),
    _adapter("SEAL-4", "The JWE is compact; its header is alg `dir`, enc `A256GCM`, `kid`, and nothing else.",
             "contracts/sealing.md; RFC 7516 7.1; RFC 7518 5.3"),
    _adapter("SEAL-5", "Content is sealed under the message key that follows from the content key, programme, source, subject, type and id, and is "
             "what was written down.", "contracts/sealing.md; RFC 5869"),
    _adapter("SEAL-6", "What is sealed is padded to a multiple of 256 bytes.", _SEALED),
    _adapter("SEAL-7", "A message is sealed under a key of its own category, or of `parties` where its type has none.", _SEALED),
    _adapter("KEY-1", "A content key is deposited before the first message under it, with the same record key; the header `spojka-key` is the one "
             "that the deposit names, whenever it is sent.", _DEPOSIT),
    _adapter("KEY-2", "A deposit is sealed to the newest valid deposit key of the trust list.", _DEPOSIT),
    _adapter("KEY-3", "A deposit opens by the suite that the trust list gives its key, for what it is for: `info`.",
             "contracts/sealing.md; RFC 9180"),
    _adapter("KEY-4", "After `key-missing` the same content key is deposited again in a new message, to the deposit key of the newer list.",
             _DEPOSIT),
    _adapter("KEY-5", "After an own message that changes a client's grounds the next one is sealed under a new key of a higher epoch.", _SEALED),
    _adapter("KEY-6", "After a message of its feed that changes a client's grounds the next one is sealed under a new key of a higher epoch.",
             _SEALED),
    _adapter("OPEN-1", "A released content key opens every entry that names it.", _OPENING),
    _adapter("OPEN-2", "A key that comes behind its entry opens it then.", _OPENING),
    _adapter("OPEN-3", "A released message key opens its message.", _OPENING),
    _adapter("OPEN-4", "A release counts only where a key of the hub's for releases signed it, for this programme and unit.", _OPENING),
    _adapter("OPEN-5", "A released content key counts only where it is the one that its id names.", _OPENING),
    _adapter("OPEN-6", "What does not open as agreed is not shown: another header, a tag that does not hold.", "contracts/sealing.md; RFC 7516 5.2"),
    _adapter("OPEN-7", "Keys and content that do not hold stop nothing: the feed goes on behind them.", _CHAIN),
    _adapter("ERASE-1", "What an obligation tells to erase is not shown any more.", "DESIGN 9; contracts/sealing.md"),
    _adapter("ERASE-2", "A key that opened nothing but what was erased is erased too.", "DESIGN 9; contracts/sealing.md"),
)  # fmt: skip
_WITNESSING: Final = (
    _adapter("WIT-1", "A ledger that follows from the one seen before is cosigned on `hub.witness`.", _WITNESS, _SHOULD),
    _adapter("WIT-2", "Nothing is cosigned that contradicts what was seen: no fork, no smaller ledger that was never shown.", _WITNESS),
)  # fmt: skip
_HUB: Final = (
    _hub("HUB-1", "Every message that speaks for its author is answered by one receipt, signed, with its id and digest.", "DESIGN 5, receipt"),
    _hub("HUB-2", "The same bytes again bring the same receipt again and no second effect.", "DESIGN 5, idempotency"),
    _hub("HUB-3", "Other bytes under a known id are refused `id-reused` and use up no number.", "DESIGN 5, idempotency and order"),
    _hub("HUB-4", "A number that was taken is refused `sequence-conflict` with the last number.", _ORDER),
    _hub("HUB-5", "Beyond a hole nothing is answered, until the missing number came and the rest was sent again.", _ORDER),
    _hub("HUB-6", "A record that speaks for nobody is never answered, and costs no other record.", "DESIGN 5; catalogue, dead letters"),
    _hub("HUB-7", "Each message is refused for its own reason, by its code.", "catalogue, refusal codes"),
    _hub("HUB-8", "A batch is accepted message by message where its proofs hold.", "DESIGN 5, batches; RFC 9162 2.1.3"),
    _hub("HUB-9", "An entry is given to whom a ground permits and to nobody else.", "DESIGN 3, promise 2; DESIGN 7"),
    _hub("HUB-10", "After a withdrawal nothing more is given under the ground.", "DESIGN 7"),
    _hub("HUB-11", "Whoever holds what no ground covers any more is given an obligation that names it.", "DESIGN 7"),
    _hub("HUB-12", "An obligation is answered once; an unknown one is refused `unknown-obligation`.", "DESIGN 6; catalogue"),
    _hub("HUB-13", "A feed is one chain per shard and generation: numbers without gaps, links that follow, signed, for its unit.", _CHAIN),
    _hub("HUB-14", "A replay gives the same slots with the same links from the number asked for on.", "DESIGN 5, delivery"),
    _hub("HUB-15", "A referral is moved by whom the table names; every other move is refused.", "DESIGN 8"),
    _hub("HUB-16", "A feed head names the last slot, its link, and how far the inbox was read.", "DESIGN 5, feed head", _SHOULD),
    _hub("HUB-17", "Where the programme is not on trial, content in clear is refused `clear-not-allowed`.", "DESIGN 5; catalogue, refusal codes"),
    _hub("HUB-18", "A deposit is accepted with a key that is sealed to a valid deposit key; without, it is refused `key-missing`.", _DEPOSIT),
    _hub("HUB-19", "Whoever is given an entry is released a key that opens it, signed by a key for releases and sealed to its encryption key.",
         _OPENING),
    _hub("HUB-20", "Nobody is released a key of what no ground opens to it.", "DESIGN 3, promise 2; DESIGN 9, release"),
    _hub("HUB-21", "After a withdrawal no key is released under the ground, by a replay neither.", "DESIGN 9, release"),
    _hub("HUB-22", "What a ground opens of the past is released by the keys of these messages, where more is sealed under their content key.",
         "DESIGN 9, release"),
    _hub("HUB-23", "Keys of what was erased are never released again; what comes later is.", "DESIGN 9, at rest; DESIGN 7"),
)  # fmt: skip
_VECTORS: Final = (
    _bytes("VEC-1", "Partitions are those of Java's murmur2.", "STANDARDS, names and limits"),
    _bytes("VEC-2", "Ed25519 over DSSE's encoding gives the published signature.", "DSSE v1.0.2; RFC 8032"),
    _bytes("VEC-3", "A batch has the published root, proofs and signature.", "RFC 9162 2.1"),
    _bytes("VEC-4", "Bytes that are not strict JSON are refused, whatever JSON library reads them.", "RFC 8259; RFC 7493"),
    _bytes("VEC-5", "Good messages are accepted.", "contracts/golden/messages.json"),
    _bytes("VEC-6", "Records that speak for nobody are refused.", "contracts/golden/dead-letters.json"),
    _bytes("VEC-7", "Feed records are read, verified and followed by their links.", "contracts/golden/feed.json"),
    _bytes("VEC-8", "Trust lists are taken in order only.", "contracts/golden/actors.json"),
    _bytes("VEC-9", "A sealed key opens by the suite, for what it was sealed and nothing else; its id is the published one.",
           "contracts/golden/sealing.json; RFC 9180"),
    _bytes("VEC-10", "Sealed content opens under its message key; another header, key, tag or form is refused.",
           "contracts/golden/messages.json; RFC 7516"),
)  # fmt: skip

_LOSING: Final = (
    _adapter(
        "LOSS-1",
        "When the broker lost everything, what has no receipt is sent again, byte for byte.",
        "DESIGN 3, promise 1; DESIGN 5, receipt",
    ),
    _adapter(
        "LOSS-2",
        "When the broker lost everything, the feed goes on: what it lost is asked for.",
        "DESIGN 3, promise 1; DESIGN 10, resume",
    ),
)
ONLY_WHEN_LOSING: Final = frozenset(one.id for one in _LOSING)
"""Asked only where the kit may have the broker lose everything (`--lose-broker`)."""

ONLY_WHEN_SEALED: Final = frozenset(one.id for one in _SEALING)
"""Asked only in a programme that is not on trial (`--sealed`)."""
ONLY_OF_WITNESSES: Final = frozenset(one.id for one in _WITNESSING)
"""Asked there too, of a unit that offers a witness key."""
ALSO_WHEN_SEALED: Final = frozenset({
    "ENV-1", "ENV-2", "ENV-3", "ENV-4", "ENV-5", "REC-1", "REC-2", "SEQ-1", "SEQ-2", "FEED-1",
})  # fmt: skip
"""Of the others, what is seen in a programme that is not on trial too."""

HUB_ONLY_WHEN_SEALED: Final = frozenset(f"HUB-{number}" for number in range(17, 24))
"""Asked of a hub only where its programme is not on trial."""
HUB_ALSO_WHEN_SEALED: Final = frozenset({"HUB-1", "HUB-13", "HUB-16"})
"""Of the others, what is seen there too."""

REQUIREMENTS: Final = (*_PUBLISHING, *_READING, *_LOSING, *_SEALING, *_WITNESSING, *_HUB, *_VECTORS)
"""All of them, in the order of the page."""

BY_ID: Final[Mapping[str, Requirement]] = {one.id: one for one in REQUIREMENTS}


def of_side(side: Side) -> tuple[Requirement, ...]:
    """The requirements of one side."""
    return tuple(one for one in REQUIREMENTS if one.side is side)
