"""The tables of one unit's database.

Invariants: numbers of the journal and orders of the outbox are never used again; (record key, sequence) of what may still be sent is unique; every
revision of the journal is given once, in commit order, so a follower that has read up to one has missed nothing.
"""

from typing import Any, Final

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, MetaData, String, Table, Text, text

from adapters.storage.column_types import Instant, Number
from adapters.storage.key_starts import start_of

METADATA: Final = MetaData()


def _signed() -> list[Column[Any]]:
    """A signature beside its payload: see `signed_columns`."""
    return [
        Column("key_id", String(120)),
        Column("signature", LargeBinary),
        Column("proof", LargeBinary),
    ]


SCHEMA_VERSION: Final = Table("schema_version", METADATA, Column("version", Integer, primary_key=True))

CLIENT: Final = Table(
    "client",
    METADATA,
    Column("client_key", String(200), primary_key=True),
    Column("subject", String(60), nullable=False, unique=True),
    Column("linked_at", Instant, nullable=False),
)

NUMBER: Final = Table(
    "number",
    METADATA,
    Column("record_key", String(120), primary_key=True),
    Column("last_sequence", Integer, nullable=False),
)

RENUMBERING: Final = Table(
    "renumbering",
    METADATA,
    Column("record_key", String(120), primary_key=True),
    Column("last_sequence", Integer, nullable=False),
)
"""Record keys whose numbers the hub knows better (a restored adapter); nothing of them is sent until they are numbered again."""

SIGNED_BATCH: Final = Table(
    "signed_batch",
    METADATA,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("key_id", String(120), nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("leaves", LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)
"""What messages of the outbox share that were signed together; nothing leaves this table."""

OUTBOX: Final = Table(
    "outbox",
    METADATA,
    Column("order", Number, primary_key=True, autoincrement=True),
    Column("message_id", String(36), nullable=False, unique=True),
    Column("record_key", String(120), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("lane", Integer, nullable=False),
    Column("state", String(10), nullable=False),
    Column("payload", LargeBinary, nullable=False),
    *_signed(),
    Column("queued_at", Instant, nullable=False),
    Column("sent_at", Instant),
    Column("attempts", Integer, nullable=False, default=0),
    Column("partition", Integer),
    Column("offset", Number),
    Column("incarnation", String(120)),
    Column("replacement", String(36)),
    Column("deposit", LargeBinary),
    Column("batch", Number),
    Column("place", Integer),
    Index("outbox_next", "state", "lane", "order"),
    sqlite_autoincrement=True,
)
"""Of what was signed together `batch` and `place` stand for key, signature and proof: see `signed_batches`."""

Index("outbox_key", start_of(OUTBOX.c.record_key), OUTBOX.c.state)

RECEIPT: Final = Table(
    "receipt",
    METADATA,
    Column("message_id", String(36), primary_key=True),
    Column("verdict", String(10), nullable=False),
    Column("code", String(60)),
    Column("position", Number, nullable=False),
    Column("envelope", LargeBinary, nullable=False),
    Column("stored_at", Instant, nullable=False),
)

HELD: Final = Table(
    "held",
    METADATA,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("message_id", String(36), nullable=False, unique=True),
    Column("subject", String(60), nullable=False, index=True),
    Column("category", String(40)),
    Column("reason", String(60), nullable=False),
    Column("detail", String(60)),
    Column("held_at", Instant, nullable=False),
    sqlite_autoincrement=True,
)
"""Entries that no ground permits to leave yet; their document stands in the journal."""

QUARANTINE: Final = Table(
    "quarantine",
    METADATA,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("origin", String(10), nullable=False),
    Column("code", String(60), nullable=False),
    Column("explanation", Text, nullable=False),
    Column("message_id", String(36), index=True),
    Column("subject", String(60), index=True),
    Column("local_key", String(500), index=True),
    Column("draft", LargeBinary),
    Column("quarantined_at", Instant, nullable=False),
    Column("resolved_at", Instant),
    Column("replacement", String(36)),
    sqlite_autoincrement=True,
)

JOURNAL: Final = Table(
    "journal",
    METADATA,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("revision", Number, nullable=False, unique=True),
    Column("kind", String(10), nullable=False),
    Column("state", String(10)),
    Column("message_id", String(36), nullable=False, unique=True),
    Column("subject", String(60)),
    Column("author", String(40), nullable=False),
    Column("type", String(120), nullable=False),
    Column("category", String(40)),
    Column("shapes_state", Boolean, nullable=False),
    Column("time", Instant, nullable=False),
    Column("payload", LargeBinary),
    *_signed(),
    Column("sealed_under", String(64)),
    Column("opened", LargeBinary),
    Column("delivery", LargeBinary),
    Column("ground_id", String(36)),
    Column("position", Number),
    Column("shard", Integer),
    Column("generation", Integer),
    Column("feed_sequence", Number),
    Column("recorded_at", Instant, nullable=False),
    Index("journal_shaping", "subject", sqlite_where=text("shapes_state = 1"), postgresql_where=text("shapes_state")),
    Index("journal_type", "type"),
    Index(
        "journal_sealed",
        "sealed_under",
        sqlite_where=text("sealed_under IS NOT NULL"),
        postgresql_where=text("sealed_under IS NOT NULL"),
    ),
    sqlite_autoincrement=True,
)
"""`payload` is what was signed, of an own entry the document in clear; `opened` the document in clear of what came sealed."""

Index("journal_subject", start_of(JOURNAL.c.subject))

CONTENT_KEY: Final = Table(
    "content_key",
    METADATA,
    Column("key_id", String(64), primary_key=True),
    Column("subject", String(120), nullable=False),
    Column("scope", String(40), nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Column("quarter", String(6), nullable=False),
    Column("retired", Boolean, nullable=False),
    Column("made_at", Instant, nullable=False),
    Index("content_key_subject", "subject", "retired"),
)
"""What this unit seals under."""

OPENING_KEY: Final = Table(
    "opening_key",
    METADATA,
    Column("key_id", String(64), primary_key=True),
    Column("message_id", String(36), primary_key=True),
    Column("secret", LargeBinary, nullable=False),
    Column("received_at", Instant, nullable=False),
)
"""What the key service released to this unit; without a message id it is the content key itself."""

FEED_CHAIN: Final = Table(
    "feed_chain",
    METADATA,
    Column("shard", Integer, primary_key=True),
    Column("generation", Integer, primary_key=True),
    Column("sequence", Number, nullable=False),
    Column("link", LargeBinary, nullable=False),
)

TOPIC_POSITION: Final = Table(
    "topic_position",
    METADATA,
    Column("topic", String(120), primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("next_offset", Number, nullable=False),
    Column("incarnation", String(120), nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
)

HEAD: Final = Table(
    "head",
    METADATA,
    Column("shard", Integer, primary_key=True),
    Column("document", LargeBinary, nullable=False),
    Column("time", Instant, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("caught_up_at", Instant),
    Column("catching_up", Boolean, nullable=False, default=False),
)

TRUST_LIST: Final = Table(
    "trust_list",
    METADATA,
    Column("version", Integer, primary_key=True),
    Column("envelope", LargeBinary, nullable=False),
    Column("received_at", Instant, nullable=False),
)

SUSPICIOUS: Final = Table(
    "suspicious",
    METADATA,
    Column("digest", String(64), primary_key=True),
    Column("reason", String(60), primary_key=True),
    Column("topic", String(120), nullable=False),
    Column("partition", Integer, nullable=False),
    Column("offset", Number, nullable=False),
    Column("value", LargeBinary, nullable=False),
    Column("received_at", Instant, nullable=False),
)
"""Records of feed or directory whose signature, chain or form does not hold."""

IMPORT_ROW: Final = Table(
    "import_row",
    METADATA,
    Column("local_key", String(500), primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("message_id", String(36), nullable=False),
    Column("changed_at", Instant),
)

OBLIGATION: Final = Table(
    "obligation",
    METADATA,
    Column("obligation_id", String(36), primary_key=True),
    Column("subject", String(60), nullable=False),
    Column("facts", LargeBinary, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("due", Instant, nullable=False),
    Column("overdue", Boolean, nullable=False, default=False),
    Column("answered_at", Instant),
    Column("answer_id", String(36)),
)
