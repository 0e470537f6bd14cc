"""In whose name messages are made: the programme, the unit, its key.

Invariant: the unit is the key's own, so nothing is ever signed in another unit's name.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.keys import SigningKey, parse_key_id
from contracts.names import ProgrammeId, Source, UnitId, source_of
from contracts.pae import PayloadType
from contracts.signed_bytes import MAX_BATCH, SignedBytes, sign_batch, sign_one


@dataclass(frozen=True, slots=True)
class Signer:
    """One unit of one programme with its message key."""

    programme: ProgrammeId
    key: SigningKey

    @property
    def unit(self) -> UnitId:
        """The unit whose key this is."""
        return parse_key_id(self.key.key_id).unit

    @property
    def source(self) -> Source:
        """The `source` of every message of this unit."""
        return source_of(self.programme, self.unit)

    def sign(self, payloads: Sequence[bytes]) -> list[SignedBytes]:
        """Sign in the order given: one alone by itself, more in batches of up to 256."""
        if len(payloads) == 1:
            return [sign_one(payloads[0], self.key, PayloadType.CLOUDEVENT)]
        signed: list[SignedBytes] = []
        for start in range(0, len(payloads), MAX_BATCH):
            signed += sign_batch(payloads[start : start + MAX_BATCH], self.key)
        return signed
