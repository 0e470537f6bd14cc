"""The one runner that builds every read model: live, and from zero beside the one that serves.

Invariants: rows and position of a chunk commit together, never one transaction an item; a crash between chunks repeats nothing and loses nothing; a
rebuild writes to tables of its own and takes over in one transaction, once it has come at least as far as the one that serves; a new version of a
read model, or of the catalogue where types were kept raw, starts a rebuild by itself. What has read further than its source reaches
(a power cut, or a backup, took the source's last items) begins anew, since other items may come under the same numbers.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic, TypeVar

from sqlalchemy import Connection, Engine

from projections import positions
from projections.build import Build, build_of, drop
from projections.collector import collector_paused
from projections.database import writing
from projections.errors import StoppedError
from projections.parsed import known
from projections.positions import Place, PlaceRole
from projections.projection import Numbered, Projection
from projections.source import BEGINNING, Recorded, Source

CHUNK: Final = 2000
"""Items per transaction. With half as many a rebuild takes a tenth more: what is indexed by client is written, and folded, twice as often."""

_RawT = TypeVar("_RawT", bound=Recorded)
_ItemT = TypeVar("_ItemT", bound=Numbered)


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a read model is behind its source."""

    items: int
    """Numbers not yet applied; where the source has gaps, fewer items."""
    seconds: float
    """Age of the oldest item not yet applied, 0 when there is none."""
    version: int
    """The version that serves."""
    rebuilding: int | None
    """Numbers that a rebuild has still to read before it can take over; None when there is none."""


class Runner(Generic[_RawT, _ItemT]):
    """Builds read models from one source into one database. `engine` comes from `projections.database.open_database`.

    `served` is called in each transaction in which another build begins to serve: the place for views that read the read models.
    """

    def __init__(  # noqa: PLR0913 - one argument a collaborator
        self,
        engine: Engine,
        source: Source[_RawT],
        *,
        parse: Callable[[_RawT], _ItemT],
        projections: Sequence[Projection[_ItemT]],
        chunk: int = CHUNK,
        served: Callable[[Connection], None] | None = None,
    ) -> None:
        self._engine = engine
        self._source = source
        self._parse = parse
        self._projections = {one.name: one for one in sorted(projections, key=lambda one: one.name)}
        self._chunk = chunk
        self._served = served

    def prepare(self) -> None:
        """Make what is missing: tables at first, a rebuild where a version was raised, all anew where the source forgot.

        Call once before the first `step`.
        """
        with writing(self._engine) as connection:
            positions.ensure(connection)
            self._forget_beyond(connection, self._source.end())  # asked while nobody else can advance
            places = positions.places(connection)
            for name, projection in self._projections.items():
                serving = places.get((name, PlaceRole.SERVING))
                building = places.get((name, PlaceRole.BUILDING))
                if serving is None:
                    self._start(connection, projection, PlaceRole.SERVING, number=1)
                elif building is not None and building.version != projection.version:
                    self._restart(connection, projection, building)
                elif building is None and (serving.version != projection.version or any(map(known, serving.raw_types))):
                    self._start(connection, projection, PlaceRole.BUILDING, number=serving.build + 1)

    def rebuild(self, name: str) -> None:
        """Start a build from zero beside the one that serves; `step` carries it on. A rebuild under way starts again."""
        with writing(self._engine) as connection:
            places = positions.places(connection)
            projection = self._projections[name]
            building = places.get((name, PlaceRole.BUILDING))
            if building is not None:
                self._restart(connection, projection, building)
            else:
                number = places[name, PlaceRole.SERVING].build + 1
                self._start(connection, projection, PlaceRole.BUILDING, number=number)

    def step(self) -> int:
        """Apply the next chunk to what serves, and the next to what is being built; returns how many items were read.

        Raises `StoppedError` at an item that may not be passed, `OvertakenError` where another runner works on the same database.
        """
        with self._engine.begin() as connection:
            places = positions.places(connection)
        serving = [place for place in self._of(places, PlaceRole.SERVING) if self._current(place)]
        building = self._of(places, PlaceRole.BUILDING)
        applied = self._advance(serving) + self._advance(building)
        for place in building:
            self._swap(place.name)
        return applied

    def catch_up(self) -> None:
        """Step until nothing is left to read and no rebuild is under way."""
        while self.step():
            pass

    def lag(self, now: datetime) -> Mapping[str, Lag]:
        """How far each read model is behind, by name."""
        end = self._source.end()
        with self._engine.begin() as connection:
            places = positions.places(connection)
        lags = {}
        for name in self._projections:
            serving, building = places[name, PlaceRole.SERVING], places.get((name, PlaceRole.BUILDING))
            waiting = [item.recorded_at for item in self._source.read(serving.position, 1)]
            lags[name] = Lag(
                items=max(0, end - serving.position),
                seconds=max(0.0, (now - waiting[0]).total_seconds()) if waiting else 0.0,
                version=serving.version,
                rebuilding=None if building is None else max(0, end - building.position),
            )
        return lags

    def _of(self, places: Mapping[tuple[str, PlaceRole], Place], role: PlaceRole) -> Sequence[Place]:
        return [place for name in self._projections if (place := places.get((name, role))) is not None]

    def _current(self, place: Place) -> bool:
        """False for a build of another version: it serves as it stood, since this version's rules do not fit its tables."""
        return place.version == self._projections[place.name].version

    def _advance(self, places: Sequence[Place]) -> int:
        """One chunk for all of them, from the one that is furthest behind."""
        if not places:
            return 0
        with collector_paused():
            return self._advance_all(places)  # its items are gone before the collector goes on, and would walk them

    def _advance_all(self, places: Sequence[Place]) -> int:
        items = self._read(min(place.position for place in places))
        if not items:
            return 0
        with writing(self._engine) as connection:
            for place in places:
                self._apply(connection, place, _behind(items, place.position))
        return len(items)

    def _read(self, after: int) -> Sequence[_ItemT]:
        items: list[_ItemT] = []
        for raw in self._source.read(after, self._chunk):
            try:
                items.append(self._parse(raw))
            except StoppedError:
                if not items:
                    raise
                break
        return items

    def _apply(self, connection: Connection, place: Place, items: Sequence[_ItemT]) -> None:
        if not items:
            return
        projection = self._projections[place.name]
        raw_types = frozenset(item.unknown_type for item in items if item.unknown_type is not None)
        positions.advance(connection, place, items[-1].number, raw_types=raw_types)
        projection.apply(connection, items, build_of(projection.metadata, place.build))

    def _swap(self, name: str) -> None:
        with writing(self._engine) as connection:
            places = positions.places(connection)
            serving, building = places[name, PlaceRole.SERVING], places.get((name, PlaceRole.BUILDING))
            if building is None or building.position < serving.position:
                return
            if positions.end(connection, serving):
                positions.promote(connection, building)
                self._serve(connection, build_of(self._projections[name].metadata, building.build))
                drop(connection, serving.tables)

    def _forget_beyond(self, connection: Connection, end: int) -> None:
        """A build that serves, or is being built, and has read what is no longer there, goes with its rows."""
        places = positions.places(connection)
        for (name, role), place in places.items():
            if name in self._projections and place.position > end:
                positions.end(connection, place)
                if role is PlaceRole.SERVING:
                    number = max(one.build for (other, _), one in places.items() if other == name) + 1
                    self._start(connection, self._projections[name], role, number=number)
                drop(connection, place.tables)  # nothing is served from them by now

    def _start(self, connection: Connection, projection: Projection[_ItemT], role: PlaceRole, *, number: int) -> None:
        build = build_of(projection.metadata, number)
        build.create(connection)
        if role is PlaceRole.SERVING:
            self._serve(connection, build)
        positions.begin(
            connection,
            Place(
                name=projection.name,
                role=role,
                version=projection.version,
                build=number,
                position=BEGINNING,
                tables=build.names,
            ),
        )

    def _serve(self, connection: Connection, build: Build) -> None:
        build.serve(connection)
        if self._served is not None:
            self._served(connection)

    def _restart(self, connection: Connection, projection: Projection[_ItemT], building: Place) -> None:
        drop(connection, building.tables)
        positions.end(connection, building)
        self._start(connection, projection, PlaceRole.BUILDING, number=building.build)


def _behind(items: Sequence[_ItemT], position: int) -> Sequence[_ItemT]:
    """The items that come after a position: mostly all of them."""
    return items if items[0].number > position else [item for item in items if item.number > position]
