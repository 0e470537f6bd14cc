"""The intake process: stand by, take over, read the inbox, decide, commit; and fire timers.

Invariants: one step at a time, whether it takes a batch or fires timers; a batch is never left undone (the follower brings it again); a fenced writer
stops reading at once and stands by again; timers fire only after their partition was read to an end observed after they were due.
"""

import asyncio
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Final

import structlog
from aiokafka.structs import TopicPartition

from contracts.kafka_record import batch_signed
from contracts.trust_list import Directory
from hub.application.broker_permissions import INBOX, HubUser
from hub.application.case_files import CaseFiles
from hub.application.intake import Counts, Intake, Taken
from hub.application.ledger_guard import Lag
from hub.application.ports import DeadLetter, FencedError, HubError, UnusableListError
from hub.application.verification import Verified, Verifier
from hub.entrypoints import metrics
from hub.entrypoints.condition import Condition, State
from hub.entrypoints.held_back import HeldBack
from hub.entrypoints.house import House
from hub.entrypoints.restore_guard import RestoreGuard
from hub.entrypoints.settings import limits_of
from hub.infrastructure.postgres.heartbeat import Heartbeat
from hub.infrastructure.postgres.privileges import DatabaseUser
from hub.infrastructure.postgres.writer_session import Role, WriterSession
from hub.infrastructure.postgres.writer_store import PostgresWriterStore
from projections.kafka.faststream_drive import FastStreamDrive
from projections.kafka.follower import TopicFollower
from projections.kafka.positions import InputPosition, RawRecord

_VERIFIERS: Final = 2
_PART: Final = 64
"""Records that are not worth another thread."""
_COMMIT: Final = 500
"""Records that one transaction decides."""
_POLL: Final = 3000
"""Records that one poll brings: while the database writes one part of them, the next one is verified."""
_LOOK_EVERY: Final = 16
"""One record of so many is looked at for how it was signed."""
_NEARLY_ALL: Final = 0.9
_TIMERS_EVERY: Final = 0.25
_BROKER_SILENT: Final = 10.0
"""Seconds without a look at the inbox's ends after which the broker counts as away; looks are a second apart."""
_LIST_AGAIN: Final = 2.0
"""Seconds after which a writer whose configured trust list cannot be used tries again."""
_log = structlog.get_logger("spojka.hub.writer")


class WriterProcess:
    """Runs the shard's writer until told to stop; several may run, one writes."""

    def __init__(self, house: House) -> None:
        self._house = house
        listed = house.programme.directory.listed
        self._verifier = Verifier(shard=house.settings.shard, partitions=listed.partitions, shards=listed.shards)
        self._threads = ThreadPoolExecutor(_VERIFIERS, thread_name_prefix="verify")
        self._step = asyncio.Lock()
        self._due_since: float | None = None
        self._session: WriterSession | None = None
        self._heart: Heartbeat | None = None
        self._intake: Intake | None = None
        self._lag = 0
        self._ends_seen = 0.0
        self._listless = False
        self._held: HeldBack | None = None
        self._guard: RestoreGuard | None = None
        self.writing = False

    def condition(self) -> Condition:
        """For `/health`."""
        session, intake, heart = self._session, self._intake, self._heart
        if self._listless:
            return Condition("no-list")
        if self._guard is not None and self._guard.holds:
            return Condition("restored")
        state: State = "standby" if session is not None and session.connected else "store-unavailable"
        if self.writing and heart is not None:
            reached = time.monotonic() - self._ends_seen < _BROKER_SILENT
            state = "store-unavailable" if heart.error else "writing" if reached else "broker-unavailable"
            state = "ledger-behind" if self._held is not None and self._held.now else state
        if intake is None or not self.writing:
            return Condition(state)
        counts = {"input_lag": self._lag, "parked": intake.parked, "stuck_timers": intake.stuck_timers}
        return Condition(state, counts, look=bool(intake.parked or intake.stuck_timers))

    async def run(self, stop: asyncio.Event) -> None:
        """Stand by and write, again after every loss of the lock."""
        while not stop.is_set():
            session = self._session = WriterSession(self._house.database(DatabaseUser.INTAKE), Role.WRITER)
            try:
                if await self._stand_by(session, stop):
                    await self._write(session, stop)
            except UnusableListError as error:
                self._listless = True
                _log.error("writer.no-list", exc_info=error)
                await _pause(stop, _LIST_AGAIN)
            except HubError as error:
                _log.warning("writer.interrupted", exc_info=error)
                await _pause(stop, 0.2)
            finally:
                self.writing, self._guard = False, None
                await asyncio.to_thread(session.close)
        self._threads.shutdown()

    async def _stand_by(self, session: WriterSession, stop: asyncio.Event) -> bool:
        cancelled = threading.Event()
        waiting = asyncio.create_task(asyncio.to_thread(session.stand_by, cancelled))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        cancelled.set()
        stopping.cancel()
        return await waiting

    async def _write(self, session: WriterSession, stop: asyncio.Event) -> None:
        store = PostgresWriterStore(session, self._house.mapper())
        programme = await asyncio.to_thread(self._house.programme.caught_up, store)
        intake = Intake(store, programme, self._house.clock, files=CaseFiles(store))
        with Heartbeat(store.beat, every=self._house.database(DatabaseUser.INTAKE).settings.beat_every) as heart:
            guard = self._guard = RestoreGuard(session, home=self._house.settings.home, role="intake", intake=True)
            if not await guard.may_go_on(lambda: stop.is_set() or heart.error is not None, stop):
                return
            head = await asyncio.to_thread(intake.take_over)
            self._listless = False
            self._intake, self._heart, self._ends_seen = intake, heart, time.monotonic()
            limits = limits_of(self._house.settings)
            self._held = HeldBack(session, limits, role="intake", at_least=Lag.FAR_BEHIND)
            self.writing = True
            _log.info("writer.took-over", shard=head.shard, position=head.position, epoch=head.epoch)
            fenced = asyncio.Event()
            await self._follow(intake, store, heart, stop=stop, fenced=fenced)

    async def _follow(
        self,
        intake: Intake,
        store: PostgresWriterStore,
        heart: Heartbeat,
        *,
        stop: asyncio.Event,
        fenced: asyncio.Event,
    ) -> None:
        done = asyncio.Event()

        async def handle(batch: Sequence[RawRecord]) -> None:
            async with self._step:
                await self._take(intake, batch)

        async def on_error(error: Exception, attempt: int) -> None:
            _log.warning("writer.batch-failed", count=attempt, exc_info=error)
            try:
                await asyncio.to_thread(intake.recover)
            except FencedError:
                fenced.set()
            except HubError as again:
                _log.warning("writer.store-unavailable", exc_info=again)

        async def positions() -> dict[TopicPartition, InputPosition]:
            stored = await asyncio.to_thread(store.input_positions)
            return {TopicPartition(one.topic, one.partition): one for one in stored}

        follower = TopicFollower(
            connection=self._house.connection(HubUser.INTAKE),
            partitions=[TopicPartition(INBOX, number) for number in self._house.partitions],
            positions=positions,
            handle=handle,
            on_error=on_error,
            drive=FastStreamDrive(max_records=_POLL),
        )
        watching = asyncio.create_task(_any_of(stop, fenced, heart, done))
        beside = asyncio.create_task(self._beside(intake, follower, done=done, fenced=fenced))
        try:
            await follower.run(done)
        finally:
            done.set()
            await asyncio.gather(watching, beside)
        if heart.error is not None and not stop.is_set():
            raise heart.error
        if fenced.is_set():  # a batch met it before the heart did: said all the same
            _log.warning("writer.interrupted", reason="fenced")

    async def _take(self, intake: Intake, batch: Sequence[RawRecord]) -> None:
        """Decide and commit a batch in parts, the next one verified while the database writes the one before.

        What is left behind a new trust list is verified by that. Verified and decided is at one instant, else the log could say that
        it took a message after its key had ended.
        """
        started = time.monotonic()
        rest = list(batch)
        while rest:
            at = intake.now()
            if _for_one_thread(rest):
                consumed = await asyncio.to_thread(self._take_alone, intake, rest, at)
            else:
                consumed = await self._take_side_by_side(intake, rest, at)
            rest = rest[consumed:]
        metrics.BATCH_SECONDS.observe(time.monotonic() - started)

    async def _take_side_by_side(self, intake: Intake, batch: Sequence[RawRecord], at: datetime) -> int:
        """How many records were taken. The verifying threads work while another one writes: a signature needs no interpreter."""
        parts = [batch[start : start + _COMMIT] for start in range(0, len(batch), _COMMIT)]
        consumed = 0
        verified = await self._verify(parts[0], intake.directory, at=at)
        for part, following in zip(parts, [*parts[1:], ()], strict=True):
            records = verified
            decided = await asyncio.to_thread(intake.decide, records, part, at=at)
            writing = asyncio.create_task(asyncio.to_thread(intake.write, decided))
            try:
                verified = await self._verify(following, decided.directory, at=at)
            finally:
                taken = await writing
            _measure(intake, taken, records)
            consumed += taken.consumed
            if taken.consumed < len(part):
                break
        return consumed

    def _take_alone(self, intake: Intake, batch: Sequence[RawRecord], at: datetime) -> int:
        """How many records were taken. One thread verifies while it waits for the database (ADR 0029)."""
        assert self._session is not None  # noqa: S101 - set before anything is written
        directory, consumed = intake.directory, 0
        ahead = self._verifier.ahead(batch, directory, at)
        with self._session.meanwhile(ahead.further):
            for start in range(0, len(batch), _COMMIT):
                part = batch[start : start + _COMMIT]
                records = ahead.next(len(part))
                taken = intake.take(records, part, at=at)
                _measure(intake, taken, records)
                consumed += taken.consumed
                if taken.consumed < len(part) or intake.directory is not directory:
                    break
        return consumed

    async def _verify(
        self, batch: Sequence[RawRecord], directory: Directory, *, at: datetime
    ) -> list[Verified | DeadLetter]:
        """Verify side by side: an Ed25519 verification leaves the interpreter to the others."""
        loop = asyncio.get_running_loop()
        size = max(_PART, -(-len(batch) // _VERIFIERS))
        parts = [batch[start : start + size] for start in range(0, len(batch), size)]
        checked = await asyncio.gather(
            *(loop.run_in_executor(self._threads, self._verifier.check_all, part, directory, at) for part in parts)
        )
        return [record for part in checked for record in part]

    async def _beside(
        self, intake: Intake, follower: TopicFollower, *, done: asyncio.Event, fenced: asyncio.Event
    ) -> None:
        """Between batches: what the operator asks about parked messages, and timers."""
        while not done.is_set():
            await _pause(done, _TIMERS_EVERY)
            self._look(follower)
            try:
                await self._remember()
                if await self._held_back(follower):
                    continue
                await self._carry_out(intake)
                await self._fire(intake, follower)
            except FencedError:
                fenced.set()
            except Exception as error:  # noqa: BLE001 - whatever it is, it must not silence timers for good
                _log.error("writer.step-failed", exc_info=error)
                await self._recover(intake, fenced)

    async def _held_back(self, follower: TopicFollower) -> bool:
        """Whether the ledger is so far behind that nothing more may be decided; a batch in hand is finished."""
        assert self._held is not None  # noqa: S101 - set before anything is followed
        async with self._step:
            held = await asyncio.to_thread(self._held.look)
        (follower.pause if held else follower.resume)()
        return held

    async def _remember(self) -> None:
        assert self._guard is not None  # noqa: S101 - set before anything is followed
        async with self._step:
            await asyncio.to_thread(self._guard.remember)

    def _look(self, follower: TopicFollower) -> None:
        """How far behind the inbox this is, and when the broker last told all its ends."""
        self._lag = sum(follower.lag().values())
        metrics.INPUT_LAG.set(self._lag)
        ends = follower.end_offsets()
        if len(ends) == len(self._house.partitions):
            self._ends_seen = max(self._ends_seen, min(asked for asked, _ in ends.values()))

    async def _recover(self, intake: Intake, fenced: asyncio.Event) -> None:
        async with self._step:
            try:
                await asyncio.to_thread(intake.recover)
            except FencedError:
                fenced.set()
            except HubError as error:
                _log.warning("writer.store-unavailable", exc_info=error)

    async def _carry_out(self, intake: Intake) -> None:
        if not intake.parked:
            return
        async with self._step:
            counts = await asyncio.to_thread(intake.carry_out, self._verifier.check)
        _count(counts, ())
        metrics.PARKED.set(intake.parked)

    async def _fire(self, intake: Intake, follower: TopicFollower) -> None:
        async with self._step:
            if not await asyncio.to_thread(intake.anything_due):
                self._due_since = None
                return
            self._due_since = self._due_since or time.monotonic()
            if not self._read_since(follower, self._due_since):
                await follower.observe_end_offsets()
                return
            stuck = intake.stuck_timers
            metrics.TIMERS.inc(await asyncio.to_thread(intake.fire))
            if intake.stuck_timers > stuck:
                _log.error("writer.timers-stuck", count=intake.stuck_timers)
            metrics.TIMERS_STUCK.set(intake.stuck_timers)
            self._due_since = None

    def _read_since(self, follower: TopicFollower, due: float) -> bool:
        caught_up = [follower.caught_up_since(TopicPartition(INBOX, number)) for number in self._house.partitions]
        return all(since is not None and since >= due for since in caught_up)


def _for_one_thread(batch: Sequence[RawRecord]) -> bool:
    """Whether verifying is nearly all Python: a few records, or signatures that hundreds of them share."""
    looked = batch[::_LOOK_EVERY]
    return len(batch) <= _PART or sum(batch_signed(one.headers) for one in looked) >= _NEARLY_ALL * len(looked)


def _measure(intake: Intake, taken: Taken, records: Sequence[Verified | DeadLetter]) -> None:
    _count(taken.counts, records[: taken.consumed])
    metrics.POSITION.set(taken.head.position)
    metrics.PARKED.set(intake.parked)


def _count(counts: Counts, records: Sequence[Verified | DeadLetter]) -> None:
    metrics.DECIDED.labels("accepted", "").inc(counts.accepted)
    for code, number in counts.codes.items():
        metrics.DECIDED.labels("refused", code).inc(number)
    for record in records:
        if isinstance(record, DeadLetter):
            metrics.DEAD_LETTERS.labels(record.reason).inc()
            _log.warning("writer.dead-letter", reason=record.reason, partition=record.partition, offset=record.offset)
    metrics.REPEATED.inc(counts.repeated)
    metrics.BEYOND_HOLE.inc(counts.beyond_hole)
    if counts.parked:
        _log.error("writer.parked", count=counts.parked)


async def _any_of(stop: asyncio.Event, fenced: asyncio.Event, heart: Heartbeat, done: asyncio.Event) -> None:
    """Ends the follower when told to stop, when fenced, or when the heart found the lock gone."""
    while not (stop.is_set() or fenced.is_set() or done.is_set() or isinstance(heart.error, FencedError)):
        await _pause(stop, 0.1)
    done.set()


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
