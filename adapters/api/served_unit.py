"""One unit as the API serves it: its house, and its read models kept open.

Invariant: what is read is as new as the last thing that was written before the request, by whatever process.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from threading import Lock

from adapters.process.overviews import Overviews
from adapters.process.unit_house import UnitHouse
from contracts.names import UnitId
from projections.referral_fold import Referral
from projections.worklist import incoming, outgoing

_A_DAY = timedelta(days=1)


@dataclass(slots=True)
class ServedUnit:
    """Safe to use from several threads. Close it at the end; the house belongs to whoever opened it."""

    house: UnitHouse
    lock: Lock = field(default_factory=Lock)
    _overviews: Overviews | None = None

    @property
    def unit(self) -> UnitId:
        """Its name."""
        return self.house.unit

    def overviews(self) -> Overviews:
        """The read models, up to date."""
        with self.lock:
            if self._overviews is None:
                self._overviews = Overviews.open(self.house.folder, self.house.store, self.house.databases.overviews)
            self._overviews.bring_up_to_date()
            return self._overviews

    def referral(self, referral_id: str) -> Referral | None:
        """A referral to or from this unit."""
        with self.overviews().look() as connection:
            every = (*incoming(connection, self.unit), *outgoing(connection, self.unit))
        return next((one for one in every if one.referral_id == referral_id), None)

    def end_of(self, day: date) -> datetime:
        """The end of a civil day in the programme's time zone."""
        return datetime.combine(day + _A_DAY, time(), tzinfo=self.house.directory.zone)

    def today(self) -> str:
        """The civil day there now."""
        return self.house.clock.now().astimezone(self.house.directory.zone or UTC).date().isoformat()

    def close(self) -> None:
        """Close the read models."""
        with self.lock:
            if self._overviews is not None:
                self._overviews.close()
                self._overviews = None


FindUnit = Callable[[str], ServedUnit | None]
