"""Following the checkpoints of a running ledger: each must extend the one before, or somebody rewrote history.

Invariants: where the policy asks for witnesses, the newest checkpoint that they signed is followed, which the ledger keeps beside its own newest;
nothing is taken over that was not checked; what was seen last is kept in a file, so that a fork is found after a restart too; the two
checkpoints that contradict each other are kept as evidence, since nobody but the ledger's key can have signed them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from contracts.ledger import signed_note, witnessing
from contracts.ledger.checkpoint import Checkpoint
from contracts.ledger.policy import NONE, Policy
from contracts.ledger.signed_note import Note, NoteError
from contracts.ledger.tiles import WIDTH, Tile, TiledTree
from contracts.ledger.witnessing import WitnessError
from contracts.merkle import ProofError
from hub.application.announcing import WITNESSED
from hub.application.ports import HubError
from projections.certificate_fault import refused_elsewhere

_PATIENCE: Final = 20.0
_MOST: Final = 1 << 20
EVIDENCE: Final = ".contradicted-by"
"""Behind the name of the kept checkpoint: the one that contradicts it."""


class AlarmKind(StrEnum):
    """What is wrong."""

    NOT_ACCEPTED = "not-accepted"
    """The checkpoint is not signed, or not witnessed, as the policy asks."""
    REWOUND = "rewound"
    """The ledger is smaller than it was: it went back to a backup, or shows an old state."""
    FORKED = "forked"
    """The ledger does not extend what was seen before: history was rewritten, or another one is shown here."""
    BROKEN = "broken"
    """The tiles do not have the root that was signed."""


class WatchAlarmError(HubError):
    """A ledger that contradicts itself."""

    def __init__(self, kind: AlarmKind, problem: str) -> None:
        super().__init__(
            f"{kind}: {problem}", advice="Keep the two checkpoints and tell whoever supervises the operator."
        )
        self.kind = kind


class UnreachableError(HubError):
    """The ledger cannot be read now."""


Fetch = Callable[[str], bytes | None]
"""A file of a ledger by its path; None where there is none. Raises `UnreachableError`."""


def fetch_from(source: str) -> Fetch:
    """From a folder, or from a web address."""
    if source.startswith(("https://", "http://")):
        return lambda path: _download(f"{source.rstrip('/')}/{path}")
    return lambda path: _file(Path(source) / path)


def _file(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UnreachableError(f"{path} does not read: {error.strerror}.", advice="Check the folder.") from error


def _download(address: str) -> bytes | None:
    try:
        with urlopen(address, timeout=_PATIENCE) as answer:  # noqa: S310 - http and https only, by `fetch_from`
            return bytes(answer.read(_MOST))
    except HTTPError as error:
        if error.code == 404:  # noqa: PLR2004 - there is none
            return None
        raise UnreachableError(f"{address} answers {error.code}.", advice="Check the address.") from error
    except (URLError, OSError) as error:
        refused = refused_elsewhere(error, whose=address)
        if refused is not None:
            raise UnreachableError(refused, advice="Nothing was read.") from error
        raise UnreachableError(f"{address} does not answer.", advice="Check the line and the address.") from error


@dataclass(frozen=True, slots=True)
class Watch:
    """One ledger that is followed. `kept` is the file with the checkpoint that was seen last."""

    fetch: Fetch
    policy: Policy
    kept: Path

    def look(self) -> Checkpoint:
        """The newest checkpoint, once it is certain that it extends the last one. Raises `WatchAlarmError`, `UnreachableError`."""
        raw = self._newest()
        if raw is None:
            raise UnreachableError(
                "There is no checkpoint there.", advice="Check the address: it is of one shard's ledger."
            )
        last = self._last()
        try:
            found = self._found(raw, last)
        except WatchAlarmError:
            self.kept.with_name(f"{self.kept.name}{EVIDENCE}").write_bytes(raw)
            raise
        if last is None or found != last:
            fresh = self.kept.with_name(f"{self.kept.name}.new")
            fresh.write_bytes(raw)
            fresh.replace(self.kept)
        return found

    def _newest(self) -> bytes | None:
        """The ledger goes on from its own newest before anybody has signed it."""
        witnessed = None if self.policy.quorum == NONE else self.fetch(WITNESSED)
        return self.fetch("checkpoint") if witnessed is None else witnessed

    def _last(self) -> Checkpoint | None:
        if not self.kept.exists():
            return None
        try:
            return self._accepted(signed_note.parse(self.kept.read_text(encoding="utf-8")), None)
        except (NoteError, UnicodeDecodeError) as error:
            raise UnreachableError(
                f"{self.kept} is no checkpoint that the policy accepts.", advice="Name the file that this command made."
            ) from error

    def _accepted(self, note: Note, origin: str | None) -> Checkpoint:
        return self.policy.accept(note, origin=origin)

    def _found(self, raw: bytes, last: Checkpoint | None) -> Checkpoint:
        try:
            found = self._accepted(signed_note.parse(raw.decode()), None if last is None else last.origin)
        except NoteError as error:
            raise WatchAlarmError(AlarmKind.NOT_ACCEPTED, error.problem) from error
        except UnicodeDecodeError as error:
            raise WatchAlarmError(AlarmKind.NOT_ACCEPTED, "it is no text") from error
        if last is not None:
            self._extends(last, found)
        if last is None or found.size > last.size:
            self._has_its_root(found)
        return found

    def _extends(self, last: Checkpoint, found: Checkpoint) -> None:
        if found.size < last.size:
            raise WatchAlarmError(AlarmKind.REWOUND, f"{found.size} entries, {last.size} were seen before")
        if found.size == last.size:
            if found.root != last.root:
                raise WatchAlarmError(AlarmKind.FORKED, f"two roots for the same {found.size} entries")
            return
        try:
            proof = TiledTree(found.size, self._tile).consistency(last.size) if last.size else ()
            witnessing.check_extends(proof, old_size=last.size, old_root=last.root, new=found)
        except (WitnessError, ProofError) as error:
            problem = f"{found.size} entries do not extend the {last.size} that were seen before"
            raise WatchAlarmError(AlarmKind.FORKED, problem) from error

    def _has_its_root(self, found: Checkpoint) -> None:
        try:
            holds = TiledTree(found.size, self._tile).root == found.root
        except ProofError as error:
            raise WatchAlarmError(AlarmKind.BROKEN, error.problem) from error
        if not holds:
            raise WatchAlarmError(AlarmKind.BROKEN, f"the tiles of {found.size} entries have another root")

    def _tile(self, tile: Tile) -> bytes:
        """A partial tile may be gone once it became full: the full one begins with the same hashes."""
        raw = self.fetch(tile.path)
        if raw is None and tile.width < WIDTH:
            raw = self.fetch(Tile(tile.level, tile.number).path)
        if raw is None:
            raise ProofError(f"{tile.path} is missing")
        return raw
