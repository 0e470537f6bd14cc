"""A witness that somebody else runs, over the C2SP witness protocol (tlog-witness): the hub as its client.

Invariants: only cosignatures that hold by the witness's own key are taken; whatever else it answers changes nothing here. It is asked once about each
checkpoint that it cosigned.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Self

import httpx
import structlog

from contracts.errors import ContractsError
from contracts.ledger import checkpoint, signed_note
from contracts.ledger.signed_note import Note, NoteError, NoteKey, NoteSignature, SignatureType
from contracts.ledger.witnessing import AddCheckpoint, Answer
from hub.application.ports import HubError
from projections.certificate_fault import refused_elsewhere

_TIMEOUT: Final = 10.0
_MOST: Final = 64 * 1024
_log = structlog.get_logger("spojka.hub.ledger")
Prove = Callable[[int], Sequence[bytes]]
"""The consistency proof from a size to the announced checkpoint's. Raises `ProofError`."""


class OutsideWitnessError(HubError):
    """The setting names no witness."""


@dataclass(slots=True)
class OutsideWitness:
    """One witness by its address and key."""

    key: NoteKey
    address: str
    seen: int = 0
    """The size that it cosigned last, as far as this process knows."""
    _answered: str = field(default="", repr=False)

    @classmethod
    def of(cls, text: str) -> Self:
        """From `VKEY ADDRESS`. Raises `OutsideWitnessError`."""
        try:
            vkey, address = text.split()
            key = signed_note.parse_key(vkey)
        except (ValueError, NoteError) as error:
            raise OutsideWitnessError(
                f"{text!r} is no witness.", advice="Write its verifier key, a space and its address."
            ) from error
        if key.type is not SignatureType.COSIGNATURE or not address.startswith(("https://", "http://")):
            raise OutsideWitnessError(
                f"{text!r} is no witness.", advice="Its key has type 4 (cosignature), its address begins with https://."
            )
        return cls(key, address.rstrip("/"))

    def ask(self, note: Note, prove: Prove) -> list[NoteSignature]:
        """Its cosignatures on a checkpoint, none where it gave them before or gives none. Raises nothing."""
        if note.text == self._answered:
            return []
        try:
            found = self._ask(note, prove)
        except (httpx.HTTPError, ContractsError, HubError, ValueError) as error:
            refused = refused_elsewhere(error, whose=f"the witness at {self.address}")
            told = {"exc_info": error} if refused is None else {"problem": refused}
            _log.warning("ledger.witness-unavailable", name=self.key.name, **told)
            return []
        if found:
            self._answered, self.seen = note.text, checkpoint.parse(note.text).size
        return found

    def _ask(self, note: Note, prove: Prove) -> list[NoteSignature]:
        response = self._post(note, prove)
        if response.status_code == Answer.CONFLICT and response.text.strip().isdigit():
            self.seen = int(response.text.strip())
            response = self._post(note, prove)
        if response.status_code != httpx.codes.OK:
            _log.warning("ledger.witness-refused", name=self.key.name, code=response.status_code)
            return []
        signed = signed_note.parse(f"{note.text}\n{response.text[:_MOST]}")
        mine = (self.key.name, self.key.key_hash)
        return [
            one
            for one in signed.signatures
            if (one.name, one.key_hash) == mine and self.key.holds(note.text, one.signature)
        ]

    def _post(self, note: Note, prove: Prove) -> httpx.Response:
        log_only = Note(note.text, tuple(one for one in note.signatures if one.name == note.text.partition("\n")[0]))
        body = AddCheckpoint(self.seen, tuple(prove(self.seen)), log_only).body
        return httpx.post(f"{self.address}/add-checkpoint", content=body.encode(), timeout=_TIMEOUT)
