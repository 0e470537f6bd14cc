"""A local system's database as tests of polling need it: one table of services, a mapping for it, and a unit that reads it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Column,
    DateTime,
    Engine,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    create_engine,
    insert,
    update,
)

from adapters import keyring
from adapters.connectors.mapping_file import parse_mapping
from adapters.connectors.sql_poll import PollPlan
from adapters.process.unit_house import KEYS, UnitHouse
from adapters.settings import load_settings, unit_folder
from contracts.envelope import open_clear, parse
from contracts.messages.entry import EntryCorrected
from contracts.names import UnitId
from tests.simulated_hub import NOON, PROGRAMME, SimulatedHub

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from adapters.connectors.mapping import Mapping

OP, UP = UnitId("op"), UnitId("up")

MAPPING = """
mapping: vendor
title: Services of the vendor's system
zone: UTC
format:
  dates: ["%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S.%f"]
database:
  tables:
    services:
      table: services
      cursor: changed_at
      overlap_minutes: 60
sources:
  - file: services
    key: [id]
    client: client
    rules:
      - name: service
        message: service.delivered
        time: {instant: day}
        category: {constant: housing}
        facts:
          service: {constant: bednight}
          quantity: {decimal: hours}
          unit_of_quantity: {constant: hours}
"""

SERVICES = Table(
    "services",
    MetaData(),
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("client", String(40)),
    Column("day", DateTime),
    Column("hours", Numeric(8, 2)),
    Column("changed_at", DateTime),
    Column("officer", String(40)),
)


@cache
def mapping() -> Mapping:
    return parse_mapping(MAPPING, "vendor.yaml")


@dataclass
class Vendor:
    """The vendor's system, with an account that writes; `reader` is the address of one that may not."""

    engine: Engine
    reader: str

    def put(self, row: int, hours: float, *, changed: datetime | None = NOON, client: str | None = "2026/17") -> None:
        """A new row, or a new state of one, committed now with the stamp that its transaction began with."""
        stamp = None if changed is None else changed.replace(tzinfo=None)
        values = {
            "client": client,
            "day": datetime(2026, 2, 2),  # noqa: DTZ001 - a civil date
            "hours": hours,
            "changed_at": stamp,
            "officer": "not mapped",
        }
        with self.engine.begin() as connection:
            changed_rows = connection.execute(update(SERVICES).where(SERVICES.c.id == row).values(values)).rowcount
            if not changed_rows:
                connection.execute(insert(SERVICES).values(id=row, **values))

    def put_many(self, rows: range) -> None:
        """Many rows at once."""
        values = [
            {"id": row, "client": f"2026/{row % 50}", "day": datetime(2026, 2, 2), "hours": row % 7 + 1,  # noqa: DTZ001
             "changed_at": datetime(2026, 2, 8) + timedelta(minutes=row)}  # noqa: DTZ001
            for row in rows
        ]  # fmt: skip
        with self.engine.begin() as connection:
            connection.execute(insert(SERVICES), values)


def vendor_on_sqlite(file: Path) -> Vendor:
    engine = create_engine(f"sqlite:///{file}")
    SERVICES.metadata.create_all(engine)
    return Vendor(engine, f"sqlite:///{file}")


@dataclass
class ReadingUnit:
    """OP with its database and a clock that the test sets."""

    home: Path
    plans: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def make(cls, home: Path) -> ReadingUnit:
        keys = {OP: keyring.create(unit_folder(home, OP) / KEYS, OP)}
        (home / "trust-list-1.dsse.json").write_bytes(SimulatedHub(unit_keys=keys).envelopes[0])
        (home / "adapter.toml").write_text(
            f'programme = "{PROGRAMME}"\nbootstrap = "localhost:1"\nclock = "file:story"\nhealth_port = 0\n'
        )
        unit = cls(home)
        unit.set(NOON)
        return unit

    def set(self, now: datetime) -> None:
        (self.home / "story").write_text(now.astimezone(UTC).isoformat())

    @contextmanager
    def house(self) -> Iterator[UnitHouse]:
        opened = UnitHouse.open(load_settings(self.home), OP)
        try:
            yield opened
        finally:
            opened.close()

    def recorded(self) -> dict[str, list[str]]:
        """By row: the hours that the unit recorded, the first message first, each correction behind it."""
        with self.house() as house, house.store.read() as tx:
            entries = tx.journal.since(0, limit=100_000)
            rows = {
                row.message_id: row.local_key.rpartition("/")[2]
                for row in tx.import_rows.find([f"vendor/service/2026%2F{client}/{number}" for client in range(50) for number in range(600)]).values()
            }  # fmt: skip
        found: dict[str, list[str]] = {}
        for entry in sorted(entries, key=lambda one: one.number):
            message = parse(entry.payload or b"")
            facts, content = open_clear(message)
            if isinstance(facts, EntryCorrected):
                changed = getattr(content, "facts", None) or {}
                found[rows[message.corrects or message.id]].append(str(changed.get("quantity")))
            elif entry.message_id in rows:
                found.setdefault(rows[entry.message_id], []).append(str(getattr(facts, "quantity", None)))
        return found


def plan(vendor: Vendor, **given: Any) -> PollPlan:  # noqa: ANN401 - any field of a plan
    return PollPlan(**{"name": "op/vendor.yaml", "mapping": mapping, "database": vendor.reader, **given})
