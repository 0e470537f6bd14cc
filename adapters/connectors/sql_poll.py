"""One poll of a local system's database into the unit's desk.

Invariants: rows from the cursor on, less an overlap, and every so often every row: what was committed late, by a transaction longer than the overlap
or under a clock that was turned back, comes with the next whole reading at the latest; what is read twice is recorded once; the cursor moves on only
after everything is recorded.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from adapters.connectors import reference_secret, sql_cursor
from adapters.connectors.drafting import Drafting, ImportSettings
from adapters.connectors.importing import Imported, keep_refusals, to_record
from adapters.connectors.mapping import Mapping
from adapters.connectors.report import ImportReport
from adapters.connectors.scratch import Scratch
from adapters.connectors.sql_access import SqlAccess
from adapters.connectors.sql_database import Since, SqlDatabase
from adapters.connectors.unit_desk import StoredRows
from adapters.process.unit_house import UnitHouse
from adapters.storage.polls import KeptPoll

READ_WHOLE_EVERY: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class PollPlan:
    """What to poll: a mapping (loaded anew for each poll, so that a corrected one counts at once), and the database's address."""

    name: str
    mapping: Callable[[], Mapping]
    database: str
    writable_account: bool = False
    read_whole_every: timedelta = READ_WHOLE_EVERY


def poll(house: UnitHouse, plan: PollPlan, *, stopped: Callable[[], bool] = lambda: False) -> Imported:
    """Take what is new. Raises `AdapterError`; whatever ends it, the next poll begins where the last whole one did."""
    mapping, now = plan.mapping(), house.clock.now()
    with house.store.read() as tx:
        kept = tx.polls.find(plan.name)
    digest = sha256(repr(mapping).encode()).hexdigest()
    whole = _is_due(kept, now, plan) or kept.mapping_digest != digest
    highest = {} if whole else {name: sql_cursor.read(text) for name, text in (kept.read_up_to or {}).items()}
    database = SqlDatabase(
        SqlAccess.open(plan.database, writable_account=plan.writable_account), mapping, Since(now, highest)
    )
    try:
        imported = _take(house, mapping, database, bulk=whole, stopped=stopped)
    finally:
        database.close()
    if stopped():
        return imported
    reached = {name: sql_cursor.written(value) for name, value in database.read_up_to().items()}
    done = KeptPoll(
        name=plan.name,
        mapping_digest=digest,
        read_up_to=reached if whole else {**(kept.read_up_to or {}), **reached},
        rows=sum(table.rows for table in database.tables.values()),
        refused=imported.items,
        polled_at=now,
        read_whole_at=now if whole else kept.read_whole_at,
    )
    with house.store.write() as tx:
        tx.polls.put(done)
    return imported


def _is_due(kept: KeptPoll, now: datetime, plan: PollPlan) -> bool:
    """Whether everything is to be read."""
    return kept.read_whole_at is None or now - kept.read_whole_at >= plan.read_whole_every


def _take(
    house: UnitHouse, mapping: Mapping, database: SqlDatabase, *, bulk: bool, stopped: Callable[[], bool]
) -> Imported:
    imported = Imported()
    settings = ImportSettings(house.directory.zone, house.clock.now(), reference_secret.load_or_create(house.folder))
    with Scratch() as scratch:
        made = Drafting(mapping, database, scratch, settings).made()
        drafts = ImportReport(scratch).counted(to_record(made, StoredRows(house.store)))
        for recorded in house.desk.record_many(drafts, bulk=bulk):
            imported.count(recorded)
            if stopped():
                return imported
        imported.items = keep_refusals(scratch.refusals(), desk=house.desk, mapping=mapping.mapping)
    return imported
