"""Judging held entries again, once a ground may have appeared.

Invariants: entries leave in the order in which they were recorded; what may still not leave stays, with today's reason; what the hub refused for want
of a ground leaves under a new id that names the old one as its cause.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from adapters.desk.known_states import KnownStates
from adapters.desk.message_ids import MessageIds
from adapters.desk.outgoing import Outgoing
from adapters.desk.restamp import rename, restamp
from adapters.desk.sealing import TOO_LONG, longest, scope_of
from adapters.gate.local_gate import Candidate, judge
from adapters.gate.subject_state import Happened
from adapters.gate.verdict import Leaves, OwnReason, Refuses, Stays, Verdict
from adapters.storage.held import HeldEntry
from adapters.storage.journal import Entry, OwnState
from adapters.storage.quarantine import Origin, QuarantineItem, Refused
from adapters.storage.unit_store import Transaction
from contracts.codes import RefusalCode
from contracts.envelope import Message, parse
from contracts.names import GroundId, MessageId, RecordKey, SubjectId


def held_back(tx: Transaction, among: Sequence[SubjectId] | None = None) -> frozenset[SubjectId]:
    """Subjects (of these, where some are named) about whom something waits for a ground."""
    refused = tx.quarantine.subjects_refused_for(RefusalCode.NO_GROUND)
    return tx.held.subjects(among) | (refused if among is None else refused & frozenset(among))


@dataclass(slots=True)
class Release:
    """One transaction's means to let held entries go."""

    tx: Transaction
    states: KnownStates
    outgoing: Outgoing
    ids: MessageIds
    at: datetime

    def subject(self, subject: SubjectId, *, reshaped: bool) -> list[MessageId]:
        """Let go what a ground permits now; returns the ids under which they left.

        What the hub refused for want of a ground is tried again only where something about the subject was `reshaped`: else the two would
        disagree for ever.
        """
        refused = self.tx.quarantine.refused_by_hub(subject, RefusalCode.NO_GROUND) if reshaped else ()
        left = [self._refused_before(item, subject) for item in refused]
        left += [self._held(held, subject) for held in self.tx.held.of_subject(subject)]
        return [one for one in left if one is not None]

    def _held(self, held: HeldEntry, subject: SubjectId) -> MessageId | None:
        entry = self.tx.journal.find(held.message_id)
        if entry is None or entry.payload is None:
            return None
        message = parse(entry.payload)
        match self._judge(message, subject):
            case Leaves() if len(entry.payload) > longest(sealing=self.outgoing.sealing.on):
                self._give_up(entry, Refuses(RefusalCode.INVALID_DATA, TOO_LONG))
            case Leaves(ground_id):
                self.tx.held.remove(held.message_id)
                self._let_go(entry.payload, was=held.message_id, subject=subject, ground_id=ground_id)
                return held.message_id
            case Stays(reason, detail, _):
                self.tx.held.set_reason(held.message_id, str(reason), detail and str(detail))
            case Refuses() as verdict:
                self._give_up(entry, verdict)
        return None

    def _refused_before(self, item: QuarantineItem, subject: SubjectId) -> MessageId | None:
        old, payload = item.refused.message_id, item.refused.draft
        if old is None or payload is None:
            return None
        verdict = self._judge(parse(payload), subject)
        if not isinstance(verdict, Leaves):
            return None
        new = self.ids.next(self.at)
        again = restamp(rename(payload, {old: new}), causationid=old)
        self._let_go(again, was=old, subject=subject, ground_id=verdict.ground_id)
        self.tx.import_rows.rename(old, new)
        self.tx.quarantine.resolve(item.number, at=self.at, replacement=new)
        return new

    def _judge(self, message: Message, subject: SubjectId) -> Verdict:
        corrected = None if message.corrects is None else self.tx.journal.find(message.corrects)
        if corrected is not None and corrected.state is OwnState.HELD:
            return Stays(OwnReason.CORRECTS_HELD, None, "The entry that it corrects is held itself.")
        candidate = Candidate(
            facts=message.facts,
            time=message.time,
            category=message.category,
            purpose=message.purpose,
            has_content=message.data.sealed is not None,
        )
        directory, own = self.states.directory, self.outgoing.signer.unit
        return judge(candidate, self.states.of(subject), own=own, directory=directory, at=self.at)

    def _let_go(self, payload: bytes, *, was: MessageId, subject: SubjectId, ground_id: GroundId | None) -> None:
        key, before = RecordKey(subject), parse(payload)
        scope = scope_of(before.spec, before.category, has_content=before.data.sealed is not None)
        self.outgoing.make_way(key, before.type, scope, at=self.at)
        raw = restamp(payload, sequence=self.outgoing.next_number(key), subject=subject)
        message = parse(raw)
        self.outgoing.add(message.id, key, raw, scope=scope)
        self.tx.journal.change(was, message_id=message.id, payload=raw, state=OwnState.WAITING, ground_id=ground_id)
        happened = Happened(
            facts=message.facts,
            author=message.unit,
            category=message.category,
            purpose=message.purpose,
            time=message.time,
            recorded=self.at,
            ground_id=ground_id,
        )
        self.states.happened(subject, happened)

    def _give_up(self, entry: Entry, verdict: Refuses) -> None:
        self.tx.held.remove(entry.message_id)
        self.tx.journal.set_state(entry.message_id, OwnState.REFUSED)
        refused = Refused(
            origin=Origin.DESK,
            code=verdict.code.value,
            explanation=verdict.explanation,
            quarantined_at=self.at,
            message_id=entry.message_id,
            subject=entry.subject,
            draft=entry.payload,
        )
        self.tx.quarantine.add(refused)
