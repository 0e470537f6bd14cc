"""What the unit owes: reports of reads, answers to obligations, and what keeps its feed in order.

Invariants: an obligation is answered only after what it names was erased, in the same transaction; the statement counts what was really here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final, Literal

from adapters.desk.actions.occasion import NOW, Occasion
from adapters.desk.recorded import Recorded, RecordedState
from adapters.desk.recording_desk import DeskError, RecordingDesk
from adapters.drafts import ClientKey, Draft
from adapters.storage.feed_places import ChainState
from adapters.storage.journal import Entry, EntryKind, OwnState
from adapters.storage.obligations import KeptObligation
from adapters.storage.unit_store import Transaction
from contracts.catalogue import PREFIX
from contracts.categories import Category, Purpose
from contracts.envelope import parse
from contracts.messages.access import Emergency, HiddenByLaw, RecordAccessed
from contracts.messages.erasure import ErasureCarriedOut, ErasureRequested
from contracts.messages.feed import FeedAcknowledged, ReplayRequested
from contracts.messages.obligation import ObligationAnswered
from contracts.names import ActorId, Code, GroundId, MessageId, MessageType, ObligationId, SubjectId, UnitId

_REQUESTED: Final = MessageType(f"{PREFIX}erasure.requested.v1")
_CARRIED_OUT: Final = MessageType(f"{PREFIX}erasure.carried-out.v1")


@dataclass(frozen=True, slots=True)
class Statement:
    """What the unit did about an obligation; `exports` are copies outside the adapter that were destroyed too."""

    kind: Literal["erased", "kept-under-law", "restricted"] = "erased"
    basis: Code | None = None
    until: datetime | None = None
    exports: int = 0


@dataclass(frozen=True, slots=True)
class Access:
    """One look at a path, or the attempt."""

    reader: ActorId
    reader_unit: UnitId
    outcome: Literal["read", "refused"] = "read"
    purpose: Purpose = Purpose.SUPPORT
    categories: tuple[Category, ...] = ()
    entries: tuple[MessageId, ...] = ()
    reason: Code | None = None
    ground_id: GroundId | None = None
    emergency: Emergency | None = None
    hidden: HiddenByLaw | None = None


@dataclass(frozen=True, slots=True)
class AskedErasure:
    """One request for erasure that this unit made, and the hub's certificate once it came."""

    message_id: MessageId
    subject: SubjectId
    asked_at: datetime
    categories: tuple[Category, ...]
    """Empty: everything."""
    carried_out: ErasureCarriedOut | None


class DutyActions(RecordingDesk):
    """What the unit reports and answers."""

    def ask_erasure(
        self, client: ClientKey, categories: Sequence[Category] = (), *, occasion: Occasion = NOW
    ) -> Recorded:
        """The client wants what was shared until now erased at all institutions. The unit's own records stay its own business."""
        facts = ErasureRequested(categories=tuple(dict.fromkeys(categories)))
        return self.record(Draft(client, facts, occasion.time or self.clock.now(), actor=occasion.actor))

    def erasures(self) -> Sequence[AskedErasure]:
        """All that was asked for here, the oldest first."""
        with self.store.read() as tx:
            done = {
                facts.request_id: facts
                for entry in tx.journal.of_type(_CARRIED_OUT)
                if entry.payload is not None and isinstance(facts := parse(entry.payload).facts, ErasureCarriedOut)
            }
            asked = [one for one in tx.journal.of_type(_REQUESTED) if one.state is not OwnState.REFUSED]
            return [found for entry in asked if (found := _asked(entry, done)) is not None]

    def report_access(self, subject: SubjectId, access: Access) -> Recorded:
        """Who looked at what, refused attempts too; it goes to the hub alone."""
        with self.store.read() as tx:
            seen = max((state.sequence for state in tx.places.chains()), default=0)
        facts = RecordAccessed(
            reader=access.reader,
            reader_unit=access.reader_unit,
            purpose_of_access=access.purpose,
            categories=access.categories,
            entries=access.entries,
            outcome=access.outcome,
            reason=access.reason,
            ground_id=access.ground_id,
            feed_sequence=seen,
            emergency=access.emergency,
            hidden=access.hidden,
        )
        draft = Draft(None, facts, self.clock.now(), actor=access.reader)
        return self._record_all([draft], subject=subject)[0]

    def answer_obligation(
        self, obligation_id: ObligationId, statement: Statement, *, occasion: Occasion = NOW
    ) -> Recorded:
        """Erase what the obligation names (unless it is kept or restricted) and say so. Raises `DeskError` where none is open."""
        with self.store.write() as tx:
            kept = tx.obligations.find(obligation_id)
            if kept is None or kept.answered_at is not None:
                raise DeskError("No such obligation is open here", advice="Look at the list of open obligations.")
            concerned = _concerned(tx, kept)
            if statement.kind == "erased":
                tx.journal.erase(concerned)
            facts = ObligationAnswered(
                obligation_id=obligation_id,
                statement=statement.kind,
                basis=statement.basis,
                until=statement.until,
                entries=len(concerned),
                exports=statement.exports,
                digest=digest_of(concerned),
            )
            recording = self._recording(tx)
            draft = Draft(None, facts, occasion.time or self.clock.now(), actor=occasion.actor)
            recorded = recording.record(draft, subject=kept.subject)
            recording.finish()
            if recorded.message_id is None or recorded.state is not RecordedState.WAITING:
                raise DeskError(
                    "The answer was not accepted by this desk", advice="Correct the statement; nothing was erased."
                )
            tx.obligations.answer(obligation_id, message_id=recorded.message_id, at=self.clock.now())
        self.store.scrub()
        return recorded

    def acknowledge_feed(self, state: ChainState) -> Recorded:
        """Everything up to here is stored; the topic may be trimmed."""
        facts = FeedAcknowledged(
            shard=state.shard, generation=state.generation, feed_sequence=state.sequence, link=state.link.hex()
        )
        return self.record(Draft(None, facts, self.clock.now()))

    def ask_replay(
        self, *, shard: int, generation: int, from_sequence: int, scope: Literal["feed", "own"] = "feed"
    ) -> Recorded:
        """The unit lacks its feed from a number on, or (`own`) what it published itself before its database was restored."""
        facts = ReplayRequested(shard=shard, generation=generation, from_sequence=from_sequence, scope=scope)
        return self.record(Draft(None, facts, self.clock.now()))


def _asked(entry: Entry, done: Mapping[MessageId, ErasureCarriedOut]) -> AskedErasure | None:
    if entry.payload is None or entry.subject is None:
        return None
    facts = parse(entry.payload).facts
    categories = facts.categories if isinstance(facts, ErasureRequested) else ()
    return AskedErasure(entry.message_id, entry.subject, entry.time, categories, done.get(entry.message_id))


def _concerned(tx: Transaction, kept: KeptObligation) -> list[MessageId]:
    found = [(message_id, tx.journal.find(message_id)) for message_id in kept.facts.entries]
    return sorted(message_id for message_id, entry in found if entry is not None and entry.kind is not EntryKind.OWN)


def digest_of(message_ids: list[MessageId]) -> str:
    """SHA-256 over the sorted ids, each on a line of its own."""
    return sha256("".join(f"{one}\n" for one in sorted(message_ids)).encode()).hexdigest()
