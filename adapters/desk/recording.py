"""Making messages of drafts within one transaction: known row or new, gate, number, bytes, signature, outbox and journal.

Invariants: what one recording makes is written whole or not at all; a number is given only to what enters the outbox, the next one of its record key;
nothing is remembered beyond the transaction, since another process may write next, but what nobody has touched (`Remembered`). After a message that
changes a ground, what was held about that subject is judged again before anything else of it is recorded.
"""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from datetime import datetime

from adapters import draft_json
from adapters.desk.correction import changed_row, inherit
from adapters.desk.known_states import KnownStates
from adapters.desk.message_ids import MessageIds
from adapters.desk.outgoing import Outgoing
from adapters.desk.recorded import Recorded, RecordedState
from adapters.desk.release import Release, held_back
from adapters.desk.remembered import Remembered
from adapters.desk.rendering import Ready, digest_of
from adapters.desk.reported_move import as_it_stands
from adapters.desk.sealing import TOO_LONG, Sealing, longest, scope_of
from adapters.desk.signer import Signer
from adapters.drafts import ClientKey, Draft
from adapters.gate import local_gate
from adapters.gate.known_verdicts import moment_of
from adapters.gate.local_gate import Candidate
from adapters.gate.subject_state import EMPTY, Happened
from adapters.gate.verdict import Leaves, OwnReason, Refuses, Stays, Verdict
from adapters.storage.held import HeldEntry
from adapters.storage.import_rows import ImportRow
from adapters.storage.journal import EntryKind, NewEntry, OwnState, shapes_state
from adapters.storage.outbox import Lane
from adapters.storage.quarantine import Origin, Refused
from adapters.storage.unit_store import Transaction
from contracts.catalogue import spec_of
from contracts.codes import RefusalCode
from contracts.envelope import compose
from contracts.errors import ContractsError
from contracts.kafka_record import MAX_VALUE
from contracts.messages.referral import ReferralFacts
from contracts.names import GroundId, MessageId, RecordKey, SubjectId
from contracts.partition import partition_of
from contracts.trust_list import Directory

_PREVIEW = 1
"""The number in the document of a held entry; it gets its own when it leaves."""

_RECORDED = {
    OwnState.WAITING: RecordedState.WAITING,
    OwnState.ACCEPTED: RecordedState.WAITING,
    OwnState.HELD: RecordedState.HELD,
    OwnState.REFUSED: RecordedState.REFUSED,
}


class Recording:
    """One transaction of the desk."""

    def __init__(  # noqa: PLR0913 - what a message is made of, each by name
        self,
        tx: Transaction,
        *,
        signer: Signer,
        directory: Directory | None,
        ids: MessageIds,
        at: datetime,
        lane: Lane = Lane.LIVE,
        remembered: Remembered | None = None,
    ) -> None:
        known = remembered or Remembered()
        self.tx = tx
        self.states = KnownStates(tx, directory, known.states)
        self._signer = signer
        self._unit, self._source = signer.unit, signer.source
        self._directory = directory
        self._ids = ids
        self._at = at
        sealing = Sealing(
            tx, programme=signer.programme, unit=signer.unit, directory=directory, at=at, known=known.keys
        )
        self._longest = longest(sealing=sealing.on)
        self._outgoing = Outgoing(tx, signer, lane, sealing, ids, known.numbers)
        self._verdicts = known.verdicts
        self._moment = moment_of(at)
        self._fresh: Iterator[MessageId] = iter(())
        self._subjects = known.subjects
        self._rows: dict[str, ImportRow] = {}
        self._row_states: dict[MessageId, OwnState] = {}
        self._quarantined: set[str] = set()
        self._changed_rows: dict[str, ImportRow] = {}
        self._entries: list[NewEntry] = []
        self._held: list[HeldEntry] = []
        self._has_held = known.with_held
        self._reshaped: set[SubjectId] = set()
        self._gossip: dict[int, str | None] = {}

    def prefetch(self, drafts: Sequence[Draft]) -> None:
        """Look up at once what many drafts need."""
        clients = dict.fromkeys(draft.client for draft in drafts if draft.client is not None)
        self._meet([client for client in clients if client not in self._subjects])
        if len(drafts) > 1:
            self._fresh = iter(self._ids.many(self._at, len(drafts)))
        local_keys = [draft.local_key for draft in drafts if draft.local_key is not None]
        if not local_keys:
            return
        known = self.tx.import_rows.find(local_keys)
        self._rows |= known
        if known:
            self._row_states |= self.tx.journal.states([row.message_id for row in known.values()])
        self._quarantined |= self.tx.quarantine.open_rows(local_keys)

    def _meet(self, clients: Sequence[ClientKey]) -> None:
        if not clients:
            return
        found = self.tx.clients.ensure(clients, at=self._at)
        subjects = list(dict.fromkeys(found.values()))
        self.states.prefetch(subjects)
        self._outgoing.prefetch([RecordKey(subject) for subject in subjects])
        self._has_held.update(held_back(self.tx, subjects))
        self._subjects.update(found)

    def record(self, draft: Draft, *, subject: SubjectId | None = None, ready: Ready | None = None) -> Recorded:
        """Record one draft, or find that it was recorded before.

        `subject` names a person who is no client here, `ready` what an import has worked out of this very draft.
        """
        subject = self._subject_of(draft) if subject is None else subject
        if subject in self._reshaped:
            self._settle(subject)
        if draft.local_key is None:
            return self._new(draft, subject)
        digest = digest_of(draft, ready)
        known = self._rows.get(draft.local_key)
        if known is None:
            recorded = None if ready is None or subject is None else self._plain(ready, subject)
            return self._remember(draft, digest, recorded or self._new(draft, subject))
        if known.digest == digest or _is_older(draft, known):
            return self._repeated(draft, known)
        return self._changed(draft, known, digest, subject)

    def finish(self, *, late: bool = False) -> list[MessageId]:
        """Write everything, and let go what was held under grounds that changed; returns what left.

        `late` is for whoever does nothing more in this transaction: the rows are written at its end.
        """
        left = [one for subject in sorted(self._reshaped) for one in self._settle(subject)]
        with self.tx.late.gather() if late else nullcontext():
            self._flush()
        return left

    def release(self, subject: SubjectId, *, reshaped: bool) -> list[MessageId]:
        """Judge again what is held about a subject; returns what left (see `Release.subject`)."""
        self._flush()
        self._row_states.clear()
        return Release(self.tx, self.states, self._outgoing, self._ids, self._at).subject(subject, reshaped=reshaped)

    def _settle(self, subject: SubjectId) -> list[MessageId]:
        self._reshaped.discard(subject)
        return self.release(subject, reshaped=True)

    def _subject_of(self, draft: Draft) -> SubjectId | None:
        if draft.client is None:
            return None
        if draft.client not in self._subjects:
            self.prefetch([draft])
        return self._subjects[draft.client]

    def _repeated(self, draft: Draft, known: ImportRow) -> Recorded:
        if draft.changed_at is not None and draft.changed_at != known.changed_at and not _is_older(draft, known):
            self._keep_row(known._replace(changed_at=draft.changed_at))
        state = self._state_of(known.message_id) or OwnState.WAITING
        return Recorded(known.message_id, _RECORDED[state], repeated=True)

    def _state_of(self, message_id: MessageId) -> OwnState | None:
        return self._row_states.get(message_id) or self.tx.journal.states([message_id]).get(message_id)

    def _changed(self, draft: Draft, known: ImportRow, digest: bytes, subject: SubjectId | None) -> Recorded:
        if self._state_of(known.message_id) is OwnState.REFUSED:
            return self._remember(draft, digest, self._new(draft._replace(causationid=known.message_id), subject))
        self._flush()
        correction = changed_row(draft, self.tx.journal.find(known.message_id), subject)
        if isinstance(correction, Refuses):
            return self._refuse(draft, subject, correction)
        recorded = self._new(correction, subject)
        if recorded.state is not RecordedState.REFUSED:
            self._keep_row(ImportRow(known.local_key, digest, known.message_id, draft.changed_at))
        return recorded

    def _remember(self, draft: Draft, digest: bytes, recorded: Recorded) -> Recorded:
        if recorded.message_id is None or draft.local_key is None:
            return recorded
        self._keep_row(ImportRow(draft.local_key, digest, recorded.message_id, draft.changed_at))
        if draft.local_key in self._quarantined:
            self.tx.quarantine.resolve_row(draft.local_key, at=self._at, replacement=recorded.message_id)
        return recorded

    def _keep_row(self, row: ImportRow) -> None:
        self._rows[row.local_key] = row
        self._changed_rows[row.local_key] = row

    def _plain(self, ready: Ready, subject: SubjectId) -> Recorded | None:
        """An import's plain entry, made as `_new` makes it; None where that has to say what is wrong with it."""
        draft, alike = ready.draft, ready.alike
        if alike.moves_referral:
            return None
        verdict = self._verdict(ready, subject)
        if isinstance(verdict, Refuses):
            return None
        key, leaves = RecordKey(subject), isinstance(verdict, Leaves)
        message_id = next(self._fresh, None) or self._ids.next(self._at)
        raw = ready.alike.form.render(
            ready.facts,
            message_id=message_id,
            time=ready.time,
            sequence=self._outgoing.next_number(key) if leaves else _PREVIEW,
            subject=subject,
            checkpoint=self._checkpoint(key),
        )
        if len(raw) > MAX_VALUE:
            return None
        if isinstance(verdict, Stays):
            return self._hold(draft, subject, message_id, raw, verdict)
        self._outgoing.add(message_id, key, raw)
        entry = NewEntry(
            message_id,
            subject,
            self._unit,
            alike.type,
            alike.category,
            draft.time,
            raw,
            EntryKind.OWN,
            self._at,
            state=OwnState.WAITING,
            ground_id=verdict.ground_id,
        )
        self._entries.append(entry)
        self._row_states[message_id] = OwnState.WAITING
        return Recorded(message_id, RecordedState.WAITING)

    def _verdict(self, ready: Ready, subject: SubjectId) -> Verdict:
        state = self.states.of(subject)
        kind = (subject, ready.alike.name)
        known = self._verdicts.find(kind, state, time=ready.moment, at=self._moment)
        if known is not None:
            return known
        draft = ready.draft
        candidate = Candidate(draft.facts, draft.time, draft.category, draft.purpose, has_content=False)
        return self._verdicts.judge(candidate, kind, state, own=self._unit, directory=self._directory, at=self._at)

    def _new(self, given: Draft, subject: SubjectId | None) -> Recorded:
        draft = self._completed(given, subject)
        verdict = self._judge(draft, subject)
        if isinstance(verdict, Refuses):
            return self._refuse(given, subject, verdict)
        message_id = next(self._fresh, None) or self._ids.next(self._at)
        key = RecordKey(subject or self._source)
        spec = spec_of(draft.facts)
        scope = scope_of(spec, draft.category, has_content=draft.content is not None)
        if isinstance(verdict, Leaves):
            self._outgoing.make_way(key, spec.type, scope, at=self._at)
        sequence = self._outgoing.next_number(key) if isinstance(verdict, Leaves) else _PREVIEW
        try:
            raw = self._compose(draft, subject, message_id, sequence)
        except ContractsError as error:
            return self._refuse(given, subject, Refuses(RefusalCode.INVALID_DATA, f"{error.problem}. {error.advice}"))
        if len(raw) > (MAX_VALUE if scope is None else self._longest):
            return self._refuse(given, subject, Refuses(RefusalCode.INVALID_DATA, TOO_LONG))
        if isinstance(verdict, Stays):
            return self._hold(draft, subject, message_id, raw, verdict)
        self._outgoing.add(message_id, key, raw, scope=scope)
        self._enter(draft, subject, message_id, raw, verdict)
        return Recorded(message_id, RecordedState.WAITING)

    def _completed(self, draft: Draft, subject: SubjectId | None) -> Draft:
        """Category, purpose and time where the type or the corrected entry leaves no choice; a reported move as it stands."""
        if subject is not None and isinstance(draft.facts, ReferralFacts):
            known = self.states.of(subject).referrals.get(draft.facts.referral_id)
            draft = draft._replace(facts=as_it_stands(draft.facts, known))
        if draft.corrects is not None:
            self._flush()
            return inherit(draft, self.tx.journal.find(draft.corrects))
        spec = spec_of(draft.facts)
        if draft.category is None and spec.categories is not None and len(spec.categories) == 1:
            return draft._replace(category=next(iter(spec.categories)))
        return draft

    def _judge(self, draft: Draft, subject: SubjectId | None) -> Verdict:
        corrected = None if draft.corrects is None else self.tx.journal.find(draft.corrects)
        if draft.corrects is not None:
            foreign = corrected is None or corrected.kind is not EntryKind.OWN or corrected.subject != subject
            if foreign or corrected is None or corrected.state is OwnState.REFUSED:
                return Refuses(
                    RefusalCode.UNKNOWN_ENTRY, "It corrects no entry that this unit shared about this client."
                )
            if corrected.state is OwnState.HELD:
                return Stays(OwnReason.CORRECTS_HELD, None, "The entry that it corrects is held itself.")
        candidate = Candidate(draft.facts, draft.time, draft.category, draft.purpose, draft.content is not None)
        state = EMPTY if subject is None else self.states.of(subject)
        return local_gate.judge(candidate, state, own=self._unit, directory=self._directory, at=self._at)

    def _compose(self, draft: Draft, subject: SubjectId | None, message_id: MessageId, sequence: int) -> bytes:
        return compose(
            draft.facts,
            id=message_id,
            source=self._source,
            time=draft.time,
            programme=self._signer.programme,
            sequence=sequence,
            subject=subject,
            category=draft.category,
            purpose=draft.purpose,
            actor=draft.actor,
            correlationid=draft.correlationid,
            causationid=draft.causationid,
            corrects=draft.corrects,
            checkpoint=self._checkpoint(RecordKey(subject or self._source)),
            content=draft.content,
        )

    def _checkpoint(self, key: RecordKey) -> str | None:
        """What this unit has verified last of the ledger into which the message goes: gossip that the hub cannot edit."""
        if self._directory is None:
            return None
        listed = self._directory.listed
        shard = partition_of(key, listed.partitions) % listed.shards
        if shard not in self._gossip:
            seen = self.tx.ledger.last(shard)
            self._gossip[shard] = None if seen is None else f"{shard}:{seen.size}:{b64encode(seen.root).decode()}"
        return self._gossip[shard]

    def _enter(
        self, draft: Draft, subject: SubjectId | None, message_id: MessageId, raw: bytes, verdict: Leaves | Stays
    ) -> None:
        spec = spec_of(draft.facts)
        ground_id = verdict.ground_id if isinstance(verdict, Leaves) else None
        state = OwnState.WAITING if isinstance(verdict, Leaves) else OwnState.HELD
        entry = NewEntry(
            message_id=message_id,
            subject=subject,
            author=self._unit,
            type=spec.type,
            category=None if draft.category is None else draft.category.value,
            time=draft.time,
            payload=raw,
            kind=EntryKind.OWN,
            recorded_at=self._at,
            state=state,
            ground_id=ground_id,
        )
        self._entries.append(entry)
        self._row_states[message_id] = state
        if isinstance(verdict, Leaves) and subject is not None and shapes_state(spec.type):
            self._reshape(draft, subject, ground_id)

    def _reshape(self, draft: Draft, subject: SubjectId, ground_id: GroundId | None) -> None:
        happened = Happened(
            facts=draft.facts,
            author=self._unit,
            category=draft.category,
            purpose=draft.purpose,
            time=draft.time,
            recorded=self._at,
            ground_id=ground_id,
        )
        self.states.happened(subject, happened)
        if subject in self._has_held or subject in held_back(self.tx, [subject]):
            self._reshaped.add(subject)

    def _hold(
        self, draft: Draft, subject: SubjectId | None, message_id: MessageId, raw: bytes, verdict: Stays
    ) -> Recorded:
        if subject is None:
            return self._refuse(draft, None, Refuses(RefusalCode.INVALID_DATA, "It names no client."))
        self._enter(draft, subject, message_id, raw, verdict)
        category = None if draft.category is None else draft.category.value
        reason, detail = str(verdict.reason), verdict.detail and str(verdict.detail)
        self._held.append(HeldEntry(message_id, subject, category, reason, detail, self._at))
        self._has_held.add(subject)
        self.states.waits(subject, draft.facts)
        return Recorded(message_id, RecordedState.HELD, reason, verdict.explanation)

    def _refuse(self, draft: Draft, subject: SubjectId | None, verdict: Refuses) -> Recorded:
        refused = Refused(
            origin=Origin.DESK,
            code=verdict.code.value,
            explanation=verdict.explanation,
            quarantined_at=self._at,
            subject=subject,
            local_key=draft.local_key,
            draft=draft_json.write(draft),
        )
        number = self.tx.quarantine.add(refused)
        return Recorded(None, RecordedState.REFUSED, verdict.code.value, verdict.explanation, quarantine=number)

    def _flush(self) -> None:
        self._outgoing.write(at=self._at)
        self.tx.journal.add(self._entries)
        self.tx.held.add(self._held)
        self.tx.import_rows.put(list(self._changed_rows.values()))
        self._entries.clear()
        self._held.clear()
        self._changed_rows.clear()


def _is_older(draft: Draft, known: ImportRow) -> bool:
    """Whether a row shows a state before the one that is known, as an older export imported again does."""
    return draft.changed_at is not None and known.changed_at is not None and draft.changed_at < known.changed_at
