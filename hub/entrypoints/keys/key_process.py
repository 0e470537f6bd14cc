"""The key service's process: stand by, take over, follow the log, release, tell the log.

Invariants: one process at a time serves a shard, held by a lock of the key database; what a step committed is produced before the next step begins; a
log that cannot be trusted ends the process with an alarm, since nothing may be released by it. Where it is not behind it takes its time, so that keys
do not set the pace of intake and dispatch: what comes first after a pause is looked at at once, what follows a tenth of a second later.
"""

import asyncio
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from contracts import feed_record
from contracts.kafka_record import CONTENT_TYPE, to_headers
from contracts.names import HUB, MessageId
from contracts.partition import partition_of
from hub.application.broker_permissions import INBOX
from hub.application.hub_keys import USED_FOR
from hub.application.key_ports import ReleaseRow
from hub.application.key_reports import AT_ONCE, KeyReporting
from hub.application.key_service import Counts, KeyService
from hub.application.ledger_guard import Lag, LagLimits
from hub.application.ports import HubError
from hub.application.trusted_log import UntrustedLogError
from hub.entrypoints import metrics
from hub.entrypoints.condition import Condition, State
from hub.entrypoints.held_back import HeldBack
from hub.entrypoints.keys.house import KeysHouse
from hub.entrypoints.publishing import hub_record
from hub.entrypoints.restore_guard import RestoreGuard
from hub.infrastructure.erased_keys import JournaledKeyStore
from hub.infrastructure.postgres.key_store import PostgresKeyStore
from hub.infrastructure.postgres.log_wakeup import LogWakeup
from hub.infrastructure.postgres.restorations import Restorations
from hub.infrastructure.postgres.session import Session
from hub.infrastructure.postgres.sole_session import SoleSession
from projections.kafka.batch_producer import BatchProducer, OutgoingRecord
from projections.kafka.errors import TransportError

_WAKE: Final = 0.5
_BREATH: Final = 0.1
"""Seconds between two looks at a log that goes on: entries in one go cost half of what they cost one by one, and nobody waits for the look."""
_AGAIN: Final = 1.0
_REPORT_EVERY: Final = 1.0
_REPORT_AGAIN: Final = 10.0
"""Seconds: what the log does not hold by then may be lost with the broker."""
_TIDY_EVERY: Final = 5.0
_LATE: Final = timedelta(days=7)
_FEED_HEADERS: Final = ((CONTENT_TYPE, feed_record.CONTENT_TYPE.encode()),)
_log = structlog.get_logger("spojka.keys")


@dataclass(slots=True)
class _Reports:
    """What the log was told last, when, and how much there may be more."""

    told: MessageId | None = None
    at: float = float("-inf")
    released: int = 1
    """Not less than what the log was not told yet; after a take-over that is not known, so it is asked."""


class KeyProcess:
    """Runs one shard's key service until told to stop; several may run, one serves."""

    def __init__(self, house: KeysHouse) -> None:
        self._house = house
        self._state: State = "standby"
        self._service: KeyService | None = None
        self._guard: RestoreGuard | None = None
        self._reports = _Reports()
        self._counted = Counts()
        self._looked_at = float("-inf")
        self._erasures_at = float("-inf")
        self._deposit_key_since: datetime | None = None

    def condition(self) -> Condition:
        """For `/health`."""
        service = self._service
        if self._guard is not None and self._guard.holds:
            return Condition("restored")
        if service is None or self._state != "releasing":
            return Condition(self._state)
        at, since = self._house.clock.now(), self._deposit_key_since
        late = since is not None and at > since + USED_FOR + _LATE
        counts = {"keys_lag": service.behind, "deposits_not_ours": service.counts.not_ours, "deposit_key_late": late}
        return Condition(self._state, counts, look=late or bool(service.counts.not_ours))

    async def run(self, stop: asyncio.Event) -> None:
        """Stand by and serve, again after every trouble. Raises `UntrustedLogError`."""
        while not stop.is_set():
            keys = SoleSession(self._house.key_database, name="keys")
            log = Session(self._house.log_database, name="keys")
            try:
                await self._hold(keys, stop)
                if not stop.is_set():
                    await self._serve(keys, log, stop)
            except UntrustedLogError as error:
                self._state = "stopped"
                _log.error("keys.log-untrusted", position=error.position, exc_info=error)
                raise
            except HubError as error:
                self._state = "store-unavailable"
                _log.warning("keys.interrupted", exc_info=error)
                await _pause(stop, _AGAIN)
            finally:
                self._guard = None
                await asyncio.to_thread(keys.close)
                await asyncio.to_thread(log.close)

    async def _hold(self, keys: SoleSession, stop: asyncio.Event) -> None:
        while not stop.is_set() and not await asyncio.to_thread(keys.try_hold):
            self._state = "standby"
            await _pause(stop, _AGAIN)

    async def _serve(self, keys: Session, log: Session, stop: asyncio.Event) -> None:
        house = self._house
        guard = self._guard = RestoreGuard(log, home=house.settings.home, role="keys")
        if not await guard.may_go_on(stop.is_set, stop):
            return
        await asyncio.to_thread(_go_on_after_restores, house.key_store(keys), Restorations(log), house.clock.now())
        service = self._service = house.service(keys, log)
        reporting = KeyReporting(PostgresKeyStore(keys), house.log(log), house.voice, shard=house.settings.shard)
        wakeup = LogWakeup(house.log_database)
        producer = BatchProducer(connection=house.connection)
        self._reports, self._counted, self._looked_at = _Reports(), Counts(), float("-inf")
        try:
            await asyncio.to_thread(service.take_over)
            limits = LagLimits(house.settings.ledger_release_seconds, math.inf)
            held = HeldBack(log, limits, role="keys", at_least=Lag.BEHIND)
            self._state = "releasing"
            _log.info("keys.took-over", shard=house.settings.shard)
            while not stop.is_set():
                if await asyncio.to_thread(held.look):
                    self._state = "ledger-behind"
                    await _pause(stop, _WAKE)
                    continue
                await asyncio.to_thread(guard.remember)
                await self._round(service, reporting, producer, wakeup, stop)
        finally:
            await producer.stop()
            await asyncio.to_thread(wakeup.close)

    async def _round(
        self,
        service: KeyService,
        reporting: KeyReporting,
        producer: BatchProducer,
        wakeup: LogWakeup,
        stop: asyncio.Event,
    ) -> None:
        worked = await asyncio.to_thread(service.step)
        try:
            await self._meet_broker(service, producer)
            while rows := await asyncio.to_thread(service.outgoing):
                await producer.send(_records(rows, self._house.settings.shard))
                await asyncio.to_thread(service.produced, rows)
                self._reports.released += len(rows)
                worked = True
            await self._tell(service, reporting, producer)
            self._state = "releasing"
        except TransportError as error:
            self._state = "broker-unavailable"
            _log.warning("keys.broker-unavailable", exc_info=error)
            self._looked_at = float("-inf")
            await _pause(stop, _WAKE)
        self._count(service)
        if service.pressing:
            return
        if worked:
            await _pause(stop, _BREATH)
            return
        await self._tidy(service)
        await asyncio.to_thread(wakeup.wait_for_events, _WAKE)

    async def _meet_broker(self, service: KeyService, producer: BatchProducer) -> None:
        again = await asyncio.to_thread(service.met, await producer.cluster())
        if again:
            _log.info("keys.meets-broker", count=again)

    async def _tell(self, service: KeyService, reporting: KeyReporting, producer: BatchProducer) -> None:
        """Tell the log what was released: once a second at most, or at once when many were; again what it does not hold yet, but not at once."""
        reports, now = self._reports, time.monotonic()
        if now - self._erasures_at >= _REPORT_EVERY:
            await self._tell_erasures(service, reporting, producer)
        if not reports.released or (reports.released < AT_ONCE and now - reports.at < _REPORT_EVERY):
            return
        told = await asyncio.to_thread(reporting.next, self._house.clock.now())
        if told is None:
            self._reports = _Reports(at=now, released=0)
            return
        if told.message_id == reports.told and now - reports.at < _REPORT_AGAIN:
            return
        await producer.send([hub_record(told.signed, service.programme.directory.listed, self._house.settings.shard)])
        if told.message_id != reports.told:
            metrics.KEYS_REPORTED.inc(told.count)
        self._reports = _Reports(told=told.message_id, at=now)

    async def _tell_erasures(self, service: KeyService, reporting: KeyReporting, producer: BatchProducer) -> None:
        """Told again until the log holds it: the same bytes each time."""
        self._erasures_at = time.monotonic()
        beyond = timedelta(days=self._house.settings.backup_days)
        said = await asyncio.to_thread(reporting.erasures, beyond=beyond)
        partitions = service.programme.directory.listed.partitions
        records = [
            OutgoingRecord(
                INBOX, partition_of(key, partitions), key.encode(), signed.payload, tuple(to_headers(signed))
            )
            for key, signed in said
        ]
        if records:
            await producer.send(records)
            self._erasures_at += _REPORT_AGAIN

    async def _tidy(self, service: KeyService) -> None:
        if time.monotonic() - self._looked_at < _TIDY_EVERY:
            return
        self._looked_at = time.monotonic()
        now = self._house.clock.now()
        valid = [one for one, _ in service.programme.directory.sealing_keys(HUB) if one.valid(now)]
        self._deposit_key_since = max((one.valid_from for one in valid), default=None)
        destroyed = await asyncio.to_thread(service.tidy)
        if destroyed:
            _log.info("keys.deposit-keys-destroyed", count=len(destroyed))

    def _count(self, service: KeyService) -> None:
        new, old = service.counts, self._counted
        metrics.KEYS_LAG.set(service.behind)
        metrics.KEYS_TAKEN.inc(new.keys - old.keys)
        metrics.KEYS_RELEASED.inc(new.released - old.released)
        metrics.KEYS_REVOKED.inc(new.revoked - old.revoked)
        metrics.KEYS_UNREADABLE.inc(new.unreadable - old.unreadable)
        self._counted = Counts(new.keys, new.released, new.revoked, new.unreadable, new.not_ours)


def _go_on_after_restores(store: JournaledKeyStore, restorations: Restorations, at: datetime) -> None:
    """What was erased is erased in a backup too; what stands behind a backup of the log is read again."""
    again = store.erase_again(at)
    if again:
        _log.warning("keys.erased-again", count=again)
    for one in restorations.all():
        if store.go_back(generation=one.generation, position=one.position):
            _log.warning("keys.went-back", position=one.position, generation=one.generation)


def _records(rows: Sequence[ReleaseRow], shard: int) -> list[OutgoingRecord]:
    return [
        OutgoingRecord(
            f"feed.{row.unit}", shard, row.unit.encode(), feed_record.write("release", row.signed), _FEED_HEADERS
        )
        for row in rows
    ]


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
