"""The stock path: the event-sourcing library as it comes, one `Application.save`-like commit with tracking per message."""

import time
from collections.abc import Sequence
from uuid import UUID

from eventsourcing.application import ProcessingEvent
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import Tracking
from eventsourcing.system import ProcessApplication

from contracts.envelope import parse
from contracts.keys import VerifyingKey
from contracts.pae import PayloadType
from contracts.signed_bytes import SignedBytes, verify


class Path(Aggregate):
    """A support path in the library's declarative style."""

    @event("Recorded")
    def record(self, payload: str) -> None:
        """Keep one message."""
        self.last = payload


class StockIntake(ProcessApplication):  # type: ignore[type-arg] # as its documentation shows it
    """Saves each message with its position, as the library's documentation shows."""

    name = "stock"

    def policy(self, domain_event: object, processing_event: object) -> None:
        """Nothing follows."""


def seconds_for(messages: Sequence[SignedBytes], key: VerifyingKey, *, dsn: dict[str, str]) -> float:
    """How long the stock path takes for these messages, one after the other."""
    application = StockIntake(env=dsn)
    started = time.monotonic()
    path = Path()
    for number, signed in enumerate(messages, 1):
        verify(signed, key, PayloadType.CLOUDEVENT)
        parse(signed.payload)
        path.record(signed.payload.decode())
        processing: ProcessingEvent[UUID] = ProcessingEvent(tracking=Tracking("inbox", number))
        processing.collect_events(path)
        application._record(processing)
    application.close()
    return time.monotonic() - started
