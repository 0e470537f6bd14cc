"""How far each follower of the journal has come, and what stops it.

Invariants: a position only moves forward and only from where its mover last saw it, in the transaction that keeps what the follower did; it is not
the read models' position, so a rebuild of those runs no follower again; what stops a follower is told in words without content.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Column, Connection, Integer, Row, String, Table, Text, insert, select, update

from adapters.errors import AdapterError
from adapters.storage.column_types import Instant, Number
from adapters.storage.tables import METADATA

FOLLOWER: Final = Table(
    "follower",
    METADATA,
    Column("name", String(120), primary_key=True),
    Column("position", Number, nullable=False),
    Column("begun_at", Instant, nullable=False),
    Column("moved_at", Instant),
    Column("failures", Integer, nullable=False),
    Column("problem", Text),
    Column("failed_at", Instant),
    Column("ended_at", Instant),
)


class OvertakenError(AdapterError):
    """Another process moved this follower meanwhile."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Follower {name} was moved by another process", advice="Read its position again.")
        self.name = name


@dataclass(frozen=True, slots=True)
class FollowerPlace:
    """One follower at one moment. `position` is the revision of the journal that it took last."""

    name: str
    position: int
    begun_at: datetime
    moved_at: datetime | None
    failures: int
    """How often it failed since it last moved."""
    problem: str | None
    """What the last failure was; None while all is well."""
    failed_at: datetime | None
    ended_at: datetime | None
    """Since when nobody runs it; None while it is at work."""


class Followers:
    """The followers over one open connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def begin(self, name: str, position: int, *, at: datetime) -> FollowerPlace:
        """Where a follower stands; one that is new begins behind `position`, one that was ended goes on where it was."""
        found = self.find(name)
        if found is None:
            row = {"name": name, "position": position, "begun_at": at, "failures": 0}
            self._connection.execute(insert(FOLLOWER).values(row))
        elif found.ended_at is not None:
            self._connection.execute(update(FOLLOWER).where(FOLLOWER.c.name == name).values(ended_at=None))
        return self._existing(name)

    def advance(self, seen: FollowerPlace, to: int, *, at: datetime) -> None:
        """Move on from where it was seen, which ends a failure too. Raises `OvertakenError`."""
        row = update(FOLLOWER).where(FOLLOWER.c.name == seen.name, FOLLOWER.c.position == seen.position)
        moved = self._connection.execute(row.values(position=to, moved_at=at, failures=0, problem=None, failed_at=None))
        if moved.rowcount != 1:
            raise OvertakenError(seen.name)

    def failed(self, name: str, problem: str, *, at: datetime) -> None:
        """It could not take what comes next."""
        row = update(FOLLOWER).where(FOLLOWER.c.name == name)
        self._connection.execute(row.values(failures=FOLLOWER.c.failures + 1, problem=problem, failed_at=at))

    def end_all_but(self, names: Collection[str], *, at: datetime) -> None:
        """Those that are not configured any more keep their position and are no longer waited for."""
        rows = update(FOLLOWER).where(FOLLOWER.c.name.not_in(names), FOLLOWER.c.ended_at.is_(None))
        self._connection.execute(rows.values(ended_at=at))

    def find(self, name: str) -> FollowerPlace | None:
        """One follower."""
        row = self._connection.execute(select(FOLLOWER).where(FOLLOWER.c.name == name)).one_or_none()
        return None if row is None else _place(row)

    def at_work(self) -> Sequence[FollowerPlace]:
        """All that somebody runs, by name."""
        rows = select(FOLLOWER).where(FOLLOWER.c.ended_at.is_(None)).order_by(FOLLOWER.c.name)
        return [_place(row) for row in self._connection.execute(rows)]

    def _existing(self, name: str) -> FollowerPlace:
        return _place(self._connection.execute(select(FOLLOWER).where(FOLLOWER.c.name == name)).one())


def _place(row: Row[Any]) -> FollowerPlace:
    return FollowerPlace(**row._mapping)  # noqa: SLF001 - the documented way to a row's names, in spite of its underscore
