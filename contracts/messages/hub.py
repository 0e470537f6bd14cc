"""The hub's own messages: signed, with deterministic UUIDv5 ids, so that doing it twice is doing it once."""

from typing import Annotated, Literal

from pydantic import Field

from contracts.categories import Category
from contracts.civil_time import Instant
from contracts.facts import Facts
from contracts.names import Ground, Id, Obligation, Sha256Hex, Unit


class ConsentExpired(Facts):
    """The last of its grants has ended, or a recipient's part of it."""

    consent_id: Ground
    expired: Annotated[int, Field(ge=1)]
    """How many grants ended at this instant."""
    due: Instant


class ConsentExpiryAnnounced(Facts):
    """Some of its grants end soon: who wants sharing to go on asks the client for a renewal before `until`."""

    consent_id: Ground
    expiring: Annotated[int, Field(ge=1)]
    """How many grants end at this instant and are not renewed yet."""
    until: Instant


class GroundExpired(Facts):
    """Grants of a statutory ground have reached their end."""

    ground_id: Ground
    expired: Annotated[int, Field(ge=1)]
    """How many grants ended at this instant."""
    due: Instant


class ObligationOpened(Facts):
    """A unit must erase what no ground covers any more, and say so by `due`."""

    obligation_id: Obligation
    unit: Unit
    ground_id: Ground | None = None
    """What ended; of an erasure that the client asked for there is none."""
    because: Literal["withdrawn", "narrowed", "expired", "ended", "restricted", "erasure", "retention"]
    entries: Annotated[tuple[Id, ...], Field(max_length=5000)]
    """Message ids that the unit was, or was about to be, given and that no other ground covers."""
    categories: tuple[Category, ...]
    due: Instant


class ObligationOverdue(Facts):
    """No statement came in time."""

    obligation_id: Obligation
    unit: Unit


class ReportedDelivery(Facts):
    """One slot of a feed as it was given."""

    unit: Unit
    feed_sequence: int
    position: int
    verdict: Literal["given", "withheld"]


class DeliveryReported(Facts):
    """What dispatch delivered, in batches, back in the log as evidence."""

    shard: int
    generation: int
    deliveries: Annotated[tuple[ReportedDelivery, ...], Field(min_length=1, max_length=2000)]


class TrustListPublished(Facts):
    """A new trust list, whole: what every later decision rests on."""

    version: Annotated[int, Field(ge=1)]
    digest: Sha256Hex
    document: str
    """The DSSE envelope of the root-signed list."""


class RetentionPeriod(Facts):
    """How long what is shared of a category is kept."""

    category: Category
    days: Annotated[int, Field(ge=1)]


class SettingsChanged(Facts):
    """Settings that decide something, with their version."""

    version: Annotated[int, Field(ge=1)]
    obligation_days: Annotated[int, Field(ge=1)]
    close_after_days: Annotated[int, Field(ge=1)]
    reopen_within_days: Annotated[int, Field(ge=1)]
    waitlist_grace_days: Annotated[int, Field(ge=0)]
    notice_days: Annotated[int, Field(ge=0)] = 30
    """How long before a consent ends its parties are told; 0: not at all."""
    retention: tuple[RetentionPeriod, ...] = ()
    """Counted from when the hub recorded it; a category that is not named is kept until somebody asks."""
