"""Running every decision of one record key again, with the hub's own pure rules.

Invariants: nothing of the log is believed: keys come from trust lists whose chain begins at a root key, the state from folding what was verified; a
decision must rest on what stood in the log when it was made, and give the message to exactly those to whom it was given. Refusals hold no content,
so of them only numbers, basis and times are checked; of an erased entry everything but the signature, by its outline, and that its erasure was
recorded. One record key's decisions rest on no other's, so they can be run in any order of keys.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from heapq import heappop, heappush

from contracts.codes import RefusalCode
from contracts.envelope import Message
from contracts.errors import ContractsError
from contracts.gate import GATE_VERSION
from contracts.messages.hub import SettingsChanged, TrustListPublished
from contracts.names import HUB, MessageId, RecordKey
from contracts.signed_bytes import BatchRoots
from hub.application.case_files import CaseFile, advance
from hub.application.ports import LogEntry
from hub.application.programme import notice_name
from hub.audit import places
from hub.audit.columns import Columns, Kind, kind_of
from hub.audit.consequences import Consequences, Deliveries, Overdue
from hub.audit.findings import Finding, FindingCode
from hub.audit.gossip import Gossip
from hub.audit.reads import Reads
from hub.audit.releases import NamedKeys, Released, Releases
from hub.audit.reports import Reports, Told
from hub.audit.signatures import Said
from hub.audit.timeline import Timeline
from hub.domain.deciding import decide, programme_fault
from hub.domain.decision import Accepted, Circumstances, Refused
from hub.domain.events import Backfill, Given, MessageAccepted, MessageRefused
from hub.domain.naming import deterministic_id
from hub.domain.outlines import outline_of
from hub.domain.recipients import erased

_ODD = (ContractsError, LookupError, ValueError, TypeError, AssertionError)
"""What pure rules raise for a log that no hub wrote."""
_NO_LEAF = bytes(32)


@dataclass(frozen=True, slots=True)
class Ground:
    """What all decisions of a log rest on beside a client's own path."""

    timeline: Timeline
    reports: Reports
    columns: Columns
    last: tuple[int, datetime] | None
    """Position and time of the last event; None of an empty log."""
    roots: BatchRoots = field(default_factory=BatchRoots)
    releases: Releases = field(default_factory=Releases)
    cut_off: bool = False
    """Whether the rows end before the log did: then what erased something may have come later."""


@dataclass(slots=True)
class Reexecution:
    """One record key, run again from its first event on."""

    key: RecordKey
    ground: Ground
    counts: Counter[str]
    gossip: Gossip = field(default_factory=Gossip)
    _case: CaseFile = field(init=False)
    _follows: Consequences = field(init=False)
    _deliveries: Deliveries = field(default_factory=Deliveries)
    _keys: NamedKeys = field(default_factory=NamedKeys)
    _reads: Reads = field(default_factory=Reads)
    _told: list[Told] = field(default_factory=list)
    _erased: list[tuple[int, MessageId]] = field(default_factory=list)
    reported: set[int] = field(default_factory=set)
    """Where deliveries of these events were reported."""

    def __post_init__(self) -> None:
        self._case = CaseFile.empty(self.key)
        self._follows = Consequences(self._case.path)

    def run(self, entries: Iterable[Said]) -> Iterator[Finding | Overdue]:
        """Everything that is wrong with the events of this key, given in their order; the state goes on either way."""
        before, released = -1, list[Released]()
        for one in entries:
            position = one.entry.position
            released += self.ground.releases.of(position)
            self._told_of(position)
            yield from self._judge_told(position)
            if position <= before:
                yield Finding(FindingCode.GAP, position, f"stands behind {before}")
            before = position
            yield from self._take(one)
        yield from self._judge_told(None)
        for key in released:
            yield from self._keys.fault(key)
        yield from self._uncovered()
        if self.ground.last is not None:
            position, at = self.ground.last
            now = self.ground.timeline.before(position, at)
            if now is not None:
                yield from self._follows.at_the_end(now)

    def _uncovered(self) -> Iterator[Finding]:
        """Entries whose content is gone without anybody having had it erased."""
        path = self._case.path
        for position, name in () if self.ground.cut_off else self._erased:
            entry = path.entries.get(name)
            if entry is None or not erased(path, entry):
                yield Finding(FindingCode.ERASED, position, "the content is missing and nobody had it erased")

    def _told_of(self, position: int) -> None:
        """What was said of deliveries and releases of a position waits until the place at which it was said."""
        for told in self.ground.reports.of(position):
            self.reported.add(told.reported)
            heappush(self._told, told)
        for key in self.ground.releases.of(position):
            heappush(self._told, key.told)

    def _judge_told(self, until: int | None) -> Iterator[Finding]:
        while self._told and (until is None or self._told[0].reported < until):
            yield from self._deliveries.reported(heappop(self._told), self._case.path)

    def _take(self, said: Said) -> Iterator[Finding | Overdue]:
        (event, position), case, now, message = (
            (said.entry.event, said.entry.position),
            self._case,
            said.now,
            said.message,
        )
        yield from places.of_stream(case, event, position)
        if isinstance(event, MessageRefused):
            self.counts["refused"] += 1
            self._note(event, said.leaf, position)
            yield from places.of_refused(case, event, position)
            if now is not None:
                yield from self._follows.before(None, None, now)
                self._follows.heard(event.source, event.message_id)
                yield from self._basis(event, now, now.directory.version)
        elif isinstance(event, MessageAccepted):
            self.counts["accepted"] += 1
            self.counts["deliveries"] += len(event.recipients)
            if message is None:
                self.ground.columns.unreadable(position, said.leaf)
                yield Finding(FindingCode.NOT_PERMITTED, position, "the message is none")
            else:
                self._came(event, message, said.leaf, position)
                yield from self._outline(event, message, position)
                self.gossip.hear(message, position)
                yield from _unbroken(self._accepted(event, message, said), position)
        if not places.is_notice(event):
            yield from self._advance(said.entry, message)
        if now is not None:
            self._follows.settled(self._case.path, now)

    def _outline(self, event: MessageAccepted, message: Message, position: int) -> Iterator[Finding]:
        if event.erased:
            self._erased.append((position, message.id))
        elif event.outline is not None and event.outline != outline_of(message, sha256(event.message.payload).digest()):
            yield Finding(FindingCode.OTHER_OUTLINE, position, "the outline is not the message's")

    def _advance(self, entry: LogEntry, message: Message | None) -> Iterator[Finding]:
        try:
            self._case = advance(self._case, entry, message)
        except _ODD as error:
            detail = f"does not follow from what came before: {type(error).__name__}"
            yield Finding(FindingCode.NOT_PERMITTED, entry.position, detail)

    def _note(self, event: MessageRefused, leaf: bytes, position: int) -> None:
        self.ground.columns.put(
            position,
            leaf=leaf,
            at=event.at,
            source=event.source,
            message_id=event.message_id,
            kind=kind_of(event.code),
        )

    def _came(self, event: MessageAccepted, message: Message, leaf: bytes, position: int) -> None:
        self.ground.columns.put(
            position, leaf=leaf, at=event.at, source=message.source, message_id=message.id, kind=Kind.ACCEPTED
        )

    def _basis(self, event: MessageAccepted | MessageRefused, now: Circumstances, listed: int) -> Iterator[Finding]:
        found, basis = event.basis, self._case.path.grounds_position
        if (found.gate, found.grounds_position, found.settings) != (GATE_VERSION, basis, now.settings.version):
            yield Finding(FindingCode.WRONG_BASIS, now.position, f"gate {found.gate}, grounds {found.grounds_position}")
        elif listed and found.trust_list != listed:
            yield Finding(FindingCode.WRONG_BASIS, now.position, f"trust list {found.trust_list}, not {listed}")

    def _accepted(self, event: MessageAccepted, message: Message, said: Said) -> Iterator[Finding | Overdue]:
        now, position = said.now, said.entry.position
        if now is None:
            yield Finding(FindingCode.UNTRUSTED_LIST, position, "something was decided before there was a trust list")
            return
        yield from self._follows.before(event, message, now)
        yield from places.of_accepted(event, message, now.directory.listed, position)
        if said.fault is not None:
            yield Finding(FindingCode.BAD_SIGNATURE, position, said.fault)
        expected = self._case.path.last_sequence(message.source) + 1
        if message.unit != HUB and message.sequence != expected:
            yield Finding(FindingCode.NUMBER, position, f"{message.sequence} where {expected} is next")
        yield from self._decision(event, message, now)
        yield from self._reads.take(message, self._case.path, now)
        self._deliveries.decided(event, message.unit, position)
        self._keys.decided(message, position)

    def _decision(self, event: MessageAccepted, message: Message, now: Circumstances) -> Iterator[Finding]:
        yield from self._basis(event, now, 0 if _is_first(message) else now.directory.version)
        decision = (
            programme_fault(message.programme, now)
            or _notice_fault(message, now)
            or decide(self._case.path, message, now)
        )
        if isinstance(decision, Accepted):
            self._follows.after(decision, now)
        if isinstance(decision, Refused):
            yield Finding(FindingCode.NOT_PERMITTED, now.position, decision.code)
        elif not _alike(decision.recipients, event.recipients) or not _alike(decision.backfills, event.backfills):
            should = ", ".join(sorted(one.unit for one in decision.recipients)) or "nobody"
            were = ", ".join(sorted(one.unit for one in event.recipients)) or "nobody"
            yield Finding(FindingCode.OTHER_RECIPIENTS, now.position, f"given to {were}, by the rules to {should}")


def _alike(should: Sequence[Given] | Sequence[Backfill], were: Sequence[Given] | Sequence[Backfill]) -> bool:
    """The same, in whatever order; nearly always it is the same order too."""
    return should == were or set(should) == set(were)


def _is_first(message: Message) -> bool:
    return isinstance(message.facts, TrustListPublished) and message.facts.version == 1


def _notice_fault(message: Message, now: Circumstances) -> Refused | None:
    """What `Programme.fault` refuses, but for the chain of lists, which the timeline checks."""
    facts = message.facts
    if not isinstance(facts, (TrustListPublished, SettingsChanged)):
        return None
    named = message.id == deterministic_id(f"{message.programme}/{notice_name(facts)}")
    follows = isinstance(facts, TrustListPublished) or facts.version == now.settings.version + 1
    return None if named and follows else Refused(RefusalCode.INVALID_DATA)


def _unbroken(findings: Iterator[Finding | Overdue], position: int) -> Iterator[Finding | Overdue]:
    """What the rules cannot even judge is a finding too."""
    try:
        yield from findings
    except _ODD as error:
        yield Finding(FindingCode.NOT_PERMITTED, position, f"cannot be run again: {type(error).__name__}")
