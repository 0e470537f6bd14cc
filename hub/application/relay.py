"""Dispatch: relays the decisions that intake recorded, as signed, numbered, hash-linked deliveries (DESIGN sections 4, 5 and 7).

Invariants: the log alone says who is given what; what a later closing in the log has overtaken is judged again at the head and not given; what is
withheld before it had a number takes no slot; a (unit, position) pair gets one slot; the signed bytes are committed before they are produced, and
judged again before they are produced again. One step is one transaction.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from contracts.envelope import parse
from contracts.messages.hub import TrustListPublished
from contracts.names import HUB, GroundId, RecordKey, UnitId
from hub.application.case_files import fold
from hub.application.feed_slots import Feeds, Slot
from hub.application.feed_voice import FeedValue, FeedVoice, Unsigned
from hub.application.ports import (
    BackfillRow,
    Clock,
    DeliveryRow,
    Head,
    LogEntry,
    RelayCommit,
    RelayState,
    RelayStore,
    ReplayWish,
)
from hub.application.programme import Programme
from hub.application.reporting import Reporting, Told
from hub.application.retention import Ended, Retention
from hub.domain.decision import Circumstances
from hub.domain.events import MessageAccepted
from hub.domain.outlines import said_in
from hub.domain.recipients import still_given
from hub.domain.support_path import Entry, SupportPath

CHUNK = 500
"""Entries read, or expanded from back-fills, in one step."""

Closings = Mapping[RecordKey | None, int]
"""The position of the last closing of each key, and of the last for all (None), read behind the head."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What one step committed and now wants produced, in this order."""

    values: tuple[FeedValue, ...]
    commit: RelayCommit
    receipts_due: tuple[int, ...] = ()
    replays: tuple[ReplayWish, ...] = ()
    given: tuple[DeliveryRow, ...] = ()
    trust_lists: tuple[bytes, ...] = ()
    """Lists that entered the log in this step, for `hub.directory`: DSSE envelopes."""


@dataclass(slots=True)
class _Step:
    """One step in the making."""

    head: Head
    now: Circumstances
    at_head: "_AtHead"
    slots: list[Slot] = field(default_factory=list)
    taken: set[tuple[UnitId, int]] = field(default_factory=set)
    receipts: list[Unsigned] = field(default_factory=list)
    new_rows: list[BackfillRow] = field(default_factory=list)
    done_rows: list[BackfillRow] = field(default_factory=list)
    changed: list[DeliveryRow] = field(default_factory=list)
    """Old slots whose verdict is another one now."""


class _AtHead:
    """Paths as they stand at the head, loaded once a step and only where something must be judged again."""

    def __init__(self, store: RelayStore) -> None:
        self._store = store
        self._paths: dict[RecordKey, SupportPath] = {}

    def path(self, key: RecordKey) -> SupportPath:
        """The path of a key at the head."""
        if key not in self._paths:
            self._paths[key] = fold(key, self._store.load([key]).get(key, ())).path
        return self._paths[key]


class Relay:
    """The shard's one dispatcher. Not thread-safe: step, produce, `produced`, step, and so on."""

    def __init__(self, store: RelayStore, programme: Programme, voice: FeedVoice, clock: Clock) -> None:
        self._store = store
        self._programme = programme
        self._voice = voice
        self._clock = clock
        self._state = RelayState(0, 0, 0)
        self._feeds: Feeds | None = None
        self._trusted_at = -1
        self._end = 0
        self._reporting: Reporting | None = None
        self._retention: Retention | None = None

    @property
    def programme(self) -> Programme:
        """Trust list and settings as at the head last seen."""
        return self._programme

    @property
    def behind(self) -> int:
        """Events of the log that were not relayed when it was looked at last."""
        return max(0, self._end - self._state.produced)

    def take_over(self) -> Outgoing | None:
        """Become the shard's relay, and give what may not have been produced, judged again at the head."""
        self._state = self._store.take_over()
        head = self._store.head()
        self._programme = self._programme.caught_up(self._store)
        listed = self._programme.directory.listed
        self._feeds = Feeds(listed.programme, shard=head.shard, generation=head.generation, states=self._store.feeds())
        self._reporting = Reporting(self._store, self._programme.voice, shard=head.shard)
        self._retention = Retention(self._store, self._programme.voice)
        step = self._begin(head)
        again = self._again(self._store.unproduced(), step)
        receipts = self._receipts(self._missed_receipts(), head)
        values = self._voice.sign([*again[0], *receipts])
        commit = RelayCommit(
            position=self._state.position, deliveries=_resigned(again[1], values), to_report=step.changed
        )
        self._store.commit(commit, epoch=self._state.epoch)
        return Outgoing(tuple(values), commit) if values else None

    def step(self) -> Outgoing | None:
        """Decide and commit the next chunk; None where there is nothing to do. Raises `FencedError`, `StoreUnavailableError`."""
        assert self._feeds is not None  # noqa: S101 - take_over comes first
        pending = self._store.pending()
        head = pending.head
        self._end = head.position
        entries = self._store.read(self._state.position, limit=CHUNK) if head.position > self._state.position else ()
        ranges = list(self._store.backfills()) if pending.backfills else []
        due = self._store.receipts_due() if pending.receipts else ()
        wishes = self._store.replay_wishes() if pending.replays else ()
        if not entries and not ranges and not due and not wishes:
            return None
        closings = self._store.closings(sorted({entry.event.key for entry in entries}))
        self._follow_trust(entries, closings)
        step = self._begin(head)
        self._expand(step, ranges)
        self._live(step, entries, closings, {(row.unit, row.key) for row in ranges if row not in step.done_rows})
        step.receipts += self._receipts(self._store.at(due) if due else (), head)
        replayed, replayed_rows = self._replay(wishes, step)
        return self._finish(step, entries, due=due, wishes=wishes, replayed=replayed, replayed_rows=replayed_rows)

    def produced(self, outgoing: Outgoing) -> None:
        """The broker acknowledged everything of this step."""
        self._store.mark_produced(
            outgoing.commit, receipts=outgoing.receipts_due, replays=outgoing.replays, epoch=self._state.epoch
        )
        self._state = replace(self._state, produced=outgoing.commit.position)

    def heads(self, units: Iterable[UnitId]) -> list[FeedValue]:
        """Signed heads for these feeds; none while the relay is behind or owes a replay, since a head vouches for what was sent before it."""
        assert self._feeds is not None  # noqa: S101 - take_over comes first
        marks = self._store.input_positions()
        head = self._store.head()
        if self._state.produced < head.position or self._store.backfills() or self._store.replay_wishes():
            return []
        at = self._at(head)
        listed = self._programme.directory.version
        documents = [
            self._voice.head(self._feeds.state(unit), head, marks, at=at, trust_list=listed) for unit in sorted(units)
        ]
        return self._voice.sign(documents)

    def report(self) -> Told | None:
        """What the log is still to be told of deliveries; the same until it stands there. Call it when everything committed was produced."""
        assert self._reporting is not None  # noqa: S101 - take_over comes first
        return self._reporting.next(self._at(self._store.head()), epoch=self._state.epoch)

    def retain(self) -> list[Ended]:
        """What the log is still to be told of what was kept long enough; the same until it stands there."""
        assert self._retention is not None  # noqa: S101 - take_over comes first
        self._programme = self._programme.caught_up(self._store)  # settings change without a new trust list
        periods = self._programme.settings.retention
        if not periods:
            return []
        return self._retention.ended(periods, self._at(self._store.head()), epoch=self._state.epoch)

    def trust_lists(self) -> list[bytes]:
        """Every list in the log in order, for a directory topic that lost its data."""
        return [document.encode() for document in self._programme.documents(self._store)]

    def _at(self, head: Head) -> datetime:
        return max(self._clock.now(), head.last_at)

    def _begin(self, head: Head) -> _Step:
        now = Circumstances(self._programme.directory, self._programme.settings, self._at(head), head.position)
        return _Step(head, now, _AtHead(self._store))

    def _follow_trust(self, entries: Sequence[LogEntry], closings: Closings) -> None:
        """Judge by the trust list at the head, not by the one of the entries' time."""
        closing = closings.get(None, -1)
        last = max((entry.position for entry in entries if _is_trust_list(entry)), default=-1)
        if max(closing, last) > self._trusted_at:
            self._programme = self._programme.caught_up(self._store)
            self._trusted_at = max(closing, last)

    def _live(
        self, step: _Step, entries: Sequence[LogEntry], closings: Closings, waiting: set[tuple[UnitId, RecordKey]]
    ) -> None:
        step.receipts += self._receipts(entries, step.head)
        for entry in entries:
            event = entry.event
            if not isinstance(event, MessageAccepted):
                continue
            overtaken = max(closings.get(event.key, -1), closings.get(None, -1)) > entry.position
            for given in event.recipients:
                if (given.unit, event.key) in waiting and _is_categorised(event):
                    step.new_rows.append(_behind(entry, given.unit, given.ground))
                elif not overtaken or self._judge(step, event.key, entry.position, given.unit):
                    _slot(step, given.unit, given.ground, entry)
            rows = [_row(entry, one.unit, one.ground, one.source, one.through) for one in event.backfills]
            self._expand(step, rows)
            waiting |= {(row.unit, row.key) for row in rows if row not in step.done_rows}

    def _judge(self, step: _Step, key: RecordKey, position: int, unit: UnitId) -> bool:
        """The gate again, at the head. What no ground opens (consents, duties) concerns its parties and is given."""
        path = step.at_head.path(key)
        entry = _entry_at(path, position)
        return entry is None or still_given(path, entry, unit, step.now)

    def _expand(self, step: _Step, rows: Sequence[BackfillRow]) -> None:
        """Give what the ranges open, each entry judged at the head, up to a chunk a step."""
        for row in rows:
            room = CHUNK - len(step.slots)
            if room <= 0:
                step.new_rows.append(row)
                continue
            path = step.at_head.path(row.key)
            behind = sorted(
                (
                    one
                    for one in path.entries.values()
                    if one.author in (row.source, HUB) and row.after < one.position <= row.through
                ),
                key=lambda one: one.position,
            )
            part = behind[:room]
            self._give(step, row, path, part)
            rest = replace(row, after=part[-1].position) if len(behind) > room else None
            (step.new_rows if rest else step.done_rows).append(rest or row)

    def _give(self, step: _Step, row: BackfillRow, path: SupportPath, part: Sequence[Entry]) -> None:
        open_ones = [one for one in part if one.author == row.source and still_given(path, one, row.unit, step.now)]
        given = self._store.given([one.position for one in open_ones]) if open_ones else frozenset()
        wanted = [one.position for one in open_ones if (row.unit, one.position) not in given]
        for entry in self._store.at(wanted) if wanted else ():
            _slot(step, row.unit, row.ground, entry)

    def _replay(self, wishes: Sequence[ReplayWish], step: _Step) -> tuple[list[Unsigned], list[DeliveryRow]]:
        documents: list[Unsigned] = []
        rows: list[DeliveryRow] = []
        first: dict[UnitId, int] = {}
        for wish in wishes:
            if wish.own:
                documents += self._own(wish.unit, step.head)
            else:  # who asked twice is given each slot once: it is signed and stored once a step
                first[wish.unit] = min(wish.sequence, first.get(wish.unit, wish.sequence))
        for unit, asked_from in first.items():
            sequence = asked_from
            while part := self._store.deliveries(unit, from_sequence=sequence, limit=CHUNK):
                more, changed = self._again(part, step)
                documents += more
                rows += changed
                sequence = part[-1].sequence + 1
        return documents, rows

    def _own(self, unit: UnitId, head: Head) -> list[Unsigned]:
        """A restored adapter's own messages, each beside its receipt."""
        source = f"urn:spojka:{self._programme.directory.listed.programme}:{unit}"
        documents, after = [], -1
        while positions := self._store.published(source, after=after, limit=CHUNK):  # type: ignore[arg-type] # a source, made above
            for entry in self._store.at(positions):
                receipt = self._voice.receipt(entry, head)
                if receipt is not None and isinstance(entry.event, MessageAccepted):
                    documents.append(receipt if entry.event.erased else replace(receipt, message=entry.event.message))
            after = positions[-1]
        return documents

    def _again(self, rows: Sequence[DeliveryRow], step: _Step) -> tuple[list[Unsigned], list[DeliveryRow]]:
        """Slots to be produced again: judged at the head, withheld where sharing has ended since."""
        assert self._feeds is not None  # noqa: S101 - take_over comes first
        events = (
            {entry.position: entry for entry in self._store.at(sorted({row.position for row in rows}))} if rows else {}
        )
        documents, judged = [], []
        for row in rows:
            event = events[row.position].event
            assert isinstance(event, MessageAccepted)  # noqa: S101 - only accepted messages have slots
            withheld = row.withheld or event.erased or not self._judge(step, row.key, row.position, row.unit)
            judged.append(replace(row, withheld=withheld))
            if withheld is not row.withheld:
                step.changed.append(judged[-1])
            delivery = self._feeds.document(judged[-1])
            documents.append(self._voice.delivery(delivery, None if withheld else event.message))
        return documents, judged

    def _receipts(self, entries: Iterable[LogEntry], head: Head) -> list[Unsigned]:
        return [receipt for entry in entries if (receipt := self._voice.receipt(entry, head)) is not None]

    def _missed_receipts(self) -> list[LogEntry]:
        missed: list[LogEntry] = []
        position = self._state.produced
        while position < self._state.position:
            part = self._store.read(position, limit=min(CHUNK, self._state.position - position))
            missed += part
            position = part[-1].position + 1 if part else self._state.position
        return missed

    def _finish(  # noqa: PLR0913 - what a step has gathered
        self,
        step: _Step,
        entries: Sequence[LogEntry],
        *,
        due: Sequence[int],
        wishes: Sequence[ReplayWish],
        replayed: list[Unsigned],
        replayed_rows: list[DeliveryRow],
    ) -> Outgoing:
        assert self._feeds is not None  # noqa: S101 - take_over comes first
        rows, feeds = self._feeds.number(step.slots)
        fresh = [
            self._voice.delivery(self._feeds.document(row), slot.message)
            for row, slot in zip(rows, step.slots, strict=True)
        ]
        values = self._voice.sign([*fresh, *replayed, *step.receipts])
        signed = [replace(row, signed=value.envelope) for row, value in zip(rows, values, strict=False)]
        again = _resigned(replayed_rows, [value for value in values[len(fresh) :] if value.envelope])
        position = entries[-1].position + 1 if entries else self._state.position
        commit = RelayCommit(
            position=position,
            deliveries=[*signed, *again],
            backfills=step.new_rows,
            backfills_done=step.done_rows,
            to_report=[*signed, *step.changed],
        )
        self._store.commit(commit, epoch=self._state.epoch)
        self._state = replace(self._state, position=position)
        self._feeds = feeds
        return Outgoing(
            tuple(values),
            commit,
            receipts_due=tuple(due),
            replays=tuple(wishes),
            given=tuple(signed),
            trust_lists=tuple(_trust_list(entry) for entry in entries if _is_trust_list(entry)),
        )


def _resigned(rows: Sequence[DeliveryRow], values: Sequence[FeedValue]) -> list[DeliveryRow]:
    return [replace(row, signed=value.envelope) for row, value in zip(rows, values, strict=False)]


def _slot(step: _Step, unit: UnitId, ground: GroundId | None, entry: LogEntry) -> None:
    assert isinstance(entry.event, MessageAccepted)  # noqa: S101 - the caller looked
    if (unit, entry.position) in step.taken or entry.event.erased:  # it may be erased since the gate was asked
        return
    step.taken.add((unit, entry.position))
    step.slots.append(
        Slot(unit=unit, ground=ground, position=entry.position, key=entry.event.key, message=entry.event.message)
    )


def _row(entry: LogEntry, unit: UnitId, ground: GroundId, source: UnitId, through: int) -> BackfillRow:
    return BackfillRow(
        ordered_at=entry.position,
        unit=unit,
        ground=ground,
        source=source,
        key=entry.event.key,
        after=-1,
        through=through,
    )


def _behind(entry: LogEntry, unit: UnitId, ground: GroundId | None) -> BackfillRow:
    """A live entry that waits behind its unit's back-fill: a range of one."""
    event = entry.event
    assert isinstance(event, MessageAccepted)  # noqa: S101 - the caller looked
    author = said_in(event).unit
    return BackfillRow(
        ordered_at=entry.position,
        unit=unit,
        ground=ground or GroundId(""),
        source=author,
        key=event.key,
        after=entry.position - 1,
        through=entry.position,
    )


def _is_trust_list(entry: LogEntry) -> bool:
    event = entry.event
    if not isinstance(event, MessageAccepted) or event.stream != "notice":
        return False
    return isinstance(parse(event.message.payload).facts, TrustListPublished)


def _trust_list(entry: LogEntry) -> bytes:
    assert isinstance(entry.event, MessageAccepted)  # noqa: S101 - the caller looked
    facts = parse(entry.event.message.payload).facts
    assert isinstance(facts, TrustListPublished)  # noqa: S101 - the caller looked
    return facts.document.encode()


def _is_categorised(event: MessageAccepted) -> bool:
    return event.stream in ("path", "referral") and said_in(event).category is not None


def _entry_at(path: SupportPath, position: int) -> Entry | None:
    return next((one for one in path.entries.values() if one.position == position), None)
