"""In whose name messages are made: the programme, the unit, its keys.

Invariant: the unit is the key's own, so nothing is ever signed in another unit's name.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from adapters.storage.signed_batches import InBatch
from contracts.keys import SigningKey, parse_key_id
from contracts.names import ProgrammeId, Source, UnitId, source_of
from contracts.pae import PayloadType
from contracts.signed_bytes import MAX_BATCH, SignedBytes, sign_one, sign_together


@dataclass(frozen=True, slots=True)
class Signer:
    """One unit of one programme with its message key."""

    programme: ProgrammeId
    key: SigningKey
    choice: Callable[[], SigningKey] | None = None
    """Which of several keys signs now; without it the one key there is."""

    @property
    def current(self) -> SigningKey:
        """The key that signs now."""
        return self.key if self.choice is None else self.choice()

    @property
    def unit(self) -> UnitId:
        """The unit whose key this is."""
        return parse_key_id(self.key.key_id).unit

    @property
    def source(self) -> Source:
        """The `source` of every message of this unit."""
        return source_of(self.programme, self.unit)

    def sign(self, payloads: Sequence[bytes]) -> Sequence[SignedBytes | InBatch]:
        """Sign in the order given: one alone by itself, more in batches of up to 256."""
        key = self.current
        if len(payloads) == 1:
            return [sign_one(payloads[0], key, PayloadType.CLOUDEVENT)]
        signed: list[InBatch] = []
        for start in range(0, len(payloads), MAX_BATCH):
            part = payloads[start : start + MAX_BATCH]
            batch = sign_together(part, key)
            signed += [InBatch(payload, batch, place) for place, payload in enumerate(part)]
        return signed
