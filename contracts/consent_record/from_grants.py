"""A consent record from what a client agreed to.

Invariants: one grant becomes one process; the bases given are those of the paper, and each process keeps those that fit its
categories, so an Art. 9 basis stands only where there are special categories.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from contracts.categories import SPECIAL, Category, Purpose
from contracts.consent_record.legal_basis import SPECIAL_BASES, LegalBasis
from contracts.consent_record.record import ConsentRecord, Heading, Process, StatusEvent, Storage
from contracts.grants import Recipient
from contracts.names import UnitId


class Granted(Protocol):
    """What a grant looks like, on the wire (`contracts.grants.Grant`) and as recorded (`contracts.grounds.Opening`)."""

    @property
    def sources(self) -> Collection[UnitId]:
        """Units whose entries may be given."""

    @property
    def recipient(self) -> Recipient:
        """The unit, or class of units, that is given them."""

    @property
    def purpose(self) -> Purpose:
        """What for."""

    @property
    def categories(self) -> Collection[Category]:
        """Which entries."""

    @property
    def history_from(self) -> datetime | None:
        """Entries about earlier events stay shut."""

    @property
    def until(self) -> datetime:
        """When the grant ends."""


def from_grants(
    heading: Heading,
    *,
    grants: Sequence[Granted],
    bases: Sequence[LegalBasis],
    storage: Storage,
    events: Sequence[StatusEvent],
) -> ConsentRecord:
    """The record of one paper. Raises pydantic's ValidationError with what to change where the paper cannot carry a grant."""
    processes = tuple(_process(grant, bases=bases, storage=storage) for grant in grants)
    return ConsentRecord.model_validate({**dict(heading), "processes": processes, "events": tuple(events)})


def _process(grant: Granted, *, bases: Sequence[LegalBasis], storage: Storage) -> Process:
    """Sources sorted and categories in the order of the catalogue: equal grants give equal records."""
    categories = tuple(category for category in Category if category in grant.categories)
    special = bool(set(categories) & SPECIAL)
    return Process(
        sources=tuple(sorted(grant.sources)),
        recipient=grant.recipient,
        purpose=grant.purpose,
        categories=categories,
        bases=tuple(basis for basis in bases if special or basis not in SPECIAL_BASES),
        storage=storage,
        history_from=grant.history_from,
        until=grant.until,
    )
