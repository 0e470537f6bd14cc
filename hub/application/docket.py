"""The docket: one batch being decided, with everything that its commit will hold.

Invariants: decisions see what the decisions before them in the same batch changed; positions are those that the commit will give; the hub's own
follow-up messages come directly behind what caused them, signed and decided by the same rules; a fault in deciding one message leaves no trace of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, cast
from uuid import UUID, uuid4

from contracts.categories import Category
from contracts.codes import RefusalCode
from contracts.envelope import Attributes, Message, parse
from contracts.gate import GATE_VERSION
from contracts.messages.erasure import ErasureRequested, RetentionEnded
from contracts.messages.feed import ReplayRequested
from contracts.messages.hub import SettingsChanged, TrustListPublished
from contracts.messages.key import KeyDeposited
from contracts.messages.referral import ReferralFacts
from contracts.names import HUB, MessageId, RecordKey, Source
from contracts.partition import partition_of
from contracts.signed_bytes import SignedBytes
from hub.application.case_files import CaseFile
from hub.application.ports import (
    Closing,
    Commit,
    DeadLetter,
    Deposited,
    Erasing,
    Head,
    Indexed,
    Parked,
    ParkedWish,
    ReplayWish,
    Timer,
    month_of,
)
from hub.application.programme import Programme, notice_name
from hub.application.verification import Verified, sealed_key_of
from hub.domain import support_path
from hub.domain import timers as timer_rules
from hub.domain.deciding import decide, is_hole, programme_fault, sequence_fault
from hub.domain.decision import Accepted, Circumstances, Decision, FollowUp, Refused, TimerWish
from hub.domain.deposits import deposit_fault
from hub.domain.events import Basis, Event, MessageAccepted, MessageRefused, StoredMessage, StoredProof, StreamKind
from hub.domain.known_recipients import KnownRecipients
from hub.domain.naming import deterministic_uuid
from hub.domain.outlines import outline_of
from hub.domain.shards import hub_key
from hub.domain.support_path import Erasure, SupportPath
from projections.kafka.positions import InputPosition

_NO_STATE: Final[StreamKind] = "notice"


@dataclass(slots=True)
class _Draft:
    """What one message adds to the commit: taken over whole, or dropped whole."""

    events: list[Event] = field(default_factory=list)
    indexed: list[Indexed] = field(default_factory=list)
    closings: list[Closing] = field(default_factory=list)
    timers: list[Timer] = field(default_factory=list)
    replays: list[ReplayWish] = field(default_factory=list)
    deposits: list[Deposited] = field(default_factory=list)
    erasing: list[Erasing] = field(default_factory=list)
    files: dict[RecordKey, CaseFile] = field(default_factory=dict)
    programme: Programme | None = None

    def emptied(self) -> "_Draft":
        """Itself, for the next message: to make one a message takes longer."""
        for content in (
            self.events,
            self.indexed,
            self.closings,
            self.timers,
            self.replays,
            self.deposits,
            self.erasing,
        ):
            content.clear()
        self.files.clear()
        self.programme = None
        return self


class Docket:
    """One batch. Give it records in order, then ask for the commit."""

    def __init__(  # noqa: PLR0913 - everything that a batch is decided by
        self,
        programme: Programme,
        *,
        head: Head,
        at: datetime,
        files: Mapping[RecordKey, CaseFile],
        known: Mapping[tuple[Source, MessageId], Indexed],
        parked: Mapping[tuple[Source, MessageId], RecordKey],
    ) -> None:
        self.programme = programme
        self.files = dict(files)
        self.rules_changed = False
        self._head = head
        self._at = at
        self._bases: dict[int, Basis] = {}
        self._known = dict(known)
        self._waiting = dict(parked)
        self._parked_keys = set(parked.values())
        self._recipients = KnownRecipients()
        self._draft, self._done = _Draft(), _Draft()
        self._dead: list[DeadLetter] = []
        self._parked: list[Parked] = []
        self._receipts_due: list[int] = []
        self._cleared: list[UUID] = []
        self._unparked: list[tuple[Source, MessageId]] = []
        self._wishes: list[int] = []

    def bury(self, letter: DeadLetter) -> None:
        """Keep a dead letter."""
        self._dead.append(letter)

    def free(self, messages: Sequence[Parked], wish: ParkedWish) -> None:
        """What was parked under the wish's key is to be decided now, in its order."""
        self._unparked += [(one.source, one.message_id) for one in messages]
        self._wishes.append(wish.number)

    def decide(self, record: Verified, *, operator_refuses: bool = False) -> str:
        """Decide one record: `accepted`, `repeated`, `beyond-hole`, `parked`, `waiting` (parked before), or the code of the refusal."""
        before = self._known.get((record.attributes.source, record.attributes.id))
        if before is not None and before.digest == record.signed.digest:
            self._receipts_due.append(before.position)
            return "repeated"
        if (record.attributes.source, record.attributes.id) in self._waiting:
            return "waiting"
        if record.key in self._parked_keys:
            return self._park(record, "stands behind a parked message")
        draft = self._draft.emptied()
        try:
            outcome = self._decide(record, draft, reused=before is not None, operator_refuses=operator_refuses)
        except Exception as fault:  # noqa: BLE001 - whatever it is, it must not cost the batch: parked with an alarm
            return self._park(record, f"{type(fault).__name__}: {fault}")
        self._adopt(draft)
        return outcome

    def enter_list(self, facts: TrustListPublished, time: datetime) -> Refused | None:
        """Say a trust list and decide it as if it came by the inbox; why it cannot stand, or None."""
        draft, listed = _Draft(), self.programme.directory.listed
        _, signed = self.programme.voice.say(facts, name=notice_name(facts), at=time)
        message = parse(signed.payload)
        key = hub_key(self._head.shard, partitions=listed.partitions, shards=listed.shards)
        decision = self._rules(self._file(key, draft), message, self._circumstances(self._next_position(draft)))
        if isinstance(decision, Refused):
            return decision
        self._write(key, signed, message, message, decision=decision, draft=draft)
        self._adopt(draft)
        return None

    def fire(self, timer: Timer, wish: TimerWish) -> None:
        """Let a timer speak, if the state has not moved on. A fault leaves no trace, the timer stays set."""
        draft = _Draft()
        case = self._file(timer.key, draft)
        follow_up = timer_rules.fire(case.path, wish, self._circumstances(self._next_position(draft)))
        if follow_up is not None:
            self._follow(follow_up, draft)
        self._cleared.append(timer.timer_id)
        self._adopt(draft)

    def commit(self, inputs: Sequence[InputPosition]) -> Commit:
        """All that the batch writes."""
        done = self._done
        return Commit(
            at=self._at,
            events=done.events,
            indexed=done.indexed,
            inputs=inputs,
            closings=done.closings,
            timers_set=done.timers,
            timers_cleared=self._cleared,
            receipts_due=self._receipts_due,
            dead_letters=self._dead,
            parked=self._parked,
            unparked=self._unparked,
            wishes_done=self._wishes,
            replays=done.replays,
            deposits=done.deposits,
            erasing=done.erasing,
        )

    def _park(self, record: Verified, fault: str) -> str:
        self._parked_keys.add(record.key)
        self._waiting[record.attributes.source, record.attributes.id] = record.key
        raw = record.record
        self._parked.append(
            Parked(
                key=record.key,
                source=record.attributes.source,
                message_id=record.attributes.id,
                topic=raw.topic,
                partition=raw.partition,
                offset=raw.offset,
                value=raw.value or b"",
                headers=raw.headers,
                fault=fault,
            )
        )
        return "parked"

    def _decide(self, record: Verified, draft: _Draft, *, reused: bool, operator_refuses: bool) -> str:
        attributes = record.attributes
        case = self._file(record.key, draft)
        now = self._circumstances(self._next_position(draft))
        fault = programme_fault(attributes.programme, now)
        if fault is None and reused:
            fault = Refused(RefusalCode.ID_REUSED, "this id came before with other bytes", advances=False)
        if fault is None and attributes.unit != HUB:
            if is_hole(case.path, attributes.source, attributes.sequence):
                return "beyond-hole"
            fault = sequence_fault(case.path, attributes.source, attributes.sequence)
        if fault is None and record.fault is not None:
            fault = Refused(record.fault.code, record.fault.reason)
        if fault is None and operator_refuses:
            fault = Refused(RefusalCode.OPERATOR_REFUSED, "parked after a fault of the hub, refused by its operator")
        deposited = _deposited_by(record.message)
        if fault is None and deposited is not None:
            fault = deposit_fault(deposited, sealed_key_of(record.record), now)
        decision = fault or self._rules(case, record.message, now)
        if deposited is not None and isinstance(decision, Accepted):
            draft.deposits.append(Deposited(now.position, sealed_key_of(record.record) or b""))
        return self._write(record.key, record.signed, attributes, record.message, decision=decision, draft=draft)

    def _rules(self, case: CaseFile, message: Message | None, now: Circumstances) -> Decision:
        assert message is not None  # noqa: S101 - without a message there is a fault
        return self.programme.fault(message, now.at) or decide(case.path, message, now)

    def _write(  # noqa: PLR0913 - one message with its decision
        self,
        key: RecordKey,
        signed: SignedBytes,
        attributes: Attributes,
        message: Message | None,
        *,
        decision: Decision,
        draft: _Draft,
    ) -> str:
        if isinstance(decision, Refused):
            self._refuse(key, signed, attributes, decision, draft)
            return decision.code
        assert message is not None  # noqa: S101 - only a message is accepted
        self._accept(key, signed, message, decision, draft)
        for follow_up in decision.follow_ups:
            self._follow(follow_up, draft)
        return "accepted"

    def _accept(self, key: RecordKey, signed: SignedBytes, message: Message, decision: Accepted, draft: _Draft) -> None:
        case = self._file(key, draft)
        position, digest = self._next_position(draft), signed.digest
        name = stream_of(message)
        stream_id, version = case.streams.get(name, (None, 0))
        event = MessageAccepted.made(
            originator_id=stream_id or uuid4(),
            originator_version=version + 1,
            key=key,
            at=self._at,
            stream=name[0],
            stream_key=name[1],
            message=_stored(signed),
            basis=self._basis(case),
            recipients=decision.recipients,
            backfills=decision.backfills,
            outline=outline_of(message, digest),
        )
        draft.events.append(event)
        draft.indexed.append(Indexed(message.source, message.id, digest, position))
        if name[0] != _NO_STATE or message.unit != HUB:
            path = support_path.evolve(case.path, event, message, position)
            draft.files[key] = CaseFile(path, {**case.streams, name: (event.originator_id, event.originator_version)})
        if decision.closes:
            draft.closings.append(Closing(key, position))
        if isinstance(message.facts, (ErasureRequested, RetentionEnded)):
            asked = support_path.erasure_of(message, message.facts, position)
            draft.erasing.append(erasing_of(key, asked, case.path, behind=position - self._head.position + 1))
        draft.timers += [self._timer(key, wish) for wish in decision.timers]
        self._notice(message, draft, position)

    def _notice(self, message: Message, draft: _Draft, position: int) -> None:
        match facts := message.facts:
            case TrustListPublished():
                draft.programme = self.programme.after_trust_list(facts, self._at)
                draft.closings.append(Closing(None, position))
            case SettingsChanged():
                draft.programme = self.programme.after_settings(facts)
            case ReplayRequested():
                shard = None if facts.shard == self._head.shard else facts.shard
                wish = ReplayWish(message.unit, facts.from_sequence, own=facts.scope == "own", shard=shard)
                if facts.shard < self.programme.directory.listed.shards:
                    draft.replays.append(wish)
            case _:
                pass

    def _refuse(
        self, key: RecordKey, signed: SignedBytes, attributes: Attributes, decision: Refused, draft: _Draft
    ) -> None:
        case, position, digest = self._file(key, draft), self._next_position(draft), signed.digest
        name: tuple[StreamKind, str] = (
            (_NO_STATE, attributes.id) if attributes.unit == HUB and not attributes.subject else ("path", "")
        )
        stream_id, version = case.streams.get(name, (None, 0))
        event = MessageRefused.made(
            originator_id=stream_id or uuid4(),
            originator_version=version + 1,
            key=key,
            at=self._at,
            source=attributes.source,
            message_id=attributes.id,
            type=attributes.type,
            sequence=attributes.sequence,
            digest=digest,
            code=decision.code,
            basis=self._basis(case),
            stream=name[0],
            stream_key=name[1],
            advances=decision.advances,
            last_sequence=decision.last_sequence,
        )
        draft.events.append(event)
        if decision.code is not RefusalCode.ID_REUSED:
            draft.indexed.append(Indexed(attributes.source, attributes.id, digest, position))
        if name[0] == _NO_STATE:
            return
        streams = {**case.streams, name: (event.originator_id, event.originator_version)}
        draft.files[key] = CaseFile(support_path.refuse(case.path, event), streams)

    def _follow(self, follow_up: FollowUp, draft: _Draft) -> None:
        """Sign what the hub must say and decide it by the same rules; what the rules refuse is not said."""
        key = RecordKey(follow_up.subject)
        case = self._file(key, draft)
        category, purpose = None, None
        if isinstance(follow_up.facts, ReferralFacts):
            referral = case.path.referrals[follow_up.facts.referral_id]
            category, purpose = referral.category, referral.purpose
        message_id, signed = self.programme.voice.say(
            follow_up.facts,
            name=follow_up.name,
            at=self._at,
            subject=follow_up.subject,
            category=category,
            purpose=purpose,
        )
        message = parse(signed.payload)
        if (message.source, message_id) in self._known:
            return
        decision = decide(case.path, message, self._circumstances(self._next_position(draft)))
        if isinstance(decision, Accepted):
            self._write(key, signed, message, message, decision=decision, draft=draft)

    def _adopt(self, draft: _Draft) -> None:
        done = self._done
        done.events += draft.events
        done.indexed += draft.indexed
        done.closings += draft.closings
        done.timers += draft.timers
        done.replays += draft.replays
        done.deposits += draft.deposits
        done.erasing += draft.erasing
        self.files |= draft.files
        self._known |= {(one.source, one.message_id): one for one in draft.indexed}
        if draft.programme is not None:
            self.programme = draft.programme
            self.rules_changed = True

    def _file(self, key: RecordKey, draft: _Draft) -> CaseFile:
        case = draft.files.get(key) or self.files.get(key) or CaseFile.empty(key)
        if case.fault is not None:
            raise ValueError(f"the events of this key cannot be folded ({case.fault})")
        return case

    def _next_position(self, draft: _Draft) -> int:
        return self._head.position + len(self._done.events) + len(draft.events)

    def _circumstances(self, position: int) -> Circumstances:
        return Circumstances(self.programme.directory, self.programme.settings, self._at, position, self._recipients)

    def _basis(self, case: CaseFile) -> Basis:
        grounds_position = case.path.grounds_position
        basis = self._bases.get(grounds_position)
        if basis is None:
            basis = self._bases[grounds_position] = Basis.made(
                gate=GATE_VERSION,
                grounds_position=grounds_position,
                trust_list=self.programme.directory.version,
                settings=self.programme.settings.version,
            )
        return basis

    def _timer(self, key: RecordKey, wish: TimerWish) -> Timer:
        return Timer(
            timer_id=deterministic_uuid(timer_rules.name_of(key, wish)),
            due=wish.due,
            key=key,
            partition=partition_of(key, self.programme.directory.listed.partitions),
            kind=wish.kind,
            reference=wish.reference,
        )


def erasing_of(key: RecordKey, asked: Erasure, path: SupportPath, *, behind: int) -> Erasing:
    """What an erasure destroys: of each month in which something of these categories was recorded that stays, nothing yet. Its own turn comes."""
    categories = asked.categories or frozenset(Category)
    stays = (one for one in path.entries.values() if one.category in categories and not asked.covers(one))
    return Erasing(
        behind=behind,
        key=key,
        scopes=frozenset(one.value for one in categories),
        spared=frozenset(month_of(datetime.fromtimestamp(one.recorded, UTC)) for one in stays),
    )


def _deposited_by(message: Message | None) -> KeyDeposited | None:
    facts = None if message is None else message.facts
    return facts if isinstance(facts, KeyDeposited) else None


def stream_of(message: Message) -> tuple[StreamKind, str]:
    """Kind and key of the stream that the message belongs to. The hub's notices are a stream each: they need no state."""
    kind = cast("StreamKind", message.spec.stream)
    facts = message.facts
    if kind == "ground":
        return kind, getattr(facts, "consent_id", "") or getattr(facts, "ground_id", "")
    if isinstance(facts, ReferralFacts):
        return kind, facts.referral_id
    if kind == _NO_STATE and message.unit == HUB:
        return kind, message.id
    return kind, ""


def _stored(signed: SignedBytes) -> StoredMessage:
    proof = signed.proof
    return StoredMessage.made(
        payload=signed.payload,
        key_id=signed.key_id,
        signature=signed.signature,
        proof=None if proof is None else StoredProof.made(size=proof.size, index=proof.index, path=proof.path),
    )
