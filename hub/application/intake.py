"""Intake: from verified messages to one commit that holds everything that follows from them (DESIGN sections 4, 5 and 7).

Invariants: one batch is one transaction with its input positions; a message is decided only after the one numbered before it; the same bytes
again have no effect but make their receipt due; what an unexpected fault met is parked with everything behind it of the same key, and costs no
other message. After any error of the store nothing of the batch is remembered.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from contracts.names import HUB, MessageId, RecordKey, Source
from contracts.trust_list import Directory
from hub.application.case_files import CaseFiles
from hub.application.docket import Docket
from hub.application.ports import (
    Clock,
    Commit,
    DeadLetter,
    Head,
    Parked,
    ParkedWish,
    Timer,
    UnusableListError,
    WriterStore,
)
from hub.application.programme import Programme
from hub.application.verification import Verified
from hub.domain.decision import TimerWish
from hub.domain.timers import name_of
from projections.kafka.positions import InputPosition, RawRecord

Check = Callable[[RawRecord, Directory, datetime], Verified | DeadLetter]
"""`Verifier.check`."""


@dataclass(slots=True)
class Counts:
    """What became of the records of a batch."""

    accepted: int = 0
    refused: int = 0
    repeated: int = 0
    dead: int = 0
    parked: int = 0
    waiting: int = 0
    """Parked before, and come again."""
    beyond_hole: int = 0
    codes: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decided:
    """A batch that is decided and not written yet; `write` it before anything else is decided."""

    docket: Docket
    inputs: Sequence[InputPosition]
    counts: Counts
    consumed: int

    @property
    def directory(self) -> Directory:
        """The trust list by which what follows is judged."""
        return self.docket.programme.directory


@dataclass(frozen=True, slots=True)
class Taken:
    """How many records of the batch were decided and committed; fewer than given where a new trust list changes how the rest is judged."""

    consumed: int
    counts: Counts
    head: Head


class Intake:
    """The shard's one writer. Not thread-safe: one step at a time."""

    def __init__(
        self, store: WriterStore, programme: Programme, clock: Clock, *, files: CaseFiles | None = None
    ) -> None:
        self._store = store
        self._programme = programme
        self._clock = clock
        self._files = files or CaseFiles(store)
        self._head: Head | None = None
        self._parked: Mapping[tuple[Source, MessageId], RecordKey] = {}
        self._stuck = set[UUID]()

    @property
    def parked(self) -> int:
        """How many messages are parked: each waits for the operator."""
        return len(self._parked)

    @property
    def stuck_timers(self) -> int:
        """Timers that met an unexpected fault; they are tried again by the next writer."""
        return len(self._stuck)

    @property
    def directory(self) -> Directory:
        """The trust list by which the next message is judged."""
        return self._programme.directory

    @property
    def head(self) -> Head | None:
        """The head row as this writer last saw it."""
        return self._head

    def take_over(self) -> Head:
        """Become the shard's writer: fence the one before, forget everything, read what is parked, see to it that the log has a trust list.

        Raises `UnusableListError` where the configured list cannot be the first.
        """
        self._files.forget()
        self._head = self._store.take_over()
        self._parked = self._store.waiting()
        self._enter_list()
        return self._head

    def _enter_list(self) -> None:
        """The configured list goes into the log before anything is decided under it, by the same door as every later one."""
        to_enter = self._programme.list_to_enter(self.now())
        if to_enter is None:
            return
        docket = self._docket(())
        refused = docket.enter_list(*to_enter)
        if refused is not None:
            raise UnusableListError(
                f"The configured trust list cannot be used: {refused.reason}.",
                advice="Publish a newer one with `spojka-hub trust-list publish`, or set the clock right.",
            )
        self._commit(docket, (), Counts(), 0)

    def recover(self) -> Head:
        """After an error of the store: forget everything and read the head row again. Raises `FencedError` when replaced."""
        self._files.forget()
        self._head = self._store.head()
        self._parked = self._store.waiting()
        return self._head

    def now(self) -> datetime:
        """The log's time: never before the event before."""
        now = self._clock.now()
        return now if self._head is None else max(now, self._head.last_at)

    def take(self, records: Sequence[Verified | DeadLetter], raw: Sequence[RawRecord], *, at: datetime) -> Taken:
        """Decide and write a batch; `raw` are the records that were checked, one for each. Raises as `decide` and `write` do."""
        return self.write(self.decide(records, raw, at=at))

    def decide(self, records: Sequence[Verified | DeadLetter], raw: Sequence[RawRecord], *, at: datetime) -> Decided:
        """Decide a batch, of which nothing is remembered before `write`; `at`: when its signers were looked up, so that the log never holds what
        was signed by a key that had ended.

        Raises `FencedError` and `StoreUnavailableError`: call `recover` and give the same batch again.
        """
        docket = self._docket((record for record in records if isinstance(record, Verified)), at=at)
        counts = Counts()
        consumed = 0
        for record in records:
            consumed += 1
            if isinstance(record, DeadLetter):
                docket.bury(record)
                counts.dead += 1
            else:
                _count(counts, docket.decide(record))
            if docket.rules_changed:
                break
        return Decided(docket, _furthest(raw[:consumed]), counts, consumed)

    def write(self, decided: Decided) -> Taken:
        """Commit what was decided last. Raises as `decide` does, with nothing written."""
        return self._commit(decided.docket, decided.inputs, decided.counts, decided.consumed)

    def anything_due(self) -> bool:
        """True where some timer is due by now."""
        return bool(self._due(limit=1))

    def fire(self, *, limit: int = 200) -> int:
        """Decide what is due; returns how many timers were due."""
        due = self._due(limit=limit)
        if not due:
            return 0
        docket = self._docket((), keys=[timer.key for timer in due], said=[self._said_by(timer) for timer in due])
        for timer in due:
            try:
                docket.fire(timer, _wish(timer))
            except Exception:  # noqa: BLE001 - whatever it is, it must not silence the other clients' timers; told as a metric
                self._stuck.add(timer.timer_id)
        self._commit(docket, (), Counts(), 0)
        return len(due)

    def carry_out(self, check: Check) -> Counts:
        """Do what the operator asks about parked messages, each wish in one commit; `check` verifies a record as at the door."""
        counts = Counts()
        for wish in self._store.wishes():
            self._free(wish, check, counts)
        return counts

    def _free(self, wish: ParkedWish, check: Check, counts: Counts) -> None:
        at, parked = self.now(), self._store.parked(wish.key)
        records = [check(_as_it_came(one), self.directory, at) for one in parked]
        docket = self._docket((one for one in records if isinstance(one, Verified)), at=at, freed=wish.key)
        docket.free(parked, wish)
        for number, record in enumerate(records):
            if isinstance(record, DeadLetter):
                docket.bury(record)
                counts.dead += 1
            else:
                refuses = wish.verb == "refuse" or (wish.verb == "refuse-first" and number == 0)
                _count(counts, docket.decide(record, operator_refuses=refuses))
        self._commit(docket, (), counts, 0)

    def _due(self, *, limit: int) -> list[Timer]:
        """What is due, without what met a fault before."""
        found = self._store.due_timers(self.now(), limit=limit + len(self._stuck))
        return [timer for timer in found if timer.timer_id not in self._stuck][:limit]

    def _said_by(self, timer: Timer) -> tuple[Source, MessageId]:
        """What a timer says when it speaks: a grant may end at an instant of which was told before."""
        return self._programme.voice.named(name_of(timer.key, _wish(timer)))

    def _docket(
        self,
        records: Iterable[Verified],
        keys: Iterable[str] = (),
        *,
        at: datetime | None = None,
        said: Sequence[tuple[Source, MessageId]] = (),
        freed: RecordKey | None = None,
    ) -> Docket:
        if self._head is None:
            self.recover()
        assert self._head is not None  # noqa: S101 - recover has set it
        listed = list(records)
        # The hub's own messages about no subject need no state: each is a stream of its own.
        wanted = {record.key for record in listed if record.attributes.unit != HUB or record.attributes.subject}
        files = self._files.open(wanted | {*keys})  # type: ignore[arg-type] # record keys all
        ids = [*((record.attributes.source, record.attributes.id) for record in listed), *said]
        known = self._store.find(ids) if ids else {}
        parked = {place: key for place, key in self._parked.items() if key != freed}
        now = self.now() if at is None else max(at, self._head.last_at)
        return Docket(self._programme, head=self._head, at=now, files=files, known=known, parked=parked)

    def _commit(self, docket: Docket, inputs: Sequence[InputPosition], counts: Counts, consumed: int) -> Taken:
        assert self._head is not None  # noqa: S101 - set before a docket is made
        written: Commit = docket.commit(inputs)
        self._head = self._store.commit(written, head=self._head)
        self._files.keep(docket.files)
        if written.parked or written.unparked:
            freed = set(written.unparked)
            parked = {place: key for place, key in self._parked.items() if place not in freed}
            self._parked = parked | {(one.source, one.message_id): one.key for one in written.parked}
        counts.parked += len(written.parked)
        self._programme = docket.programme
        return Taken(consumed, counts, self._head)


def _count(counts: Counts, outcome: str) -> None:
    match outcome:
        case "accepted":
            counts.accepted += 1
        case "repeated":
            counts.repeated += 1
        case "beyond-hole":
            counts.beyond_hole += 1
        case "waiting":
            counts.waiting += 1
        case "parked":
            pass
        case code:
            counts.refused += 1
            counts.codes[code] = counts.codes.get(code, 0) + 1


def _furthest(raw: Sequence[RawRecord]) -> tuple[InputPosition, ...]:
    """The input positions behind a run of records: one a partition, so that few fingerprints are made."""
    last = {(record.topic, record.partition): record for record in raw}
    return tuple(InputPosition.behind(record) for record in last.values())


def _as_it_came(parked: Parked) -> RawRecord:
    """The record again; from which broker it came no longer matters."""
    return RawRecord(
        topic=parked.topic,
        partition=parked.partition,
        offset=parked.offset,
        incarnation="parked",
        key=parked.key.encode(),
        value=parked.value,
        headers=parked.headers,
        timestamp_ms=0,
    )


def _wish(timer: Timer) -> TimerWish:
    return TimerWish(timer.kind, timer.reference, timer.due)
