"""The tables of a unit's outgoing webhooks: where news go, and what is still to be sent there.

Invariant: no secret is in them; it lies in a file of its own.
"""

from typing import Final

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, String, Table, Text

from adapters.storage.column_types import Instant, Number
from adapters.storage.tables import METADATA

WEBHOOK: Final = Table(
    "webhook",
    METADATA,
    Column("name", String(40), primary_key=True),
    Column("url", Text, nullable=False),
    Column("types", Text, nullable=False),
    Column("content", Boolean, nullable=False),
    Column("added_at", Instant, nullable=False),
    Column("removed_at", Instant),
)

WEBHOOK_DELIVERY: Final = Table(
    "webhook_delivery",
    METADATA,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("webhook", String(40), nullable=False),
    Column("webhook_id", String(100), nullable=False, unique=True),
    Column("body", LargeBinary, nullable=False),
    Column("state", String(10), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", Instant, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("problem", Text),
    Index("webhook_delivery_due", "state", "webhook", "next_at"),
    sqlite_autoincrement=True,
)
