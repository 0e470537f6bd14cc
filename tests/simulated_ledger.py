"""A ledger that a hub announces as it pleases: a peer for witnesses under test. It can fork, go back, and leave things out."""

from __future__ import annotations

from dataclasses import dataclass, field

from contracts.keys import KeyUse, SigningKey
from contracts.ledger.announcement import Announcement, Sighting
from contracts.ledger.checkpoint import Checkpoint, origin_of
from contracts.ledger.frontier import Frontier
from contracts.ledger.listed_keys import witness_signer
from contracts.ledger.signed_note import Note, NoteSigner, sign
from contracts.ledger.stretch import Stretch
from contracts.merkle import leaf_hash, root
from contracts.names import HUB, UnitId
from contracts.trust_list import UnitEntry
from tests.simulated_hub import PROGRAMME, SimulatedHub

AT = 1_770_000_000


def leaves_of(size: int, *, history: str = "true") -> tuple[bytes, ...]:
    """The leaves of one history."""
    return tuple(leaf_hash(f"{history} {number}".encode()) for number in range(size))


@dataclass
class SimulatedLedger:
    """The ledger of shard 0, with a witness key for every unit."""

    hub: SimulatedHub
    leaves: tuple[bytes, ...] = ()
    key: SigningKey = field(default_factory=lambda: SigningKey(b"\x20" * 32, unit=HUB, use=KeyUse.CHECKPOINTS))

    def __post_init__(self) -> None:
        self.signer = NoteSigner(origin_of(PROGRAMME, 0), self.key.seed)
        self.witness_keys = {
            unit: SigningKey(bytes([0x30 + number]) * 32, unit=unit, use=KeyUse.WITNESS)
            for number, unit in enumerate(self.hub.units)
        }

    def witness(self, unit: UnitId) -> NoteSigner:
        """A unit as it cosigns."""
        return witness_signer(PROGRAMME, unit, self.witness_keys[unit])

    def list_with_keys(self) -> bytes:
        """The next trust list, with the ledger's key and the witnesses'."""
        listed = self.hub.listed()
        units = tuple(
            UnitEntry.model_validate(
                one.model_dump() | {"keys": (*one.keys, self.hub.entry(self.witness_keys[one.unit]))}
            )
            for one in listed.units
        )
        return self.hub.publish_list(hub_keys=(*listed.hub_keys, self.hub.entry(self.key)), units=units)

    def grow(self, size: int, *, history: str = "true") -> None:
        """More leaves; of another history where the test wants one."""
        self.leaves = (*self.leaves, *leaves_of(size, history=history)[len(self.leaves) :])

    def checkpoint(self, size: int | None = None) -> Checkpoint:
        """The checkpoint of a size, else of all."""
        end = len(self.leaves) if size is None else size
        return Checkpoint(self.signer.name, end, root(self.leaves[:end]))

    def note(self, size: int | None = None, *, by: tuple[str, ...] = ()) -> Note:
        """That, signed by the hub and cosigned by these units."""
        text = self.checkpoint(size).text
        return sign(text, [self.signer]).with_signatures(self.witness(UnitId(one)).sign(text, at=AT) for one in by)

    def announce(self, first: int, size: int | None = None, *, by: tuple[str, ...] = ()) -> bytes:
        """How it grew from a size on."""
        end = len(self.leaves) if size is None else size
        stretch = Stretch(Frontier().extended(self.leaves[:first]), self.leaves[first:end])
        return Announcement.of(stretch, self.note(end, by=by)).document

    def sighting(self, unit: UnitId, *, size: int | None = None, behind: bool = False) -> Sighting:
        """What a unit that has seen a checkpoint says of it."""
        seen = self.checkpoint(size)
        line = self.witness(unit).sign(seen.text, at=AT).line.removesuffix("\n")
        return Sighting.about(seen, unit=unit, cosignature=line, behind=behind)
