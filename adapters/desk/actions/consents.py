"""Consents: taken, attested, extended, narrowed, withdrawn; and restriction of processing.

Invariants: one message per recipient under one consent id, so that no recipient learns of the others; no unit stands among the sources of what it is
itself to receive; a civil date ends in the programme's time zone.
"""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from hashlib import sha256
from typing import Final

from adapters.desk.actions.occasion import NOW, Occasion
from adapters.desk.recorded import Recorded
from adapters.desk.recording import Recording
from adapters.desk.recording_desk import DeskError, RecordingDesk
from adapters.drafts import ClientKey, Draft
from contracts.categories import Category, Purpose
from contracts.facts import Facts
from contracts.grants import Grant, Recipient
from contracts.grounds import Ground, Opening
from contracts.messages.consent import (
    ConsentAttested,
    ConsentContent,
    ConsentExtended,
    ConsentGiven,
    ConsentNarrowed,
    ConsentRefused,
    ConsentWithdrawn,
)
from contracts.messages.processing import ProcessingContent, ProcessingLifted, ProcessingRestricted
from contracts.names import Code, GroundId, UnitId

_SALT_BYTES: Final = 16
_ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Terms:
    """What the client agreed to: these sources may give these categories to these recipients, until then.

    `until` as a date includes that day; `history_from` absent: from now on, and the message says so, since the hub's now may be days later.
    """

    sources: Sequence[UnitId]
    recipients: Sequence[Recipient]
    categories: Sequence[Category]
    until: datetime | date
    history_from: datetime | date | None = None
    purpose: Purpose = Purpose.SUPPORT


@dataclass(frozen=True, slots=True)
class Paper:
    """The paper that was signed: what it is, which notice it followed, and the evidence, which only parties can read."""

    kinds: tuple[str, ...] = ("consent",)
    notice_version: Code = "1"
    method: str = "signed-paper"
    evidence: str = "paper on file"
    explicit: bool = False


@dataclass(frozen=True, slots=True)
class ConsentRecorded:
    """One consent and what became of each of its messages."""

    consent_id: GroundId
    messages: tuple[Recorded, ...]


class ConsentActions(RecordingDesk):
    """What a worker does with the client's consent."""

    def take_consent(
        self,
        client: ClientKey,
        terms: Terms,
        paper: Paper,
        *,
        consent_id: GroundId | None = None,
        occasion: Occasion = NOW,
    ) -> ConsentRecorded:
        """The client said yes. Held entries that it opens leave in the same transaction. Raises `DeskError` for terms that open nothing."""
        ground_id = consent_id or GroundId(self._ids.next(self.clock.now()))
        salt = secrets.token_hex(_SALT_BYTES)
        content = ConsentContent(bundle_id=ground_id, evidence=paper.evidence, salt=salt)
        given = [
            ConsentGiven(
                consent_id=ground_id,
                recipient=grant.recipient,
                grants=(grant,),
                paper=paper.kinds,
                explicit=paper.explicit,
                notice_version=paper.notice_version,
                evidence_hash=evidence_hash(paper.evidence, salt),
                method=paper.method,
            )
            for grant in self._grants(terms)
        ]
        return self._consent(client, ground_id, given, content, occasion)

    def extend(
        self,
        client: ClientKey,
        consent_id: GroundId,
        terms: Terms,
        *,
        evidence: str = "paper on file",
        occasion: Occasion = NOW,
    ) -> ConsentRecorded:
        """The client added to a consent that this unit took."""
        salt = secrets.token_hex(_SALT_BYTES)
        content = ConsentContent(bundle_id=consent_id, evidence=evidence, salt=salt)
        hashed = evidence_hash(evidence, salt)
        extended = [
            ConsentExtended(consent_id=consent_id, recipient=one.recipient, grants=(one,), evidence_hash=hashed)
            for one in self._grants(terms)
        ]
        return self._consent(client, consent_id, extended, content, occasion)

    def narrow(  # noqa: PLR0913 - one keyword a field
        self,
        client: ClientKey,
        consent_id: GroundId,
        *,
        recipients: Collection[Recipient],
        categories: Collection[Category],
        sources: Collection[UnitId] | None = None,
        occasion: Occasion = NOW,
    ) -> ConsentRecorded:
        """Keep only these recipients, categories and (where named) sources of a consent that this unit took; nothing is ever added by it."""
        with self.store.write() as tx:
            recording = self._recording(tx)
            ground = self._ground(recording, client, consent_id)
            recorded = []
            for recipient in sorted({one.recipient for one in ground.openings}):
                kept = [one for one in ground.openings if one.recipient == recipient and recipient in recipients]
                grants = tuple(grant for one in kept if (grant := _remains(one, categories, sources)) is not None)
                facts = ConsentNarrowed(consent_id=consent_id, recipient=recipient, grants=grants)
                recorded.append(recording.record(self._draft(client, facts, occasion)))
            recording.finish()
        return ConsentRecorded(consent_id, tuple(recorded))

    def attest(
        self, client: ClientKey, consent_id: GroundId, *, method: str = "saw-original", occasion: Occasion = NOW
    ) -> Recorded:
        """This unit has seen the paper: its own entries open from now on."""
        return self.record(self._draft(client, ConsentAttested(consent_id=consent_id, method=method), occasion))

    def withdraw(self, client: ClientKey, consent_id: GroundId, *, occasion: Occasion = NOW) -> Recorded:
        """The client takes the whole consent back, here or wherever it was given."""
        return self.record(self._draft(client, ConsentWithdrawn(consent_id=consent_id), occasion))

    def refuse_consent(self, client: ClientKey, *, notice_version: Code = "1", occasion: Occasion = NOW) -> Recorded:
        """The client was asked and said no."""
        consent_id = GroundId(self._ids.next(self.clock.now()))
        facts = ConsentRefused(consent_id=consent_id, notice_version=notice_version)
        return self.record(self._draft(client, facts, occasion))

    def restrict(
        self,
        client: ClientKey,
        *,
        categories: tuple[Category, ...] = (),
        reason: str | None = None,
        occasion: Occasion = NOW,
    ) -> Recorded:
        """Nothing of these categories (none named: nothing at all) is given any more, until `lift_restriction`."""
        content = None if reason is None else ProcessingContent(reason=reason)
        return self.record(self._draft(client, ProcessingRestricted(categories=categories), occasion, content))

    def lift_restriction(self, client: ClientKey, *, occasion: Occasion = NOW) -> Recorded:
        """This unit's restriction no longer holds; what it held back leaves now."""
        return self.record(self._draft(client, ProcessingLifted(), occasion))

    def _consent(
        self,
        client: ClientKey,
        consent_id: GroundId,
        messages: Sequence[ConsentGiven | ConsentExtended],
        content: ConsentContent,
        occasion: Occasion,
    ) -> ConsentRecorded:
        if not messages:
            raise DeskError(
                "These terms open nothing to anyone", advice="Name at least one source besides a recipient."
            )
        drafts = [self._draft(client, facts, occasion, content) for facts in messages]
        return ConsentRecorded(consent_id, tuple(self._record_all(drafts)))

    def _draft(
        self,
        client: ClientKey,
        facts: Facts,
        occasion: Occasion,
        content: ConsentContent | ProcessingContent | None = None,
    ) -> Draft:
        return Draft(client, facts, occasion.time or self.clock.now(), content, actor=occasion.actor)

    def _grants(self, terms: Terms) -> list[Grant]:
        until, history_from = self._end(terms.until), self._start(terms.history_from) or self.clock.now()
        sources = {recipient: _without(terms.sources, recipient) for recipient in dict.fromkeys(terms.recipients)}
        return [
            Grant(
                sources=others,
                recipient=recipient,
                purpose=terms.purpose,
                categories=tuple(dict.fromkeys(terms.categories)),
                history_from=history_from,
                until=until,
            )
            for recipient, others in sources.items()
            if others
        ]

    def _end(self, until: datetime | date) -> datetime:
        return until if isinstance(until, datetime) else self._midnight(until + _ONE_DAY)

    def _start(self, moment: datetime | date | None) -> datetime | None:
        return moment if moment is None or isinstance(moment, datetime) else self._midnight(moment)

    def _midnight(self, day: date) -> datetime:
        directory = self._directory()
        if directory is None:
            raise DeskError(
                "No trust list has come yet, so the programme's time zone is unknown",
                advice="Wait for the hub, or give an instant with offset.",
            )
        return datetime.combine(day, time(), tzinfo=directory.zone)

    def _ground(self, recording: Recording, client: ClientKey, consent_id: GroundId) -> Ground:
        subject = recording.tx.clients.subject_of(client)
        ground = None if subject is None else recording.states.of(subject).grounds.get(consent_id)
        if ground is None:
            raise DeskError("This unit knows no such consent for this client", advice="Look at the client's grounds.")
        return ground


def evidence_hash(evidence: str, salt: str) -> str:
    """SHA-256 over salt and evidence, so that the evidence can be shown later and not be guessed before."""
    return sha256(f"{salt}\n{evidence}".encode()).hexdigest()


def _without(sources: Sequence[UnitId], recipient: Recipient) -> tuple[UnitId, ...]:
    return tuple(source for source in dict.fromkeys(sources) if recipient != f"unit:{source}")


def _remains(opening: Opening, categories: Collection[Category], sources: Collection[UnitId] | None) -> Grant | None:
    kept = sorted(opening.categories & set(categories))
    still = sorted(opening.sources if sources is None else opening.sources & set(sources))
    if not kept or not still:
        return None
    return Grant(
        sources=tuple(still),
        recipient=opening.recipient,
        purpose=opening.purpose,
        categories=tuple(kept),
        history_from=opening.history_from,
        until=opening.until,
    )
