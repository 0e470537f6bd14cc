"""People met twice: pairing codes given and entered, two files of one person proposed, reviewed and separated.

Invariants: a code is returned once and never stored; what a code, a merge or a split says opens no entry and moves none that has left; at most five
codes that led nowhere go out in an hour; why one led nowhere is told to nobody, since nobody here knows.
"""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

from adapters.desk.actions.occasion import NOW, Occasion
from adapters.desk.recorded import Recorded, RecordedState
from adapters.desk.recording import Recording
from adapters.desk.recording_desk import DeskError, RecordingDesk, Tended
from adapters.drafts import ClientKey, Draft
from adapters.gate.subject_state import SubjectState
from adapters.storage.journal import Entry, EntryKind, OwnState
from adapters.storage.pairings import CodeEntered, CodeGiven
from adapters.storage.unit_store import Transaction
from contracts.catalogue import specs
from contracts.envelope import parse
from contracts.errors import ContractsError
from contracts.facts import Facts
from contracts.messages.subject import (
    MergeContent,
    PairingOffered,
    PairingOpened,
    SubjectMerged,
    SubjectPaired,
    SubjectSplit,
)
from contracts.names import MergeId, MessageId, SubjectId, UnitId
from contracts.pairing import (
    NONCE_BYTES,
    RANDOM_BYTES,
    VALID_FOR,
    NotOpenedError,
    meeting_of,
    new_code,
    read_code,
    unwrap,
    wrap,
    written,
)
from contracts.trust_list import Directory

BY_CODE: Final = "pairing-code"
MOST_TRIES: Final = 5
"""Codes that may lead nowhere within `WITHIN`."""
WITHIN: Final = timedelta(hours=1)

ENTRIES_LEFT: Final = "entries-left"
"""The client's entries have left under another subject: both are kept, as two files that a merge can join."""
ANOTHER_CLIENT: Final = "another-client"
"""The person is another client here already."""
NOT_OPENED: Final = "not-opened"
"""What the other unit left does not open: its adapter is at fault."""

_MERGED: Final = next(spec.type for spec in specs() if spec.facts is SubjectMerged)
_FactsT = TypeVar("_FactsT", bound=Facts)


@dataclass(frozen=True, slots=True)
class PairingCode:
    """A fresh code, as it is printed; it cannot be shown again."""

    code: str
    until: datetime
    recorded: Recorded


@dataclass(frozen=True, slots=True)
class MergeRecorded:
    """A merge, or its end, and what became of the message about each side."""

    merge_id: MergeId
    messages: tuple[Recorded, ...]


class PeopleActions(RecordingDesk):
    """What a worker does about a person whom two units, or two files, know."""

    def give_code(self, client: ClientKey, *, occasion: Occasion = NOW) -> PairingCode:
        """A one-time code for a client to hand over to another unit; good for 30 days. Raises `DeskError` for an unknown client."""
        at = self.clock.now()
        code, until = new_code(secrets.token_bytes(RANDOM_BYTES)), at + VALID_FOR
        meeting = meeting_of(code, self.signer.programme)
        with self.store.write() as tx:
            subject = _known(tx, client)
            wrapped = wrap(subject, meeting=meeting, issuer=self.signer.unit, nonce=secrets.token_bytes(NONCE_BYTES))
            recorded = self._say(tx, meeting.subject, PairingOffered(until=until, wrapped=wrapped), occasion)
            tx.pairings.give(CodeGiven(meeting.subject, subject, at, until))
        return PairingCode(written(code), until, recorded)

    def enter_code(self, typed: str, client: ClientKey, *, occasion: Occasion = NOW) -> Recorded:
        """Join the person by the code that the client handed over; what comes of it shows once the hub has answered.

        Raises `PairingCodeError` for what is mistyped, `DeskError` after too many codes that led nowhere, and for a code given out here.
        """
        meeting, at = meeting_of(read_code(typed), self.signer.programme), self.clock.now()
        with self.store.write() as tx:
            if any(one.meeting_subject == meeting.subject for one in tx.pairings.given()):
                raise DeskError("This code was given out here", advice="It is for another unit: hand it to the client.")
            if tx.pairings.led_nowhere(since=at - WITHIN) >= MOST_TRIES:
                raise DeskError(
                    "Too many codes have led nowhere within an hour", advice="Wait an hour, or ask for a new code."
                )
            recorded = self._say(tx, meeting.subject, SubjectPaired(method=BY_CODE), occasion)
            if recorded.message_id is not None:
                tx.pairings.enter(meeting, client, recorded.message_id, at=at)
        return recorded

    def propose_merge(
        self, one: SubjectId, other: SubjectId, *, method: str, evidence: str | None = None, occasion: Occasion = NOW
    ) -> MergeRecorded:
        """Say that two subjects are one person, to units that have a reason to share on both sides; one of another institution reviews it.

        Raises `DeskError` where it is one subject, or where no unit of another institution can review.
        """
        if one == other:
            raise DeskError("These are one client already", advice="Name two clients.")
        merge_id = MergeId(self._ids.next(self.clock.now()))
        with self.store.write() as tx:
            recording = self._recording(tx)
            tell = self._reviewers(recording, one, other)
            facts = SubjectMerged(merge_id=merge_id, method=method, tell=tell)
            content = None if evidence is None else MergeContent(evidence=evidence)
            return self._on_sides(recording, merge_id, (one, other), facts, content=content, occasion=occasion)

    def review_merge(
        self, merge_id: MergeId, *, method: str, evidence: str | None = None, occasion: Occasion = NOW
    ) -> MergeRecorded:
        """Agree that two subjects are one person, as another institution proposed. Raises `DeskError` unless both sides are known here."""
        with self.store.write() as tx:
            sides = _sides(tx, merge_id)
            if len(sides) < 2:  # noqa: PLR2004 - both
                raise DeskError(
                    "This unit was not told of both sides",
                    advice="Only a unit with a reason to share on both can review it.",
                )
            proposers = tuple(sorted({author for authors in sides.values() for author in authors} - {self.signer.unit}))
            facts = SubjectMerged(merge_id=merge_id, method=method, tell=proposers or (self.signer.unit,))
            content = None if evidence is None else MergeContent(evidence=evidence)
            return self._on_sides(
                self._recording(tx), merge_id, sorted(sides), facts, content=content, occasion=occasion
            )

    def split(
        self, merge_id: MergeId, *, reason: str, note: str | None = None, occasion: Occasion = NOW
    ) -> MergeRecorded:
        """Undo a merge, or turn a proposal down: each side shows alone again from now on. Raises `DeskError` where it is not known here."""
        with self.store.write() as tx:
            sides = _sides(tx, merge_id)
            if not sides:
                raise DeskError("This unit was told of no such merge", advice="Look at the list of merges.")
            content = None if note is None else MergeContent(note=note)
            facts = SubjectSplit(merge_id=merge_id, reason=reason)
            return self._on_sides(
                self._recording(tx), merge_id, sorted(sides), facts, content=content, occasion=occasion
            )

    def tend(self, subjects: Collection[SubjectId] | None = None) -> Tended:
        """What the unit owes without being asked; and what codes have brought."""
        tended = super().tend(subjects)
        with self.store.read() as tx:
            waiting = tx.pairings.not_joined() or tx.pairings.unopened()
        if waiting:
            with self.store.write() as tx:
                self._note_who_joined(tx)
                self._open_entered(tx)
        return tended

    def _note_who_joined(self, tx: Transaction) -> None:
        for code in tx.pairings.not_joined():
            found = _first_given(tx, code.meeting_subject, SubjectPaired)
            if found is None:
                continue
            entry, _ = found
            facts = SubjectPaired(method=BY_CODE, joined=entry.author)
            self._say(tx, code.subject, facts, NOW, cause=entry.message_id)
            tx.pairings.joined(code.meeting_subject, entry.author, at=self.clock.now())

    def _open_entered(self, tx: Transaction) -> None:
        for code in tx.pairings.unopened():
            found = _first_given(tx, code.meeting_subject, PairingOpened)
            if found is None or tx.journal.states([code.message_id]).get(code.message_id) is OwnState.REFUSED:
                continue
            _, facts = found
            subject, fault = self._opened(tx, code, facts)
            tx.pairings.opened(code.number, issuer=facts.issuer, subject=subject, fault=fault, at=self.clock.now())

    def _opened(self, tx: Transaction, code: CodeEntered, facts: PairingOpened) -> tuple[SubjectId | None, str | None]:
        meeting = code.meeting
        try:
            if meeting is None:
                return None, NOT_OPENED
            subject = unwrap(facts.wrapped, meeting=meeting, issuer=facts.issuer)
        except NotOpenedError:
            return None, NOT_OPENED
        owner = tx.clients.client_of(subject)
        if owner is not None and owner != code.client:
            return subject, ANOTHER_CLIENT
        try:
            self._join(tx, subject, code.client)
        except DeskError:
            self._second_file(tx, subject, code.client, facts.issuer)
            return subject, ENTRIES_LEFT
        return subject, None

    def _second_file(self, tx: Transaction, subject: SubjectId, client: ClientKey, issuer: UnitId) -> None:
        """The issuing unit's side of the client, under a case number of its own: `<case>/<unit>`."""
        beside = ClientKey(f"{client}/{issuer}")
        if tx.clients.subject_of(beside) is None:
            tx.clients.link(beside, subject, at=self.clock.now())

    def _reviewers(self, recording: Recording, one: SubjectId, other: SubjectId) -> tuple[UnitId, ...]:
        """Units that something in force names on both sides, as far as this unit knows."""
        directory, at = self._directory(), self.clock.now()
        if directory is None:
            raise DeskError("No trust list has come yet", advice="Wait for the hub.")
        named = [_named(recording.states.of(side), directory, at) for side in (one, other)]
        if any(self.signer.unit not in names for names in named):
            raise DeskError(
                "This unit has no reason to share on one side", advice="Take or confirm a consent there first."
            )
        told = tuple(sorted((named[0] & named[1]) - {self.signer.unit}))
        home = directory.units[self.signer.unit].institution
        if all(directory.units[unit].institution == home for unit in told):
            raise DeskError(
                "No unit of another institution has a reason to share on both sides",
                advice="Somebody there must review it: the consents of both sides have to name them.",
            )
        return told

    def _on_sides(  # noqa: PLR0913 - what is said about each side, by name
        self,
        recording: Recording,
        merge_id: MergeId,
        sides: Sequence[SubjectId],
        facts: Facts,
        *,
        content: MergeContent | None,
        occasion: Occasion,
    ) -> MergeRecorded:
        draft = Draft(None, facts, occasion.time or self.clock.now(), content, actor=occasion.actor)
        recorded = tuple(recording.record(draft, subject=side) for side in sides)
        recording.finish()
        return MergeRecorded(merge_id, recorded)

    def _say(
        self, tx: Transaction, subject: SubjectId, facts: Facts, occasion: Occasion, *, cause: MessageId | None = None
    ) -> Recorded:
        recording = self._recording(tx)
        draft = Draft(None, facts, occasion.time or self.clock.now(), actor=occasion.actor, causationid=cause)
        recorded = recording.record(draft, subject=subject)
        recording.finish()
        if recorded.state is not RecordedState.WAITING:
            raise DeskError(
                "This desk does not let it go", advice=recorded.explanation or "Look at what is to correct."
            )
        return recorded


def _known(tx: Transaction, client: ClientKey) -> SubjectId:
    subject = tx.clients.subject_of(client)
    if subject is None:
        raise DeskError("There is no such client here", advice="See `client list`, or enrol the client first.")
    return subject


def _named(state: SubjectState, directory: Directory, at: datetime) -> frozenset[UnitId]:
    """Collectors, sources and recipients of what is in force, as this unit knows it."""
    found: set[UnitId] = set()
    for ground in state.grounds.values():
        for opening in ground.openings:
            if not ground.active(at) or at >= opening.until:
                continue
            kind, _, name = opening.recipient.partition(":")
            named = {UnitId(name)} if kind == "unit" else directory.by_role.get(name, frozenset())
            found |= {ground.collector} | opening.sources | named
    return frozenset(found & directory.units.keys())


def _sides(tx: Transaction, merge_id: MergeId) -> dict[SubjectId, set[UnitId]]:
    """The sides of a merge that this unit was told of, with who said it."""
    sides: dict[SubjectId, set[UnitId]] = {}
    for entry in tx.journal.of_type(_MERGED):
        facts = _facts(entry)
        if entry.subject is None or entry.state is OwnState.REFUSED:
            continue
        if isinstance(facts, SubjectMerged) and facts.merge_id == merge_id:
            sides.setdefault(entry.subject, set()).add(entry.author)
    return sides


def _first_given(tx: Transaction, subject: SubjectId, kind: type[_FactsT]) -> tuple[Entry, _FactsT] | None:
    for entry in tx.journal.of_subject(subject):
        facts = _facts(entry) if entry.kind is EntryKind.GIVEN else None
        if isinstance(facts, kind):
            return entry, facts
    return None


def _facts(entry: Entry) -> Facts | None:
    try:
        return None if entry.payload is None else parse(entry.payload).facts
    except ContractsError:
        return None
