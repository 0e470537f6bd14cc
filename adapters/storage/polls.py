"""How far each table of a local system's database was read, and what stops a poll.

Invariants: moves on only after all that was read is recorded, so a poll that was killed is done again; what it then reads again makes nothing twice,
since each row names its message; what stops a poll is told in words without content.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Column, Connection, Integer, Row, String, Table, Text, delete, select, update

from adapters.storage.column_types import Instant
from adapters.storage.tables import METADATA
from adapters.storage.upsert import upsert

POLL: Final = Table(
    "poll",
    METADATA,
    Column("name", String(120), primary_key=True),
    Column("mapping_digest", String(64), nullable=False),
    Column("read_up_to", Text, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
    Column("polled_at", Instant),
    Column("read_whole_at", Instant),
    Column("failures", Integer, nullable=False),
    Column("problem", Text),
    Column("failed_at", Instant),
)


@dataclass(frozen=True, slots=True)
class KeptPoll:
    """One mapping's database at one moment. `read_up_to` is the cursor of each table, as `sql_cursor` writes it."""

    name: str
    mapping_digest: str = ""
    """Of the mapping by which it was read: another one reads everything again."""
    read_up_to: Mapping[str, str] | None = None
    rows: int = 0
    """Read by the last poll."""
    refused: int = 0
    polled_at: datetime | None = None
    read_whole_at: datetime | None = None
    """When every row was read last."""
    failures: int = 0
    problem: str | None = None
    failed_at: datetime | None = None


class Polls:
    """The polls over one open connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, name: str) -> KeptPoll:
        """One poll; as new where there was none."""
        row = self._connection.execute(select(POLL).where(POLL.c.name == name)).one_or_none()
        return KeptPoll(name) if row is None else _poll(row)

    def all(self) -> Sequence[KeptPoll]:
        """All of them, by name."""
        return [_poll(row) for row in self._connection.execute(select(POLL).order_by(POLL.c.name))]

    def put(self, poll: KeptPoll) -> None:
        """Keep how far it came, or what stopped it."""
        columns = {name: getattr(poll, name) for name in KeptPoll.__dataclass_fields__}
        columns["read_up_to"] = json.dumps(dict(poll.read_up_to or {}))
        upsert(self._connection, POLL, [columns])

    def failed(self, name: str, problem: str, *, at: datetime) -> None:
        """It could not be done; how far it had come stays."""
        if self._connection.execute(select(POLL.c.name).where(POLL.c.name == name)).one_or_none() is None:
            self.put(KeptPoll(name))
        row = update(POLL).where(POLL.c.name == name)
        self._connection.execute(row.values(failures=POLL.c.failures + 1, problem=problem, failed_at=at))

    def keep_only(self, names: Collection[str]) -> None:
        """Forget those that are not configured any more: set up again, they read everything, which makes nothing twice."""
        self._connection.execute(delete(POLL).where(POLL.c.name.not_in(names)))


def _poll(row: Row[Any]) -> KeptPoll:
    columns = dict(row._mapping)  # noqa: SLF001 - the documented way to a row's names, in spite of its underscore
    return KeptPoll(**{**columns, "read_up_to": json.loads(row.read_up_to)})
