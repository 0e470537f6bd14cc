"""The core of the desk: drafts in, messages out, held entries released.

Invariants: each public call is one transaction (an import: one a chunk), so a crash leaves nothing half; a draft is never lost.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice
from typing import Final

from adapters import draft_json
from adapters.desk.message_ids import MessageIds
from adapters.desk.recorded import Recorded
from adapters.desk.recording import Recording
from adapters.desk.release import held_back
from adapters.desk.remembered import Remembered
from adapters.desk.rendering import Ready, Rendering
from adapters.desk.renumbering import Renumbering
from adapters.desk.sealing import Sealing
from adapters.desk.signer import Signer
from adapters.drafts import ClientKey, Draft
from adapters.errors import AdapterError
from adapters.storage.import_rows import ImportRow
from adapters.storage.journal import EntryKind
from adapters.storage.outbox import Lane
from adapters.storage.quarantine import Origin, Refused
from adapters.storage.unit_store import Transaction, UnitStore
from contracts.envelope import parse
from contracts.messages.referral import ReferralReceived
from contracts.names import MessageId, MessageType, SubjectId
from contracts.referral_table import ReferralState
from contracts.trust_list import Directory
from projections.process.clock import Clock

CHUNK: Final = 2000
"""Drafts of an import in one transaction."""

_SENT: Final = MessageType("eu.spojka.referral.sent.v1")


class DeskError(AdapterError):
    """The desk cannot do what was asked; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Tended:
    """What the desk did by itself."""

    released: tuple[MessageId, ...] = ()
    received: tuple[MessageId, ...] = ()
    """`referral.received`, once per referral to this unit."""
    renumbered: int = 0


@dataclass(slots=True)
class _Coming:
    """The drafts of an import, a chunk at hand, each with what its message is made of."""

    drafts: Iterator[Draft]
    rendering: Rendering
    chunk: list[tuple[Draft, Ready | None]] = field(default_factory=list)

    def take(self) -> None:
        """Go on to the next chunk, an empty one at the end."""
        self.chunk = [(draft, self.rendering.ready(draft)) for draft in islice(self.drafts, CHUNK)]


class RecordingDesk:
    """Records for one unit. Safe to call from several threads and processes: the database lets one write at a time."""

    def __init__(
        self,
        store: UnitStore,
        *,
        signer: Signer,
        directory: Callable[[], Directory | None],
        clock: Clock,
        ids: MessageIds | None = None,
    ) -> None:
        self.store = store
        self.signer = signer
        self.clock = clock
        self._directory = directory
        self._ids = ids or MessageIds()

    def record(self, draft: Draft) -> Recorded:
        """Record one draft, in front of what waits in bulk."""
        return self._record_all([draft])[0]

    def record_many(self, drafts: Iterable[Draft], *, bulk: bool = True) -> Iterator[Recorded]:
        """Record an import, one answer a draft in their order and once it is durable.

        Works as it is iterated, a transaction each `CHUNK` drafts; the next drafts are taken while those before are made durable.
        """
        coming = _Coming(iter(drafts), Rendering(self.signer.programme, self.signer.source))
        remembered, lane = Remembered(), Lane.BULK if bulk else Lane.LIVE
        coming.take()
        while coming.chunk:
            yield from self._record_chunk(coming, lane, remembered)

    def tend(self, subjects: Collection[SubjectId] | None = None) -> Tended:
        """What the unit owes without being asked: run after each stretch of the feed with the subjects that it reshaped, and at start with none.

        Lets held entries go that a ground permits now, says `referral.received`, and makes messages again after a restore.
        """
        with self.store.write() as tx:
            renumbered = self._renumber(tx)
            recording = self._recording(tx)
            received = [self._receive(recording, subject) for subject in sorted(self._with_referrals(tx, subjects))]
            back = held_back(tx, None if subjects is None else list(subjects))
            released = [recording.release(subject, reshaped=subjects is not None) for subject in sorted(back)]
            recording.finish()
        return Tended(tuple(_flat(released)), tuple(_flat(received)), renumbered)

    def release_held(self, subject: SubjectId) -> tuple[MessageId, ...]:
        """Judge again what is held about a subject; returns what left."""
        return self.tend([subject]).released

    def adopt(self, subject: SubjectId, client: ClientKey) -> None:
        """Join a person who came by the feed with this unit's own client. What is held about the client goes along.

        Raises `DeskError` where either is joined with another, or the client's entries have left under another subject.
        """
        with self.store.write() as tx:
            self._join(tx, subject, client)

    def resend(self, number: int, corrected: Draft) -> Recorded:
        """Send the corrected draft in place of a quarantined item, under a new id. Raises `DeskError` where there is no open item."""
        with self.store.write() as tx:
            item = tx.quarantine.find(number)
            if item is None or item.resolved_at is not None:
                raise DeskError(f"Quarantine has no open item {number}", advice="Look at the list of open items.")
            draft = _caused_by(corrected, item.refused.message_id)
            recording = self._recording(tx)
            recorded = recording.record(draft, subject=None if draft.client else item.refused.subject)
            recording.finish()
            if recorded.message_id is not None:
                tx.quarantine.resolve(number, at=self.clock.now(), replacement=recorded.message_id)
                _remember_row(tx, item.refused, recorded.message_id)
        return recorded

    def draft_of(self, number: int) -> Draft | None:
        """What a person corrects of a quarantined item; None for a row that never became a draft."""
        with self.store.read() as tx:
            item = tx.quarantine.find(number)
            if item is None or item.refused.draft is None or item.refused.origin is Origin.ROW:
                return None
            if item.refused.message_id is None:
                return draft_json.read(item.refused.draft)
            message = parse(item.refused.draft)
            client = None if message.subject is None else tx.clients.client_of(message.subject)
            return draft_json.of_message(message, client)

    def quarantine_row(self, local_key: str, *, code: str, explanation: str, row: bytes | None = None) -> int:
        """Keep a row of which a connector could make no draft; returns its number. The same row again is the same item."""
        refused = Refused(Origin.ROW, code, explanation, self.clock.now(), local_key=local_key, draft=row)
        with self.store.write() as tx:
            return tx.quarantine.add(refused)

    def _record_all(self, drafts: list[Draft], *, subject: SubjectId | None = None) -> list[Recorded]:
        with self.store.write(bulk=len(drafts) > 1) as tx:
            recording = self._recording(tx)
            recording.prefetch(drafts)
            recorded = [recording.record(draft, subject=subject) for draft in drafts]
            recording.finish()
        return recorded

    def _record_chunk(self, coming: _Coming, lane: Lane, remembered: Remembered) -> list[Recorded]:
        chunk = coming.chunk
        with self.store.write(bulk=len(chunk) > 1, meanwhile=coming.take) as tx:
            recording = self._recording(tx, lane, remembered)
            recording.prefetch([draft for draft, _ in chunk])
            recorded = [recording.record(draft, ready=ready) for draft, ready in chunk]
            recording.finish(late=True)
        return recorded

    def _recording(self, tx: Transaction, lane: Lane = Lane.LIVE, remembered: Remembered | None = None) -> Recording:
        directory = self._directory()
        if remembered is not None:
            remembered.begin(self.store, tx, directory)
        return Recording(
            tx,
            signer=self.signer,
            directory=directory,
            ids=self._ids,
            at=self.clock.now(),
            lane=lane,
            remembered=remembered,
        )

    def _renumber(self, tx: Transaction) -> int:
        at, signer = self.clock.now(), self.signer
        sealing = Sealing(tx, programme=signer.programme, unit=signer.unit, directory=self._directory(), at=at)
        return Renumbering(tx, signer, self._ids, at, sealing).run()

    def _with_referrals(self, tx: Transaction, subjects: Collection[SubjectId] | None) -> frozenset[SubjectId]:
        if subjects is not None:
            return frozenset(subjects)
        sent = tx.journal.of_type(_SENT)
        return frozenset(one.subject for one in sent if one.kind is EntryKind.GIVEN and one.subject is not None)

    def _receive(self, recording: Recording, subject: SubjectId) -> list[MessageId]:
        received = []
        for known in list(recording.states.of(subject).referrals.values()):
            if known.parties.target != self.signer.unit or known.state is not ReferralState.SENT:
                continue
            facts = ReferralReceived(referral_id=known.referral_id)
            draft = Draft(None, facts, self.clock.now(), category=known.category, purpose=known.purpose)
            recorded = recording.record(draft, subject=subject)
            received += [recorded.message_id] if recorded.message_id is not None else []
        return received

    def _join(self, tx: Transaction, subject: SubjectId, client: ClientKey) -> None:
        owner, before = tx.clients.client_of(subject), tx.clients.subject_of(client)
        if owner == client:
            return
        if owner is not None:
            raise DeskError("This person is another client here already", advice="Look for a client entered twice.")
        if before is None:
            tx.clients.link(client, subject, at=self.clock.now())
            return
        self._move(tx, client, before, subject)

    def _move(self, tx: Transaction, client: ClientKey, before: SubjectId, subject: SubjectId) -> None:
        own = [entry for entry in tx.journal.of_subject(before) if entry.kind is EntryKind.OWN]
        held = {one.message_id for one in tx.held.of_subject(before)}
        if any(entry.message_id not in held for entry in own):
            raise DeskError(
                "Entries about this client have left under another subject",
                advice="Ask the other unit to pair: two subjects are joined by a merge, not here.",
            )
        for entry in own:
            tx.journal.change(entry.message_id, subject=subject)
        tx.held.move(before, subject)
        tx.clients.relink(client, subject, at=self.clock.now())
        recording = self._recording(tx)
        recording.release(subject, reshaped=True)
        recording.finish()


def _caused_by(draft: Draft, refused: MessageId | None) -> Draft:
    return draft if refused is None else draft._replace(causationid=refused, local_key=None)


def _remember_row(tx: Transaction, refused: Refused, message_id: MessageId) -> None:
    """The row that could not be sent became this message: the same row again is no new one."""
    if refused.local_key is not None and refused.draft is not None:
        tx.import_rows.put([ImportRow(refused.local_key, sha256(refused.draft).digest(), message_id)])


def _flat(lists: Iterable[Iterable[MessageId]]) -> Iterator[MessageId]:
    for one in lists:
        yield from one
