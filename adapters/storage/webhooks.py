"""Outgoing webhooks of a unit and their deliveries.

Invariants: a delivery bears one id from its making to its end, however often it is sent; it is waiting, sent or dead; a dead one stays until
somebody sends it again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, func, insert, select, update

from adapters.storage.webhook_tables import WEBHOOK, WEBHOOK_DELIVERY

_D = WEBHOOK_DELIVERY.c


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    WAITING = "waiting"
    SENT = "sent"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class KeptWebhook:
    """Where news go: `types` names what is told (none: everything), `content` whether entries go along whole."""

    name: str
    url: str
    types: tuple[str, ...]
    content: bool
    added_at: datetime
    removed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """One to be."""

    webhook: str
    webhook_id: str
    body: bytes


@dataclass(frozen=True, slots=True)
class KeptDelivery:
    """One delivery; `problem` is how its last attempt ended."""

    number: int
    webhook: str
    webhook_id: str
    body: bytes
    state: DeliveryState
    attempts: int
    next_at: datetime
    made_at: datetime
    problem: str | None


class Webhooks:
    """Webhooks and deliveries over one open connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, webhook: KeptWebhook) -> None:
        """Keep a new one, in place of a removed one of the same name."""
        self._connection.execute(delete(WEBHOOK).where(WEBHOOK.c.name == webhook.name))
        self._connection.execute(
            insert(WEBHOOK).values(
                name=webhook.name,
                url=webhook.url,
                types=" ".join(webhook.types),
                content=webhook.content,
                added_at=webhook.added_at,
            )
        )

    def remove(self, name: str, *, at: datetime) -> None:
        """Nothing more is sent there; what waited is dropped."""
        self._connection.execute(update(WEBHOOK).where(WEBHOOK.c.name == name).values(removed_at=at))
        self._connection.execute(delete(WEBHOOK_DELIVERY).where(_D.webhook == name))

    def find(self, name: str) -> KeptWebhook | None:
        """One that is in use."""
        return next((one for one in self.all() if one.name == name), None)

    def all(self) -> Sequence[KeptWebhook]:
        """All in use, by name."""
        rows = select(WEBHOOK).where(WEBHOOK.c.removed_at.is_(None)).order_by(WEBHOOK.c.name)
        return [_webhook(row) for row in self._connection.execute(rows)]

    def put(self, deliveries: Sequence[NewDelivery], *, at: datetime) -> None:
        """Queue deliveries in their order."""
        if not deliveries:
            return
        rows = [
            {
                "webhook": one.webhook,
                "webhook_id": one.webhook_id,
                "body": one.body,
                "state": DeliveryState.WAITING.value,
                "attempts": 0,
                "next_at": at,
                "made_at": at,
            }
            for one in deliveries
        ]
        self._connection.execute(insert(WEBHOOK_DELIVERY), rows)

    def due(self, webhook: str, *, at: datetime) -> KeptDelivery | None:
        """What is to be sent next: those tried least go first, so that one that never gets through stops no other."""
        chosen = (_D.webhook == webhook) & (_D.state == DeliveryState.WAITING.value) & (_D.next_at <= at)
        found = self._read(select(WEBHOOK_DELIVERY).where(chosen).order_by(_D.attempts, _D.number).limit(1))
        return found[0] if found else None

    def next_due(self) -> datetime | None:
        """When the next one waits to be sent; None where nothing waits."""
        waiting = select(func.min(_D.next_at)).where(_D.state == DeliveryState.WAITING.value)
        found = self._connection.execute(waiting).scalar_one()
        return None if found is None else found if isinstance(found, datetime) else datetime.fromisoformat(found)

    def sent(self, number: int) -> None:
        """The receiver has it."""
        self._change(number, state=DeliveryState.SENT.value, problem=None)

    def failed(self, number: int, *, problem: str, next_at: datetime | None) -> None:
        """An attempt failed: once more at `next_at`, or (None) it is dead."""
        state = DeliveryState.DEAD if next_at is None else DeliveryState.WAITING
        times = {} if next_at is None else {"next_at": next_at}
        self._change(number, state=state.value, problem=problem, attempts=_D.attempts + 1, **times)

    def again(self, number: int, *, at: datetime) -> None:
        """A dead one is tried anew, under the same id."""
        self._change(number, state=DeliveryState.WAITING.value, attempts=0, next_at=at)

    def delivery(self, number: int) -> KeptDelivery | None:
        """One delivery."""
        found = self._read(select(WEBHOOK_DELIVERY).where(_D.number == number))
        return found[0] if found else None

    def in_state(self, state: DeliveryState, webhook: str | None = None) -> Sequence[KeptDelivery]:
        """All of a state, the oldest first."""
        rows = select(WEBHOOK_DELIVERY).where(_D.state == state.value).order_by(_D.number)
        return self._read(rows if webhook is None else rows.where(_D.webhook == webhook))

    def forget_sent(self, before: datetime) -> None:
        """Drop what was sent and is older than that."""
        old = (_D.state == DeliveryState.SENT.value) & (_D.made_at < before)
        self._connection.execute(delete(WEBHOOK_DELIVERY).where(old))

    def _change(self, number: int, **columns: Any) -> None:  # noqa: ANN401 - values of any column
        self._connection.execute(update(WEBHOOK_DELIVERY).where(_D.number == number).values(**columns))

    def _read(self, statement: Select[Any]) -> list[KeptDelivery]:
        return [_delivery(row) for row in self._connection.execute(statement)]


def _webhook(row: Row[Any]) -> KeptWebhook:
    return KeptWebhook(row.name, row.url, tuple(row.types.split()), row.content, row.added_at, row.removed_at)


def _delivery(row: Row[Any]) -> KeptDelivery:
    return KeptDelivery(
        number=row.number,
        webhook=row.webhook,
        webhook_id=row.webhook_id,
        body=row.body,
        state=DeliveryState(row.state),
        attempts=row.attempts,
        next_at=row.next_at,
        made_at=row.made_at,
        problem=row.problem,
    )
