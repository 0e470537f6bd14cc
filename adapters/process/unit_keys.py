"""Which of a unit's keys signs: a new one from the trust list that has it, and no sooner. Which one opens: the one to which it was sealed.

Invariants: only a key that the newest list holds valid is chosen, the one made last first; before the unit is admitted it is the first. A key made
while the adapter runs is found when the list that brings it comes, without a restart.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from adapters import keyring
from contracts.keys import SigningKey
from contracts.ledger.listed_keys import witness_signer
from contracts.ledger.signed_note import NoteSigner
from contracts.names import KeyId, UnitId
from contracts.sealing.suites import OpeningKey
from contracts.trust_list import Directory
from projections.process.clock import Clock


def chosen(keys: Sequence[SigningKey], directory: Directory | None, at: datetime) -> SigningKey:
    """The key made last of those that the list holds valid at `at`; the first where it holds none."""
    if directory is not None:
        for key in reversed(keys):
            known = directory.key(key.key_id)
            if known is not None and known[0].valid(at):
                return key
    return keys[0]


class UnitKeys:
    """The keys of one unit as its signer asks for them. Raises `KeyringError` where they cannot be read."""

    def __init__(self, folder: Path, unit: UnitId, *, directory: Callable[[], Directory | None], clock: Clock) -> None:
        self._folder = folder
        self._unit = unit
        self._directory = directory
        self._clock = clock
        self._keys = keyring.load_all(folder, unit)
        self._opening = {key.key_id: key for key in keyring.load_encryption(folder, unit)}
        self._witness = keyring.witness(folder, unit)
        self._read_under = 0

    @property
    def first(self) -> SigningKey:
        """The key that the unit was admitted with."""
        return self._keys[0]

    def current(self) -> SigningKey:
        """The key that signs now."""
        directory = self._directory()
        self._read_again(directory)
        return chosen(self._keys, directory, self._clock.now())

    def witness(self) -> NoteSigner | None:
        """The unit as it cosigns the hub's ledger; None while the list does not hold its witness key valid."""
        directory = self._directory()
        self._read_again(directory)
        known = None if directory is None or self._witness is None else directory.key(self._witness.key_id)
        if directory is None or self._witness is None or known is None or not known[0].valid(self._clock.now()):
            return None
        return witness_signer(directory.listed.programme, self._unit, self._witness)

    def _read_again(self, directory: Directory | None) -> None:
        """A key made while the adapter runs is found when a list comes."""
        if directory is not None and directory.version != self._read_under:
            self._keys = keyring.load_all(self._folder, self._unit)
            self._witness = keyring.witness(self._folder, self._unit)
            self._read_under = directory.version

    def opening(self, key_id: KeyId) -> OpeningKey | None:
        """The encryption key of that id, one made meanwhile included; None where its file is not here."""
        if key_id not in self._opening:
            self._opening = {key.key_id: key for key in keyring.load_encryption(self._folder, self._unit)}
        return self._opening.get(key_id)
