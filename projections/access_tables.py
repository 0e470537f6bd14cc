"""The tables of the access history.

Invariants: one row of `access_given` a unit and position, however often it was decided or reported; one row of `access_read` a report of a read or a
refused attempt; what identifies a person beyond the subject is in none of them.
"""

from typing import Final

from sqlalchemy import Column, Index, MetaData, String, Table, Text, func

from projections.column_types import Instant, Number

METADATA: Final = MetaData()

ENTRY: Final = Table(
    "access_entry",
    METADATA,
    Column("position", Number, primary_key=True),
    Column("subject", String(120), nullable=False),
    Column("message_id", String(36), nullable=False),
    Column("author", String(40), nullable=False),
    Column("type", String(120)),
    Column("category", String(40)),
    Column("purpose", String(40)),
    Column("referral_id", String(36)),
)
"""What can be given: every accepted message about a subject. Type to referral are empty where the message was erased before a rebuild."""

GIVEN: Final = Table(
    "access_given",
    METADATA,
    Column("position", Number, primary_key=True),
    Column("unit", String(40), primary_key=True),
    Column("subject", String(120), nullable=False),
    Column("ground_id", String(36)),
    Column("decided_at", Instant),
    Column("delivered_at", Instant),
    Column("withheld_at", Instant),
    Column("feed_sequence", Number),
    Index("access_given_subject", "subject"),
)
"""Who was to be given what (`decided_at` None: by a back-fill), and what the relay reported of it."""

GIVEN_WHEN: Final = func.coalesce(GIVEN.c.delivered_at, GIVEN.c.withheld_at, GIVEN.c.decided_at)
"""The moment that a line shows, and by which an auditor searches."""
Index("access_given_when", GIVEN_WHEN)
Index("access_given_unit", GIVEN.c.unit, GIVEN_WHEN)

READ: Final = Table(
    "access_read",
    METADATA,
    Column("position", Number, primary_key=True),
    Column("subject", String(120), nullable=False),
    Column("time", Instant, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("reader", String(110), nullable=False),
    Column("worker", String(60), nullable=False),
    Column("reader_unit", String(40), nullable=False),
    Column("reporter", String(40), nullable=False),
    Column("purpose", String(40), nullable=False),
    Column("categories", Text, nullable=False),
    Column("entries", Text, nullable=False),
    Column("outcome", String(10), nullable=False),
    Column("reason", String(120)),
    Column("ground_id", String(36)),
    Column("emergency", String(60)),
    Column("judged", String(20)),
    Column("hidden_basis", String(60)),
    Column("hidden_until", Instant),
    Index("access_read_subject", "subject"),
    Index("access_read_time", "time"),
    Index("access_read_unit", "reader_unit", "time"),
    Index("access_read_worker", "worker", "time"),
    Index("access_read_outcome", "outcome", "time"),
    Index("access_read_emergency", "emergency"),
)
"""Reads and refused attempts as the adapters report them (`worker`: the reader without the role); an auditor's as the hub reports it, its purpose
being a code of `audit-purpose`.
"""

BACKFILL: Final = Table(
    "access_backfill",
    METADATA,
    Column("position", Number, primary_key=True),
    Column("unit", String(40), primary_key=True),
    Column("source", String(40), primary_key=True),
    Column("ground_id", String(36), primary_key=True),
    Column("subject", String(120), nullable=False),
    Column("through", Number, nullable=False),
    Index("access_backfill_subject", "subject"),
)
"""Ranges that a ground opened: the ground of what is reported without having been decided one by one."""

RECEIVER: Final = Table(
    "access_receiver",
    METADATA,
    Column("unit", String(40), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("institution", String(200), nullable=False),
)
"""Names of units by the newest trust list in which they stand."""
