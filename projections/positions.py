"""How far each read model has come, in the same database and the same transactions as its rows.

Invariants: one row serves and at most one is being built per read model; a position only moves forward and only from where its mover last saw it, so
two runners never apply an item twice.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from sqlalchemy import (
    Column,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from projections.column_types import Number
from projections.errors import NotServedError, OvertakenError

METADATA: Final = MetaData()

POSITION: Final = Table(
    "projection_position",
    METADATA,
    Column("name", String(60), primary_key=True),
    Column("role", String(10), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("build", Integer, nullable=False),
    Column("position", Number, nullable=False),
    Column("tables", Text, nullable=False),
    Column("raw_types", Text, nullable=False),
)


_MOVE_ON: Final = (
    update(POSITION)
    .where(POSITION.c.name == bindparam("of"), POSITION.c.role == bindparam("as"))
    .where(POSITION.c.build == bindparam("nr"), POSITION.c.position == bindparam("seen"))
    .values(position=bindparam("to"), raw_types=bindparam("raw"))
)
"""Made once: each read model asks it with every few items."""


class PlaceRole(StrEnum):
    """What a build is for."""

    SERVING = "serving"
    BUILDING = "building"


@dataclass(frozen=True, slots=True)
class Place:
    """Where one build of one read model stands."""

    name: str
    role: PlaceRole
    version: int
    build: int
    position: int
    tables: tuple[str, ...]
    raw_types: frozenset[str] = frozenset()
    """Message types that were unknown when they were met and are shown raw."""


def ensure(connection: Connection) -> None:
    """Make the table of positions where there is none."""
    METADATA.create_all(connection)


def places(connection: Connection) -> dict[tuple[str, PlaceRole], Place]:
    """All places, by name and role."""
    found = connection.execute(select(POSITION))
    return {
        (row.name, PlaceRole(row.role)): Place(
            name=row.name,
            role=PlaceRole(row.role),
            version=row.version,
            build=row.build,
            position=row.position,
            tables=tuple(row.tables.split()),
            raw_types=frozenset(row.raw_types.split()),
        )
        for row in found
    }


def begin(connection: Connection, place: Place) -> None:
    """A new build starts."""
    connection.execute(
        insert(POSITION).values(
            name=place.name,
            role=place.role.value,
            version=place.version,
            build=place.build,
            position=place.position,
            tables=" ".join(place.tables),
            raw_types=" ".join(sorted(place.raw_types)),
        )
    )


def advance(connection: Connection, place: Place, to: int, *, raw_types: frozenset[str]) -> Place:
    """Move on from where `place` was seen; locks its row. Raises `OvertakenError` where somebody else has moved it."""
    raw = place.raw_types | raw_types
    seen = {"of": place.name, "as": place.role.value, "nr": place.build, "seen": place.position}
    moved = connection.execute(_MOVE_ON, {**seen, "to": to, "raw": " ".join(sorted(raw))})
    if moved.rowcount != 1:
        raise OvertakenError(name=place.name, position=place.position)
    return replace(place, position=to, raw_types=raw)


def end(connection: Connection, place: Place) -> bool:
    """Forget a build that has not moved since it was seen; False where it has."""
    gone = connection.execute(
        delete(POSITION)
        .where(POSITION.c.name == place.name, POSITION.c.role == place.role.value)
        .where(POSITION.c.build == place.build, POSITION.c.position == place.position)
    )
    return gone.rowcount == 1


def promote(connection: Connection, building: Place) -> None:
    """The build serves from now on. Raises `OvertakenError`."""
    promoted = connection.execute(
        update(POSITION)
        .where(POSITION.c.name == building.name, POSITION.c.role == PlaceRole.BUILDING.value)
        .where(POSITION.c.build == building.build, POSITION.c.position == building.position)
        .values(role=PlaceRole.SERVING.value)
    )
    if promoted.rowcount != 1:
        raise OvertakenError(name=building.name, position=building.position)


def require_served(connection: Connection, name: str, *, version: int, readable_from: int) -> None:
    """Check that queries of this version can read what serves. Raises `NotServedError`."""
    serving = connection.execute(
        select(POSITION.c.version).where(POSITION.c.name == name, POSITION.c.role == PlaceRole.SERVING.value)
    ).scalar_one_or_none()
    if serving is None or not readable_from <= serving <= version:
        raise NotServedError(name=name, version=version, serving=serving)
