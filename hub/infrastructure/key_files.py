"""The hub's signing keys in files of their own, one a use.

Invariants: files are readable by their owner alone, anything wider is refused at start; no key is ever shown or logged.
"""

import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from contracts.keys import KeyUse, SigningKey
from contracts.names import HUB
from hub.application.ports import HubError


class KeyFileError(HubError):
    """A key file is missing, damaged or open to others."""


@dataclass(frozen=True, slots=True)
class KeyFiles:
    """`<folder>/<use>.key`, each a JSON object with key id and seed."""

    folder: Path

    def create(self, use: KeyUse) -> SigningKey:
        """Make a key. Raises `KeyFileError` where there is one already."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = SigningKey.generate(HUB, use)
        path = self._path(use)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError as error:
            raise KeyFileError(f"There is a key in {path}.", advice="Rotate it instead of making another.") from error
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            json.dump({"key_id": key.key_id, "seed": key.seed.hex()}, file)
        return key

    def load(self, use: KeyUse) -> SigningKey:
        """Read a key. Raises `KeyFileError`."""
        path = self._path(use)
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
            document = json.loads(path.read_text(encoding="ascii"))
            key = SigningKey(bytes.fromhex(document["seed"]), unit=HUB, use=use)
        except (OSError, ValueError, KeyError) as error:
            raise KeyFileError(
                f"No usable key in {path}.", advice="Run `spojka-hub init`, or restore the backup of the keys."
            ) from error
        if mode & 0o077:
            raise KeyFileError(f"{path} can be read by others ({mode:o}).", advice=f"Run `chmod 600 {path}`.")
        return key

    def _path(self, use: KeyUse) -> Path:
        return self.folder / f"{use}.key"
