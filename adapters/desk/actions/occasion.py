"""When something happened and who in the unit did it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from contracts.names import ActorId


@dataclass(frozen=True, slots=True)
class Occasion:
    """Absent time: now, by the desk's clock."""

    time: datetime | None = None
    actor: ActorId | None = None


NOW: Final = Occasion()
