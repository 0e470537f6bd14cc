"""Consents that end soon: what the hub gave notice of, so that a worker can ask the client in time.

Invariants: what nothing renewed shows until it ends; out of touch, only what this unit agreed with the client itself. Whoever shows them reports the
look first (`report_ending`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from adapters.cli.answers import show
from adapters.cli.opening import Opened
from adapters.process import looks
from adapters.process.looks import Look
from adapters.process.unit_house import UnitHouse
from contracts.categories import Category
from contracts.grants import Recipient
from contracts.names import GroundId, SubjectId, UnitId
from projections.grounds import Reach, announced


@dataclass(frozen=True, slots=True)
class EndingConsent:
    """What of one consent ends at one instant."""

    subject: SubjectId
    consent_id: GroundId
    collector: UnitId
    until: datetime
    recipients: tuple[Recipient, ...]
    categories: tuple[Category, ...]


def ending_of(house: UnitHouse, *, others_visible: bool) -> Sequence[EndingConsent]:
    """All of a unit, the soonest end first."""
    overviews = house.overviews()
    try:
        with overviews.look() as connection:
            found = announced(connection, at=house.clock.now())
    finally:
        overviews.close()
    together: dict[tuple[datetime, SubjectId, GroundId, UnitId], list[Reach]] = {}
    for one in found:
        if others_visible or one.collector == house.unit:
            together.setdefault((one.until, one.subject, one.ground_id, one.collector), []).append(one)
    return [
        EndingConsent(
            subject,
            ground_id,
            collector,
            until,
            recipients=tuple(sorted({one.recipient for one in some})),
            categories=tuple(sorted({one.category for one in some})),
        )
        for (until, subject, ground_id, collector), some in together.items()
    ]


def report_ending(house: UnitHouse, ending: Sequence[EndingConsent], *, look: Look) -> None:
    """Say who saw them, one report a client."""
    looks.report_clients(house, [(one.subject, one.categories) for one in ending], look=look)


def show_ending(here: Opened, ending: Sequence[EndingConsent]) -> None:
    """As a table."""
    show(here, "ending", ("until", "client", "from", "to", "about"), [_row(here, one) for one in ending])


def document(here: Opened, one: EndingConsent) -> dict[str, object]:
    """For machines."""
    return {
        "consent": one.consent_id,
        "client": _client(here, one),
        "collector": one.collector,
        "until": one.until,
        "recipients": list(one.recipients),
        "categories": list(one.categories),
    }


def _row(here: Opened, one: EndingConsent) -> list[str]:
    words = here.words
    return [
        here.local(one.until),
        _client(here, one) or words["unknown-client"],
        _named(here, one.collector),
        ", ".join(_named(here, UnitId(recipient.partition(":")[2])) for recipient in one.recipients),
        ", ".join(words.code("category", category) for category in one.categories),
    ]


def _named(here: Opened, unit: UnitId) -> str:
    known = here.house.directory.units.get(unit)
    return unit if known is None else known.name


def _client(here: Opened, one: EndingConsent) -> str | None:
    with here.house.store.read() as tx:
        return tx.clients.client_of(one.subject)
