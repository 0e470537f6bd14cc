"""What the adapter under test cosigns: the ledger as it grows, and nothing that contradicts what it was shown.

Invariant: shown at the beginning and judged at the end, since nobody can wait for what must not come.
"""

from typing import Final

from adapters.conformance.scripted_hub import ScriptedHub
from adapters.conformance.scripted_ledger import ScriptedLedger
from contracts.errors import ContractsError
from contracts.keys import VerifyingKey
from contracts.ledger.announcement import Sighting, read_sighting
from contracts.ledger.checkpoint import Checkpoint
from contracts.ledger.listed_keys import witness_name
from contracts.ledger.signed_note import NoteKey, SignatureType

_FIRST: Final = 3
_MORE: Final = 4
_NEVER_SHOWN: Final = 5


class WitnessScenes:
    """Plays them."""

    def __init__(self, hub: ScriptedHub) -> None:
        self._hub = hub
        self._key = hub.cast.witness_key

    async def show(self) -> None:
        """A ledger that grows twice; then another history of the same size, and a smaller one than was shown."""
        if self._key is None:
            return
        hub, ledger = self._hub, ScriptedLedger(self._hub.cast)
        shown = []
        for count in (_FIRST, _MORE):
            await hub.announce(ledger.grow(count))
            shown.append(ledger.head)
            came = await hub.until(lambda: ledger.head in self._cosigned(self._key, shown))
            hub.report.judge("WIT-1", holds=came, else_=f"the ledger of {ledger.head.size} entries was not cosigned")
        self._true = shown
        await hub.announce(ledger.forked(), ledger.rewound(_NEVER_SHOWN))

    def judge(self) -> None:
        """Whether anything was cosigned that contradicts what was shown."""
        if self._key is None:
            return
        others = [
            one.size
            for one in self._sightings()
            if (one.size, one.root_hash) not in {(head.size, head.root) for head in self._true}
            and one.cosignature is not None
        ]
        what = (
            f"a ledger of {', '.join(map(str, others))} entries was cosigned that does not follow from the one before"
        )
        self._hub.report.judge("WIT-2", holds=not others, else_=what)

    def _cosigned(self, key: VerifyingKey | None, shown: list[Checkpoint]) -> list[Checkpoint]:
        if key is None:
            return []
        name = witness_name(self._hub.cast.programme, self._hub.cast.unit)
        known = NoteKey(name, SignatureType.COSIGNATURE, key.public_bytes)
        said = self._sightings()
        return [head for head in shown if any(_by(known, one, head) for one in said)]

    def _sightings(self) -> list[Sighting]:
        found = []
        for record in self._hub.sightings:
            try:
                found.append(read_sighting(record.value or b""))
            except ContractsError as error:
                self._hub.report.broken("WIT-1", f"on hub.witness: {error.problem}")
        return [one for one in found if one.unit == self._hub.cast.unit]


def _by(key: NoteKey, sighting: Sighting, head: Checkpoint) -> bool:
    signature = sighting.signature(head.text)
    return signature is not None and signature.key_hash == key.key_hash and key.holds(head.text, signature.signature)
