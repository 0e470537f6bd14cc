"""What the doctor finds in one unit's house, without the network.

Invariant: looking changes nothing.
"""

import shutil
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from adapters.appliance.archive import LAST_BACKUP
from adapters.appliance.finding import Check, Finding
from adapters.errors import AdapterError
from adapters.key_lock import secret_place
from adapters.process.unit_databases import FILES, UnitDatabases, open_to_others
from adapters.process.unit_health import UnitState, state_of
from adapters.process.unit_house import KEYS, UnitHouse
from adapters.storage.outbox import OutboxState
from contracts.names import UnitId
from projections.encrypted_file import driver_of
from projections.errors import ProjectionsError
from projections.process.health import Status

LITTLE_SPACE: Final = 500 * 1024**2
NO_SPACE: Final = 50 * 1024**2
OLD_BACKUP: Final = timedelta(days=7)
LONG_WAIT: Final = timedelta(hours=1)
CLOCK_OFF: Final = timedelta(minutes=5)
SOON: Final = timedelta(days=14)


def house_findings(house: UnitHouse) -> Iterator[Finding]:
    """All checks of an opened unit, but for its database, which is looked at before it is opened: see `database`."""
    at = house.clock.now()
    yield disk(house.folder)
    yield _backup(house.settings.home, at)
    state = state_of(house)
    yield _admitted(house, state, at)
    yield Finding(Check.IN_TOUCH, "warn" if state.others_hidden else "pass", {"why": state.others_hidden or ""})
    yield _clock(house)
    yield _waiting(house, state, at)
    yield _some(Check.TO_CORRECT, state.to_correct)
    yield _some(Check.DUTIES, state.duties)
    yield _some(Check.RECORDS, sum(state.suspicious.values()))
    with house.store.read() as tx:
        yield _some(Check.RECOVERY, len(tx.recovery.open()))
    yield _some(Check.ALARMS, len(state.alarms))
    yield Finding(Check.PROOFS, "pass", {"count": str(state.proofs[0]), "waiting": str(state.proofs[1])})
    with house.store.read() as tx:
        yield Finding(Check.OPENED, "pass", {"count": str(tx.journal.count_opened())})


def disk(folder: Path) -> Finding:
    """Space for what is recorded."""
    free = shutil.disk_usage(folder).free
    status: Status = "pass" if free >= LITTLE_SPACE else "warn" if free >= NO_SPACE else "fail"
    return Finding(Check.DISK, status, {"free": f"{free // 1024**2:,} MiB"})


def at_rest(folder: Path, unit: UnitId) -> Iterator[Finding]:
    """Whether a thief of the folder reads anything, and whether the unit's database opens and is whole; before anything mends it by opening it."""
    secret = secret_place(folder / KEYS)
    yield Finding(Check.LOCKED, "warn" if secret is None else "pass", {"secret": str(secret)})
    loose = open_to_others(folder)
    yield Finding(Check.PRIVATE, "warn" if loose else "pass", {"files": ", ".join(map(str, loose))})
    try:
        databases = UnitDatabases.as_they_lie(folder, unit)
        verdict = _verdict(databases)
    except (AdapterError, ProjectionsError) as error:
        yield Finding(Check.AT_REST, "fail", {"cause": f"{error.problem}. {error.advice}"})
        return
    keys = {"store": databases.store, "overviews": databases.overviews}
    clear = [file for which, file in FILES.items() if keys[which] is None and (folder / file).exists()]
    yield Finding(Check.AT_REST, "warn" if clear else "pass", {"files": ", ".join(clear)})
    yield Finding(Check.DATABASE, "pass" if verdict == "ok" else "fail", {"verdict": verdict})


def _verdict(databases: UnitDatabases) -> str:
    driver = driver_of(databases.store)
    try:
        with closing(databases.look_into("store")) as connection:
            return str(connection.execute("PRAGMA quick_check").fetchone()[0])
    except driver.Error as error:
        return str(error)


def _backup(home: Path, at: datetime) -> Finding:
    try:
        made = datetime.fromisoformat((home / LAST_BACKUP).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return Finding(Check.BACKUP, "warn", {"last": "–"})
    return Finding(Check.BACKUP, "warn" if at - made > OLD_BACKUP else "pass", {"last": f"{made:%Y-%m-%d %H:%M}"})


def _admitted(house: UnitHouse, state: UnitState, at: datetime) -> Finding:
    expires = house.directory.listed.expires_at
    details = {"version": str(state.trust_list), "expires": f"{expires:%Y-%m-%d}"}
    if not (state.own_key_valid and state.list_usable):
        return Finding(Check.ADMITTED, "fail", details)
    return Finding(Check.ADMITTED, "warn" if expires - at < SOON else "pass", details)


def _clock(house: UnitHouse) -> Finding:
    """The hub signs the time of each head; one that has just come tells how far this machine's clock is off."""
    with house.store.read() as tx:
        heads = tx.places.heads()
    apart = min((abs(one.received_at - one.head.time) for one in heads), default=timedelta())
    return Finding(Check.CLOCK, "warn" if apart > CLOCK_OFF else "pass", {"apart": f"{apart.total_seconds():.0f} s"})


def _waiting(house: UnitHouse, state: UnitState, at: datetime) -> Finding:
    with house.store.read() as tx:
        waiting = [*tx.outbox.open_messages(), *tx.outbox.next_to_send(1)]
    oldest = min((one.queued_at for one in waiting), default=at)
    count = state.outbox[OutboxState.WAITING] + state.outbox[OutboxState.SENT]
    details = {"count": str(count), "since": f"{oldest:%Y-%m-%d %H:%M}"}
    return Finding(Check.WAITING, "warn" if at - oldest > LONG_WAIT else "pass", details)


def _some(check: Check, count: int) -> Finding:
    return Finding(check, "warn" if count else "pass", {"count": str(count)})
