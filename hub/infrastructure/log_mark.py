"""How far the log was when this process last worked on it, in a file of its home: what no backup of the database takes back.

Invariants: a file appears whole or not at all; it says nothing about anybody. It must not be part of the database's backup, nor be restored with it.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from hub.application.restoration import Reached, RestoredError
from hub.infrastructure.transport.secret_files import write_secret


@dataclass(frozen=True, slots=True)
class LogMark:
    """`hub.application.restoration.Marks` over one file."""

    path: Path

    def read(self) -> Reached | None:
        """What is remembered. Raises `RestoredError`."""
        try:
            said = json.loads(self.path.read_text(encoding="ascii"))
            return Reached(int(said["generation"]), int(said["position"]), bytes.fromhex(said["digest"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RestoredError(
                f"{self.path} does not read: whether the database was restored cannot be told.",
                advice="Run `spojka-hub restore check`; where all is well, remove the file.",
            ) from error

    def write(self, reached: Reached) -> None:
        """Remember this. Raises `RestoredError` where the home cannot be written."""
        said = {"generation": reached.generation, "position": reached.position, "digest": reached.digest.hex()}
        try:
            write_secret(self.path, json.dumps(said).encode())
        except OSError as error:
            raise RestoredError(
                f"{self.path} cannot be written: a restored database would go unnoticed.",
                advice="Make room, or the rights.",
            ) from error


def mark_of(home: Path, *, role: str, shard: int) -> LogMark:
    """The mark of one role of one shard."""
    return LogMark(home / "marks" / f"{role}-{shard}.json")
