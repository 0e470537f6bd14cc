"""What rang about a shard's ledger: units that signed for another history than its files hold. Files beside the ledger's, never among what is served.

Invariants: an alarm is written once and never changed, and so is who acknowledged it, so the process that raises alarms and the command that
acknowledges them never overwrite each other; an alarm counts until it was acknowledged, over restarts too. Of one unit one is open at a time, and
what was acknowledged does not ring again when it is read again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from contracts.ledger.announcement import Sighting
from contracts.names import UnitId
from hub.application.ports import HubError
from hub.infrastructure.tile_files import TileFiles

FOLDER: Final = "ledger-alarms"
"""In the hub's home."""
_RAISED: Final = "raised.json"
_ACKNOWLEDGED: Final = "acknowledged.json"


class LedgerAlarmError(HubError):
    """There is no such alarm, or it does not read."""


class Acknowledged(BaseModel):
    """Who looked into it, and what came of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    by: str
    why: str
    at: AwareDatetime


class Raised(BaseModel):
    """What a unit said: a checkpoint that this ledger does not bear out, under the unit's own cosignature."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    sighting: Sighting
    at: AwareDatetime


@dataclass(frozen=True, slots=True)
class LedgerAlarm:
    """One alarm of a shard."""

    shard: int
    number: int
    raised: Raised
    acknowledged: Acknowledged | None

    @property
    def unit(self) -> UnitId:
        """Who saw another history."""
        return UnitId(self.raised.sighting.unit)


@dataclass(frozen=True, slots=True)
class LedgerAlarms:
    """The alarms of one shard. `home`: the hub's. Methods raise `LedgerAlarmError` for files that do not read, `TileFileError` for a full disk."""

    home: Path
    shard: int

    def all(self) -> Sequence[LedgerAlarm]:
        """Every alarm there was, the oldest first."""
        folder = self._files.folder
        numbers = sorted(int(one.name) for one in folder.iterdir() if one.name.isdigit()) if folder.is_dir() else []
        return [found for number in numbers if (found := self._read(number)) is not None]

    def open(self) -> Sequence[LedgerAlarm]:
        """Those that nobody has acknowledged."""
        return [one for one in self.all() if one.acknowledged is None]

    def ring(self, sighting: Sighting, *, at: datetime) -> bool:
        """Raise an alarm; False where one of the same unit is open, or this very sighting rang before."""
        known = self.all()
        of_unit = [one for one in known if one.unit == sighting.unit]
        if any(one.acknowledged is None or _same(one.raised.sighting, sighting) for one in of_unit):
            return False
        number = 1 + max((one.number for one in known), default=0)
        self._write(number, _RAISED, Raised(sighting=sighting, at=at))
        return True

    def acknowledge(self, number: int, *, by: str, why: str, at: datetime) -> LedgerAlarm:
        """Put on record who looked into an alarm. Raises `LedgerAlarmError` where it is not open."""
        if all(one.number != number for one in self.open()):
            raise LedgerAlarmError(
                f"No alarm {number} of shard {self.shard} is open.", advice="See `spojka-hub ledger alarms`."
            )
        self._write(number, _ACKNOWLEDGED, Acknowledged(by=by, why=why, at=at))
        return next(one for one in self.all() if one.number == number)

    @property
    def _files(self) -> TileFiles:
        return TileFiles(self.home / FOLDER / str(self.shard))

    def _write(self, number: int, name: str, content: BaseModel) -> None:
        self._files.write(f"{number}/{name}", content.model_dump_json(indent=1, exclude_none=True).encode() + b"\n")

    def _read(self, number: int) -> LedgerAlarm | None:
        raised, acknowledged = (self._files.read(f"{number}/{name}") for name in (_RAISED, _ACKNOWLEDGED))
        if raised is None:
            return None  # a crash before anything of it was written
        try:
            looked = None if acknowledged is None else Acknowledged.model_validate_json(acknowledged)
            return LedgerAlarm(self.shard, number, Raised.model_validate_json(raised), looked)
        except ValidationError as error:
            raise LedgerAlarmError(
                f"{self._files.folder / str(number)} does not read.", advice="Restore it from a copy: it is evidence."
            ) from error


def _same(one: Sighting, other: Sighting) -> bool:
    return (one.size, one.root) == (other.size, other.root)
