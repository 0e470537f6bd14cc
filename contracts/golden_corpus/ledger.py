"""A ledger as one witness reads it, in order: what follows, what comes again, what cannot be; and what the witness answers."""

from hashlib import sha256
from typing import Final

from contracts.golden_corpus.actors import LABOUR, NOW, PROGRAMME, key
from contracts.keys import KeyUse
from contracts.ledger.announcement import Announcement, Sighting
from contracts.ledger.checkpoint import Checkpoint, origin_of
from contracts.ledger.entry import entry_of, leaf_of
from contracts.ledger.frontier import Frontier
from contracts.ledger.listed_keys import witness_signer
from contracts.ledger.proof_file import ProofFile
from contracts.ledger.signed_note import Note, NoteSigner, sign
from contracts.ledger.stretch import Stretch
from contracts.names import HUB

_STORED: Final = tuple(sha256(f"stored bytes of event {number}".encode()).digest() for number in range(12))
_LEAVES: Final = tuple(leaf_of(number, digest) for number, digest in enumerate(_STORED))
_OTHER: Final = (*_LEAVES[:6], *(leaf_of(number, sha256(b"another").digest()) for number in range(6, 12)))
_ENTRY: Final = 4
"""The entry whose proof is shown."""


def document() -> dict[str, object]:
    """`ledger.json`."""
    log, witness = _log(), _witness()
    return {
        "about": "hub.ledger as one witness reads it from its start. `is`: grown (cosign it), same, past, behind (answer with behind=true from "
        "where you stand), forked and rewound (ring, and answer with what you saw last), unproven (keep it apart). After an alarm the witness "
        "here goes on as if it had not read that record. Ed25519 is deterministic, so every byte can be made again.",
        "origin": log.name,
        "log": log.key.text,
        "witness": witness.key.text,
        "entries": [
            {"index": number, "digest": digest.hex(), "entry": entry_of(number, digest).hex(), "leaf": leaf.hex()}
            for number, (digest, leaf) in enumerate(zip(_STORED, _LEAVES, strict=True))
        ],
        "announcements": [
            {"why": why, "is": verdict, "value": value.decode()} for why, verdict, value in _announcements()
        ],
        "sightings": [
            {"why": why, "value": one.document.decode()}
            for why, one in (
                ("cosigns size 7, made one second after the corpus's now", _sighting(7, behind=False)),
                ("stands at 7 where the next announcement began at 9", _sighting(7, behind=True)),
            )
        ],
        "proof": {
            "why": f"entry {_ENTRY} under the cosigned checkpoint of size 7 (C2SP tlog-proof)",
            "text": ProofFile(_ENTRY, _stretch(0, 7).inclusion(_ENTRY, 7), _note(7, cosigned=True).document).text,
        },
    }


def _announcements() -> list[tuple[str, str, bytes]]:
    jump = Announcement.over(_stretch(0, 7).frontier(7), _consistency(), _note(9))
    forged = sign(_checkpoint(9).text, [NoteSigner(_log().name, key(LABOUR).seed)])
    return [
        ("the first that is read is believed", "grown", _announced(0, 3)),
        ("four more", "grown", _announced(3, 7)),
        ("the same with a cosignature", "same", Announcement.of(_stretch(7, 7), _note(7, cosigned=True)).document),
        ("an older one again", "past", _announced(0, 3)),
        ("it begins beyond what was seen", "behind", _announced(9, 12)),
        ("a proof leads over two", "grown", jump.document),
        ("it tells what is known and more", "grown", _announced(6, 11)),
        ("six events are others than before", "forked", _announced(5, 12, leaves=_OTHER)),
        ("smaller than what was seen, and never shown before", "rewound", _announced(3, 5)),
        ("not signed with the ledger's key", "unproven", Announcement.of(_stretch(7, 9), forged).document),
        ("a leaf is not the one that was signed for", "unproven", _announced(9, 12, leaves=_OTHER, signed=_LEAVES)),
        ("null stands for nothing here", "unproven", b'{"first":0,"leaves":null,"checkpoint":"x"}'),
        ("the twelfth", "grown", _announced(11, 12)),
    ]


def _announced(
    first: int, size: int, *, leaves: tuple[bytes, ...] = _LEAVES, signed: tuple[bytes, ...] | None = None
) -> bytes:
    return Announcement.of(_stretch(first, size, leaves), _note(size, leaves=signed or leaves)).document


def _stretch(first: int, size: int, leaves: tuple[bytes, ...] = _LEAVES) -> Stretch:
    return Stretch(Frontier().extended(leaves[:first]), leaves[first:size])


def _consistency() -> tuple[bytes, ...]:
    """RFC 9162 §2.1.4.1 from 7 to 9: the subtrees [6,7), [7,8), [4,6), [0,4), [8,9)."""
    four = Frontier().extended(_LEAVES[:4]).root
    pair = Frontier().extended(_LEAVES[4:6]).root
    return (_LEAVES[6], _LEAVES[7], pair, four, _LEAVES[8])


def _checkpoint(size: int, leaves: tuple[bytes, ...] = _LEAVES) -> Checkpoint:
    return Checkpoint(_log().name, size, Frontier().extended(leaves[:size]).root)


def _note(size: int, *, leaves: tuple[bytes, ...] = _LEAVES, cosigned: bool = False) -> Note:
    text = _checkpoint(size, leaves).text
    note = sign(text, [_log()])
    return note.with_signatures([_witness().sign(text, at=_second())]) if cosigned else note


def _sighting(size: int, *, behind: bool) -> Sighting:
    seen = _checkpoint(size)
    line = _witness().sign(seen.text, at=_second()).line.removesuffix("\n")
    return Sighting.about(seen, unit=LABOUR, cosignature=line, behind=behind)


def _second() -> int:
    return int(NOW.timestamp()) + 1


def _log() -> NoteSigner:
    return NoteSigner(origin_of(PROGRAMME, 0), key(HUB, KeyUse.CHECKPOINTS).seed)


def _witness() -> NoteSigner:
    return witness_signer(PROGRAMME, LABOUR, key(LABOUR, KeyUse.WITNESS))
