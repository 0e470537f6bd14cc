"""Who may sign a ledger and who witnesses it, by the trust list: the note keys of the hub and of the units.

Invariants: a revoked key speaks for nothing here; a unit's witness key counts while the unit is admitted. Names follow from programme and unit alone.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from contracts.keys import KeyUse, SigningKey, parse_key_id
from contracts.ledger.checkpoint import origin_of
from contracts.ledger.signed_note import Note, NoteKey, NoteSignature, NoteSigner, SignatureType
from contracts.names import ProgrammeId, UnitId
from contracts.trust_list import Directory

MOST_NEEDED: Final = 64
"""Of the 100 signatures that a note has room for; the rest is for the log, for those who come late and for outside witnesses."""


def witness_name(programme: ProgrammeId, unit: UnitId) -> str:
    """How a unit is called where it cosigns."""
    return f"spojka/{programme}/witness/{unit}"


def witness_signer(programme: ProgrammeId, unit: UnitId, key: SigningKey) -> NoteSigner:
    """A unit as it cosigns."""
    return NoteSigner(witness_name(programme, unit), key.seed, SignatureType.COSIGNATURE)


def log_keys(directory: Directory, shard: int) -> list[NoteKey]:
    """The keys that speak for the ledger of a shard; expired ones speak for what they signed before."""
    origin = origin_of(directory.listed.programme, shard)
    return [
        NoteKey(origin, SignatureType.ED25519, entry.verifying_key().public_bytes)
        for entry in directory.listed.hub_keys
        if parse_key_id(entry.key_id).use is KeyUse.CHECKPOINTS and entry.revoked is None
    ]


def witness_keys(directory: Directory, at: datetime) -> Mapping[UnitId, tuple[NoteKey, ...]]:
    """The witness keys of every admitted unit that has one."""
    found = {
        unit.unit: tuple(
            NoteKey(
                witness_name(directory.listed.programme, unit.unit),
                SignatureType.COSIGNATURE,
                entry.verifying_key().public_bytes,
            )
            for entry in unit.keys
            if parse_key_id(entry.key_id).use is KeyUse.WITNESS and entry.valid(at)
        )
        for unit in directory.listed.units
        if directory.party(unit.unit, at).admitted
    }
    return {unit: keys for unit, keys in found.items() if keys}


def witnessed_by(note: Note, witnesses: Mapping[UnitId, Collection[NoteKey]]) -> frozenset[UnitId]:
    """The units whose cosignature on a note holds; what does not hold, or is nobody's here, does not count."""
    return frozenset(unit for unit, keys in witnesses.items() if any(_held(note, key) for key in keys))


def holding(signature: NoteSignature, text: str, keys: Collection[NoteKey]) -> bool:
    """Whether a cosignature is one of these keys', over this text."""
    return any(
        (signature.name, signature.key_hash) == (key.name, key.key_hash) and key.holds(text, signature.signature)
        for key in keys
    )


def enough_of(witnesses: int) -> int:
    """How many of so many must have witnessed: more than half, and no more than a note has room for."""
    return min(witnesses // 2 + 1, MOST_NEEDED)


def is_enough(seen: Collection[UnitId], witnesses: Collection[UnitId]) -> bool:
    """Whether those who have seen it are enough of those who can witness."""
    return bool(witnesses) and len(set(seen) & set(witnesses)) >= enough_of(len(witnesses))


def _held(note: Note, key: NoteKey) -> bool:
    return any(holding(one, note.text, [key]) for one in note.signatures)
