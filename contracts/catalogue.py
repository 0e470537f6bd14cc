"""The catalogue of messages: one row a type, with audience, category rule and what stays sealed (DESIGN section 6).

Invariants: a type name never changes its meaning; an additive change keeps the version, any other adds a row with the next version and an
upcaster. Facts are coded and the least that routing and rules need; whatever identifies or was written by a person can only stand in `sealed`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final

from contracts.categories import Category
from contracts.facts import Facts, SealedContent, coded_fields
from contracts.messages import (
    access,
    appointment,
    client,
    consent,
    entry,
    erasure,
    feed,
    ground,
    hub,
    key,
    need,
    obligation,
    outcome,
    processing,
    referral,
    service,
    session,
    subject,
)
from contracts.names import MessageType

PREFIX: Final = "eu.spojka."


class Audience(StrEnum):
    """Who is given a message."""

    GROUNDED = "grounded"
    """Whom a ground permits; the only audience that can be refused `no-ground`."""
    REFERRAL = "referral"
    """A referral's status: its source, its target, and whom a ground permits for its category."""
    REFERRAL_PARTIES = "referral-parties"
    """A referral's question and answer: source and target only."""
    PARTIES = "parties"
    """Collector, sources and recipients of the ground concerned; or the parties of an obligation, a pairing or a merge."""
    HUB = "hub"
    """The hub alone keeps it as evidence."""
    ALL_UNITS = "all-units"
    """Every admitted unit."""


class Author(StrEnum):
    """Who may send a type, before any rule of its own."""

    UNIT = "unit"
    HUB = "hub"
    MANDATED = "mandated"
    """A unit with a mandate in the trust list."""


@dataclass(frozen=True)  # without slots: what follows from a row is worked out once and asked for with every message
class MessageSpec:
    """One row of the catalogue."""

    name: str
    version: int
    facts: type[Facts]
    audience: Audience
    sealed: type[SealedContent] | None = None
    author: Author = Author.UNIT
    about_subject: bool = True
    stream: str = "path"
    """Which stream of the log it belongs to: path, ground, referral or notice."""
    categories: frozenset[Category] | None = None
    """Allowed categories where a type is tied to some; None: any."""

    @cached_property
    def type(self) -> MessageType:
        """The `type` attribute on the wire: `eu.spojka.<noun>.<verb-past>.v<N>`."""
        return MessageType(f"{PREFIX}{self.name}.v{self.version}")

    @cached_property
    def schema_id(self) -> str:
        """The `dataschema` attribute on the wire."""
        return f"urn:spojka:schema:{self.name}.v{self.version}"

    @cached_property
    def categorised(self) -> bool:
        """True where a message bears exactly one category and a purpose."""
        return self.audience in (Audience.GROUNDED, Audience.REFERRAL, Audience.REFERRAL_PARTIES)

    @cached_property
    def correcting(self) -> bool:
        """True for the type that corrects another entry and names it in `corrects`."""
        return self.name == "entry.corrected"

    @cached_property
    def coded(self) -> Mapping[str, bool]:
        """The codes about the person among the facts, each with whether it is required where it is not sealed."""
        return coded_fields(self.facts)


_ROWS: Final[tuple[MessageSpec, ...]] = (
    MessageSpec(
        "client.enrolled",
        1,
        client.ClientEnrolled,
        Audience.GROUNDED,
        client.ClientContent,
        categories=frozenset({Category.IDENTITY}),
    ),
    MessageSpec(
        "client.moved",
        1,
        client.ClientMoved,
        Audience.GROUNDED,
        client.ClientContent,
        categories=frozenset({Category.IDENTITY}),
    ),
    MessageSpec(
        "client.closed",
        1,
        client.ClientClosed,
        Audience.GROUNDED,
        client.ClientContent,
        categories=frozenset({Category.IDENTITY}),
    ),
    MessageSpec("consent.given", 1, consent.ConsentGiven, Audience.PARTIES, consent.ConsentContent, stream="ground"),
    MessageSpec("consent.refused", 1, consent.ConsentRefused, Audience.HUB, consent.ConsentContent, stream="ground"),
    MessageSpec(
        "consent.withdrawn", 1, consent.ConsentWithdrawn, Audience.PARTIES, consent.ConsentContent, stream="ground"
    ),
    MessageSpec(
        "consent.narrowed", 1, consent.ConsentNarrowed, Audience.PARTIES, consent.ConsentContent, stream="ground"
    ),
    MessageSpec(
        "consent.extended", 1, consent.ConsentExtended, Audience.PARTIES, consent.ConsentContent, stream="ground"
    ),
    MessageSpec("consent.attested", 1, consent.ConsentAttested, Audience.PARTIES, stream="ground"),
    MessageSpec(
        "consent.expiry-announced",
        1,
        hub.ConsentExpiryAnnounced,
        Audience.PARTIES,
        author=Author.HUB,
        stream="ground",
    ),
    MessageSpec("consent.expired", 1, hub.ConsentExpired, Audience.PARTIES, author=Author.HUB, stream="ground"),
    MessageSpec(
        "ground.registered",
        1,
        ground.GroundRegistered,
        Audience.PARTIES,
        ground.GroundContent,
        Author.MANDATED,
        stream="ground",
    ),
    MessageSpec("ground.ended", 1, ground.GroundEnded, Audience.PARTIES, stream="ground"),
    MessageSpec("ground.expired", 1, hub.GroundExpired, Audience.PARTIES, author=Author.HUB, stream="ground"),
    MessageSpec(
        "processing.restricted", 1, processing.ProcessingRestricted, Audience.PARTIES, processing.ProcessingContent
    ),
    MessageSpec("processing.lifted", 1, processing.ProcessingLifted, Audience.PARTIES, processing.ProcessingContent),
    MessageSpec("subject.pairing-offered", 1, subject.PairingOffered, Audience.HUB),
    MessageSpec("subject.paired", 1, subject.SubjectPaired, Audience.PARTIES),
    MessageSpec("subject.pairing-opened", 1, subject.PairingOpened, Audience.PARTIES, author=Author.HUB),
    MessageSpec("subject.merged", 1, subject.SubjectMerged, Audience.PARTIES, subject.MergeContent),
    MessageSpec("subject.split", 1, subject.SubjectSplit, Audience.PARTIES, subject.MergeContent),
    MessageSpec(
        "appointment.offered", 1, appointment.AppointmentOffered, Audience.GROUNDED, appointment.AppointmentContent
    ),
    MessageSpec(
        "appointment.confirmed", 1, appointment.AppointmentConfirmed, Audience.GROUNDED, appointment.AppointmentContent
    ),
    MessageSpec(
        "appointment.changed", 1, appointment.AppointmentChanged, Audience.GROUNDED, appointment.AppointmentContent
    ),
    MessageSpec(
        "appointment.cancelled", 1, appointment.AppointmentCancelled, Audience.GROUNDED, appointment.AppointmentContent
    ),
    MessageSpec("session.held", 1, session.SessionHeld, Audience.GROUNDED, session.SessionContent),
    MessageSpec("need.assessed", 1, need.NeedAssessed, Audience.GROUNDED, need.NeedContent),
    MessageSpec("service.delivered", 1, service.ServiceDelivered, Audience.GROUNDED, service.ServiceContent),
    MessageSpec("outcome.recorded", 1, outcome.OutcomeRecorded, Audience.GROUNDED, outcome.OutcomeContent),
    MessageSpec("entry.corrected", 1, entry.EntryCorrected, Audience.GROUNDED, entry.CorrectionContent),
    MessageSpec("record.accessed", 1, access.RecordAccessed, Audience.HUB),
    MessageSpec("record.audited", 1, access.RecordAudited, Audience.HUB, author=Author.HUB),
    MessageSpec("erasure.requested", 1, erasure.ErasureRequested, Audience.HUB),
    MessageSpec("retention.ended", 1, erasure.RetentionEnded, Audience.HUB, author=Author.HUB),
    MessageSpec("erasure.carried-out", 1, erasure.ErasureCarriedOut, Audience.PARTIES, author=Author.HUB),
    MessageSpec("obligation.answered", 1, obligation.ObligationAnswered, Audience.HUB),
    MessageSpec("obligation.opened", 1, hub.ObligationOpened, Audience.PARTIES, author=Author.HUB),
    MessageSpec("obligation.overdue", 1, hub.ObligationOverdue, Audience.PARTIES, author=Author.HUB),
    MessageSpec("key.deposited", 1, key.KeyDeposited, Audience.HUB),
    MessageSpec(
        "key.released", 1, key.KeyReleased, Audience.HUB, author=Author.HUB, about_subject=False, stream="notice"
    ),
    MessageSpec("feed.acknowledged", 1, feed.FeedAcknowledged, Audience.HUB, about_subject=False, stream="notice"),
    MessageSpec("feed.replay-requested", 1, feed.ReplayRequested, Audience.HUB, about_subject=False, stream="notice"),
    MessageSpec(
        "delivery.reported",
        1,
        hub.DeliveryReported,
        Audience.HUB,
        author=Author.HUB,
        about_subject=False,
        stream="notice",
    ),
    MessageSpec(
        "trust-list.published",
        1,
        hub.TrustListPublished,
        Audience.ALL_UNITS,
        author=Author.HUB,
        about_subject=False,
        stream="notice",
    ),
    MessageSpec(
        "settings.changed",
        1,
        hub.SettingsChanged,
        Audience.HUB,
        author=Author.HUB,
        about_subject=False,
        stream="notice",
    ),
    *(
        MessageSpec(f"referral.{name}", 1, facts, Audience.REFERRAL, referral.ReferralContent, stream="referral")
        for name, facts in referral.STATUS_MESSAGES.items()
    ),
    *(
        MessageSpec(f"referral.{name}", 1, facts, Audience.REFERRAL_PARTIES, content, stream="referral")
        for name, (facts, content) in referral.PARTY_MESSAGES.items()
    ),
)

CATALOGUE: Final[Mapping[MessageType, MessageSpec]] = {row.type: row for row in _ROWS}
"""Every message type, by its `type` attribute."""

_BY_FACTS: Final[Mapping[type[Facts], MessageSpec]] = {row.facts: row for row in _ROWS}


def spec_of(facts: Facts) -> MessageSpec:
    """The row of the catalogue whose facts these are."""
    return _BY_FACTS[type(facts)]


def specs() -> Iterator[MessageSpec]:
    """All rows, in the catalogue's order."""
    return iter(_ROWS)
