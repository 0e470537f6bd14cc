"""What happens at a unit becomes deliveries to its webhooks.

Invariants: a delivery is queued in the transaction that moves the follower's position, so each item of the journal becomes one delivery a webhook,
whatever crashes; its id is made of webhook, message and revision, so it is the same whenever it is made. What goes out tells that something
happened and where to read it: no code, no text and no client, unless the settings and the webhook both say that content may go along. Even then only
the unit's own entries go whole, and none of category `conduct`: what others gave is read by its link, where lease, purpose and the report of the look
hold, and no erasure has to reach a delivery.
"""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from adapters.followers.follower import Outcome
from adapters.storage.unit_store import Transaction, UnitStore
from adapters.storage.webhooks import KeptWebhook, NewDelivery
from contracts.categories import Category
from contracts.envelope import open_clear, parse, parse_attributes
from contracts.errors import ContractsError
from contracts.names import UnitId
from projections.source import JournalItem

FOLLOWER: Final = "webhooks"
_OWN_LOOKS: Final = "record.accessed.v1"


class WebhookNews:
    """Queues what the webhooks of one unit are to be told."""

    name: Final = FOLLOWER
    from_now: Final = True

    def __init__(self, store: UnitStore, *, unit: UnitId, content_allowed: bool, now: Callable[[], datetime]) -> None:
        self._store = store
        self._unit = unit
        self._content_allowed = content_allowed
        self._now = now

    def take(self, items: Sequence[JournalItem]) -> Outcome:
        """Queue them for each webhook that wants them."""

        def keep(tx: Transaction) -> None:
            made = [
                delivery
                for webhook in tx.webhooks.all()
                for item in items
                if (delivery := self._delivery(webhook, item)) is not None
            ]
            tx.webhooks.put(made, at=self._now())

        return keep

    def _delivery(self, webhook: KeptWebhook, item: JournalItem) -> NewDelivery | None:
        kind = type_of(item)
        if kind is not None and kind.endswith(_OWN_LOOKS):
            return None
        if webhook.types and (kind or "") not in webhook.types:
            return None
        body = {
            "type": f"entry.{item.kind}",
            "timestamp": item.recorded_at.isoformat(),
            "data": {
                "unit": self._unit,
                "message": item.message_id,
                "entry_type": kind,
                "author": item.author,
                "state": item.state,
                "refusal": None if item.refusal is None else item.refusal.value,
                "link": f"/v1/units/{self._unit}/entries/{item.message_id}",
                **(_content(item) if webhook.content and self._content_allowed else {}),
            },
        }
        webhook_id = f"{webhook.name}.{item.message_id}.{item.number}"
        return NewDelivery(
            webhook.name, webhook_id, json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        )


def type_of(item: JournalItem) -> str | None:
    """The type of an entry; None of an erased one and of what does not open."""
    if not item.payload:
        return None
    try:
        return parse_attributes(item.payload)[0].type
    except ContractsError:
        return None


def _content(item: JournalItem) -> dict[str, object]:
    if not item.payload or item.kind not in ("own", "refused"):
        return {}
    try:
        message = parse(item.payload)
        if message.category is Category.CONDUCT:
            return {}
        facts, content = open_clear(message)
    except ContractsError:
        return {}
    return {
        "category": message.category,
        "time": message.time.isoformat(),
        "facts": facts.model_dump(mode="json", exclude_none=True),
        "content": None if content is None else content.model_dump(mode="json", exclude_none=True),
    }
