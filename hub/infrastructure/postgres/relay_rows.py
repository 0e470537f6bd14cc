"""What a commit of the relay writes, as rows and columns.

Invariants: a slot keeps its position and link for ever, only what was signed about it and its verdict can change; a feed never goes back.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import psycopg

from contracts.messages.hub import ReportedDelivery
from contracts.names import GroundId, RecordKey, UnitId
from hub.application.ports import BackfillRow, DeliveryRow, RelayCommit, Report
from hub.infrastructure.postgres.queries import queries

Row = Mapping[str, Any]

_SQL = queries("relay")
_SLOT = ("unit", "sequence", "link", "position", "key", "ground", "digest", "withheld", "signed")


def write_slots(connection: psycopg.Connection, deliveries: Sequence[DeliveryRow], *, generation: int) -> int:
    """Write new slots and sign old ones again, all noted as not produced; returns how many rows the database took."""
    values = {**_columns(deliveries, _SLOT), "generation": generation}
    taken = connection.execute(_SQL["write_deliveries"], values).rowcount
    with connection.pipeline():
        connection.execute(_SQL["write_unproduced"], values)
        connection.execute(_SQL["advance_feeds"], values)
    return taken


def write_backfills(connection: psycopg.Connection, commit: RelayCommit) -> None:
    """Write new ranges, move known ones on, end those that are done."""
    with connection.cursor() as cursor:
        if commit.backfills:
            cursor.executemany(_SQL["write_backfill"], [_range(one) for one in commit.backfills])
        if commit.backfills_done:
            cursor.executemany(_SQL["end_backfill"], [_range(one) for one in commit.backfills_done])


def clear_unproduced(connection: psycopg.Connection, deliveries: Sequence[DeliveryRow], *, generation: int) -> None:
    """Note that the broker has these slots."""
    if deliveries:
        values = {**_columns(deliveries, ("unit", "sequence")), "generation": generation}
        connection.execute(_SQL["clear_unproduced"], values)


def write_unreported(connection: psycopg.Connection, deliveries: Sequence[DeliveryRow], *, generation: int) -> None:
    """Note what the log is to be told of."""
    if deliveries:
        values = {**_columns(deliveries, ("unit", "sequence", "position", "withheld")), "generation": generation}
        connection.execute(_SQL["write_unreported"], values)


def report_of(rows: Sequence[Sequence[Any]], *, through: int, at: datetime) -> Report:
    """The rows of the query `report`, of which there is at least one."""
    deliveries = tuple(
        ReportedDelivery(
            unit=unit, feed_sequence=sequence, position=position, verdict="withheld" if withheld else "given"
        )
        for _, _, unit, sequence, position, withheld in rows
    )
    return Report(first=rows[0][0], through=through, at=at, generation=rows[0][1], deliveries=deliveries)


def delivery_of(row: Sequence[Any]) -> DeliveryRow:
    """A row of the queries `deliveries` and `unproduced`."""
    unit, sequence, link, position, key, ground, digest, withheld, signed = row
    grounded = None if ground is None else GroundId(ground)
    return DeliveryRow(
        UnitId(unit), sequence, link, position, RecordKey(key), grounded, digest, withheld=withheld, signed=signed
    )


def backfill_of(row: Sequence[Any]) -> BackfillRow:
    """A row of the query `backfills`."""
    ordered_at, unit, ground, source, key, after, through = row
    return BackfillRow(ordered_at, UnitId(unit), GroundId(ground), UnitId(source), RecordKey(key), after, through)


def _columns(rows: Sequence[object], names: Sequence[str]) -> dict[str, Any]:
    return {name: [getattr(row, name) for row in rows] for name in names}


def _range(one: BackfillRow) -> Row:
    names = ("ordered_at", "unit", "ground", "source", "key", "after", "through")
    return {name: getattr(one, name) for name in names}
