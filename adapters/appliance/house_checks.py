"""What the doctor finds in one unit's house, without the network.

Invariant: looking changes nothing.
"""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from adapters.appliance.archive import LAST_BACKUP
from adapters.appliance.finding import Check, Finding
from adapters.process.unit_health import UnitState, state_of
from adapters.process.unit_house import DATABASE, UnitHouse
from adapters.storage.outbox import OutboxState
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


def disk(folder: Path) -> Finding:
    """Space for what is recorded."""
    free = shutil.disk_usage(folder).free
    status: Status = "pass" if free >= LITTLE_SPACE else "warn" if free >= NO_SPACE else "fail"
    return Finding(Check.DISK, status, {"free": f"{free // 1024**2:,} MiB"})


def database(folder: Path) -> Finding:
    """Whether the unit's database is whole."""
    path = folder / DATABASE
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            (verdict,) = connection.execute("PRAGMA quick_check").fetchone()
    except sqlite3.Error as error:
        verdict = str(error)
    return Finding(Check.DATABASE, "pass" if verdict == "ok" else "fail", {"verdict": str(verdict)})


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
