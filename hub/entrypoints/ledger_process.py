"""The ledger process: keeps the shard's Merkle tree, its tiles and its signed checkpoint a moment behind the log.

Invariants: one process at a time writes a ledger, held by a lock of the database; a ledger that does not fit its log ends the process with an alarm,
since nothing may be added to it.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from contracts.keys import KeyUse
from contracts.ledger.checkpoint import origin_of
from contracts.ledger.signed_note import NoteSigner
from hub.application.ledger import CHUNK, Ledger, LedgerError
from hub.application.ports import HubError
from hub.application.programme import Programme
from hub.entrypoints import metrics
from hub.entrypoints.condition import Condition, State
from hub.entrypoints.house import House
from hub.entrypoints.ledger_files import files_of
from hub.entrypoints.restore_guard import RestoreGuard
from hub.entrypoints.witness_line import WitnessLine
from hub.infrastructure.key_files import KeyFiles
from hub.infrastructure.postgres.ledger_mark import LedgerMark
from hub.infrastructure.postgres.log_reading import LogReading
from hub.infrastructure.postgres.log_wakeup import LogWakeup
from hub.infrastructure.postgres.privileges import DatabaseUser
from hub.infrastructure.postgres.session import Session
from hub.infrastructure.postgres.sole_session import SoleSession
from hub.infrastructure.postgres.stored_log import StoredLog

_WAKE: Final = 0.5
_AGAIN: Final = 1.0
_APART: Final = 0.25
"""Seconds between two steps of a ledger that keeps up: each costs files that reach the disk, a signature and a commit, however little it adds."""
_log = structlog.get_logger("spojka.hub.ledger")


def signer_of(house: House) -> NoteSigner:
    """Who signs the checkpoints of this shard. Raises `KeyFileError`."""
    key = KeyFiles(house.settings.home / "keys").load(KeyUse.CHECKPOINTS)
    return NoteSigner(origin_of(house.programme.directory.listed.programme, house.settings.shard), key.seed)


class LedgerProcess:
    """Follows the shard's log until told to stop; several may run, one writes."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._signer = signer_of(house)
        self._state: State = "standby"
        self._size = 0
        self._guard: RestoreGuard | None = None
        self._line: WitnessLine | None = None

    def condition(self) -> Condition:
        """For `/health`."""
        if self._guard is not None and self._guard.holds:
            return Condition("restored")
        line = self._line
        counts: dict[str, object] = {"ledger_size": self._size}
        if line is not None:
            counts |= line.counts
        return Condition(self._state, counts, look=line is not None and line.contradicted)

    async def run(self, stop: asyncio.Event) -> None:
        """Stand by and write, again after every trouble of the database. Raises `LedgerError`."""
        while not stop.is_set():
            session = SoleSession(self._house.database(DatabaseUser.LEDGER), name="ledger")
            try:
                await self._follow(session, stop)
            except LedgerError:
                self._state = "stopped"
                raise
            except HubError as error:
                self._state = "store-unavailable"
                _log.warning("ledger.interrupted", exc_info=error)
                await _pause(stop, _AGAIN)
            finally:
                self._guard = None
                await asyncio.to_thread(session.close)

    async def _follow(self, session: SoleSession, stop: asyncio.Event) -> None:
        while not stop.is_set() and not await asyncio.to_thread(session.try_hold):
            self._state = "standby"
            await _pause(stop, _AGAIN)
        guard = self._guard = RestoreGuard(session, home=self._house.settings.home, role="ledger")
        if not await guard.may_go_on(stop.is_set, stop):
            return
        wakeup = LogWakeup(self._house.database(DatabaseUser.LEDGER))
        try:
            await self._write(session, wakeup, stop)
        finally:
            await asyncio.to_thread(wakeup.close)

    async def _write(self, session: Session, wakeup: LogWakeup, stop: asyncio.Event) -> None:
        ledger = Ledger(StoredLog(session), files_of(self._house), self._signer)
        await asyncio.to_thread(ledger.open)
        self._state, self._size = "projecting", ledger.size
        mark = LedgerMark(session)
        await asyncio.to_thread(mark.note, ledger.size)
        done = asyncio.Event()
        line = self._line = WitnessLine(
            self._house, files_of(self._house), self._signer, programme=self._programme_in(session)
        )
        speaking = asyncio.create_task(line.run(done))
        try:
            await self._grow(ledger, mark, wakeup, until=lambda: stop.is_set() or speaking.done())
        finally:
            done.set()
            await speaking

    def _programme_in(self, session: Session) -> Callable[[], Programme]:
        """The trust list as it stands in the log at the moment of asking."""
        programme, log = self._house.programme, LogReading(session, self._house.mapper())

        def now() -> Programme:
            nonlocal programme
            programme = programme.caught_up(log)
            return programme

        return now

    async def _grow(self, ledger: Ledger, mark: LedgerMark, wakeup: LogWakeup, *, until: Callable[[], bool]) -> None:
        while not until():
            added = await asyncio.to_thread(ledger.step)
            if added:
                await asyncio.to_thread(mark.note, ledger.size)
            self._size = ledger.size
            metrics.LEDGER_SIZE.set(self._size)
            if not added:
                await asyncio.to_thread(wakeup.wait_for_events, _WAKE)
            elif added < CHUNK:
                # What is committed meanwhile shares files, signature and commit with what follows.
                await asyncio.sleep(_APART)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
