"""The rows that `bench_import` imports, the bare way of doing the same, and the import itself; each run in a process of its own.

`python -m tests.benchmarks.import_load import|bare FOLDER ROWS` prints seconds and the peak of resident memory in MiB. The rows are services of two
thousand clients with a consent, so that every one of them is judged, numbered, signed (in batches) and queued.
"""

import csv
import json
import sqlite3
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Final

from adapters.connectors.drafting import Drafting, ImportSettings
from adapters.connectors.drop_folder import DropFolder
from adapters.connectors.import_command import seldom_collected
from adapters.connectors.importing import to_record
from adapters.connectors.mapping_file import parse_mapping
from adapters.connectors.report import ImportReport
from adapters.connectors.scratch import Scratch
from adapters.connectors.unit_desk import StoredRows
from adapters.desk.actions.consents import Paper, Terms
from adapters.desk.desk import Desk
from adapters.desk.signer import Signer
from adapters.drafts import ClientKey
from adapters.storage.unit_store import UnitStore
from contracts.catalogue import spec_of
from contracts.categories import Category
from contracts.envelope import model_of
from contracts.grants import to_unit
from contracts.messages.service import ServiceDelivered
from contracts.names import UnitId, source_of
from projections.encrypted_file import KEY_BYTES, DatabaseKey
from tests.simulated_hub import FOR_EVER, NOON, PROGRAMME, SUBJECT, SimulatedHub, message_id

OP, UP = UnitId("op"), UnitId("up")
SOURCE: Final = source_of(PROGRAMME, OP)
CLIENTS: Final = 2_000
CHUNK: Final = 500
FILE: Final = "services.csv"
DATABASE: Final = "unit.db"
MAPPING: Final = """
mapping: bench
title: Services
zone: Europe/Prague
sources:
  - file: services.csv
    key: id
    client: client
    checks:
      - {column: day, present: true}
    rules:
      - name: service
        message: service.delivered
        time: {instant: day}
        category: housing
        facts:
          service: {column: service}
          begun: {date: day}
          quantity: {decimal: hours}
          unit_of_quantity: {constant: hours, if_present: hours}
"""


class FromNoon:
    """A clock that goes, as an adapter's does: ids begin with its time. Of its own, so that no module of the hub counts as the adapter's memory."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def now(self) -> datetime:
        """The story's noon, and the time since then."""
        return NOON + timedelta(seconds=time.monotonic() - self._began)


def write_rows(folder: Path, rows: int) -> None:
    """The file to import."""
    first = date(2025, 1, 1)
    with (folder / FILE).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "client", "day", "service", "hours", "place", "worker"])
        for number in range(rows):
            day = first + timedelta(days=number % 365)
            writer.writerow(
                [number, f"c-{number % CLIENTS}", day, "debt-counselling", f"{number % 8}.5", "Děčín", number % 40]
            )


def desk_in(folder: Path) -> Desk:
    """The unit's desk; its trust list is at hand, as in an adapter."""
    hub = SimulatedHub()
    directory = hub.directory
    signer = Signer(PROGRAMME, hub.unit_keys[OP])
    store = UnitStore.open(folder / DATABASE, DatabaseKey(b"k" * KEY_BYTES))
    return Desk(store, signer=signer, directory=lambda: directory, clock=FromNoon())


def take_consents(desk: Desk, clients: int) -> None:
    """A consent of each client."""
    terms = Terms((OP,), [to_unit(UP)], (Category.HOUSING,), FOR_EVER[1], FOR_EVER[0])
    for number in range(clients):
        desk.take_consent(ClientKey(f"c-{number}"), terms, Paper())


def import_rows(folder: Path) -> int:
    """Import as `spojka-adapter import` does; returns how many were recorded."""
    desk, mapping = desk_in(folder), parse_mapping(MAPPING, "bench.yaml")
    with seldom_collected(), Scratch() as scratch:
        settings = ImportSettings(UTC, NOON, b"s" * 32)
        made = Drafting(mapping, DropFolder(folder, mapping), scratch, settings).made()
        drafts = ImportReport(scratch).counted(to_record(made, StoredRows(desk.store)))
        return sum(1 for _ in desk.record_many(drafts, bulk=True))


def bare_rows(folder: Path) -> int:
    """The least that any import does: read CSV, validate the row's message by its pydantic model, one SQLite transaction for 500 rows."""
    connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
    connection.executescript(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE entry (id TEXT PRIMARY KEY, client TEXT, body BLOB);"
    )
    number = 0
    with (folder / FILE).open(encoding="utf-8", newline="") as file:
        rows = iter(csv.DictReader(file))
        while chunk := list(islice(rows, CHUNK)):
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT INTO entry VALUES (?, ?, ?)", _validated(chunk))
            connection.execute("COMMIT")
            number += len(chunk)
    return number


def _validated(chunk: list[dict[str, Any]]) -> Iterator[tuple[str, str, bytes]]:
    spec = spec_of(ServiceDelivered(service="x"))
    model = model_of(spec.type)
    for row in chunk:
        facts = {"service": row["service"], "begun": row["day"], "quantity": row["hours"], "unit_of_quantity": "hours"}
        document = {
            "specversion": "1.0",
            "id": message_id(int(row["id"])),
            "source": SOURCE,
            "type": spec.type,
            "time": f"{row['day']}T00:00:00+01:00",
            "datacontenttype": "application/json",
            "dataschema": spec.schema_id,
            "programme": PROGRAMME,
            "sequence": int(row["id"]) + 1,
            "subject": SUBJECT,
            "purpose": "support",
            "category": "housing",
            "data": {"facts": facts},
        }
        raw = json.dumps(document).encode()
        model.model_validate_json(raw)
        yield row["id"], row["client"], raw


def main() -> None:
    """One run."""
    way, folder, expected = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    started = time.perf_counter()
    found = import_rows(folder) if way == "import" else bare_rows(folder)
    seconds = time.perf_counter() - started
    if found != expected:
        raise SystemExit(f"{found} rows instead of {expected}")
    sys.stdout.write(json.dumps({"seconds": seconds, "peak": _peak()}))


def _peak() -> float:
    """Of this program alone: what `getrusage` tells begins with what the process had that started it."""
    (line,) = (one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
