"""Tables for what a unit has seen of the hub's ledger, for the proofs that it keeps beside its own messages, and for alarms."""

from typing import Final

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, String, Table, Text

from adapters.storage.column_types import Instant, Number
from adapters.storage.tables import METADATA

LEDGER_HEAD: Final = Table(
    "ledger_head",
    METADATA,
    Column("shard", Integer, primary_key=True, autoincrement=False),
    Column("size", Number, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("note", Text, nullable=False),
)
"""The last checkpoint that followed from the one before."""

LEDGER_ROOT: Final = Table(
    "ledger_root",
    METADATA,
    Column("shard", Integer, primary_key=True, autoincrement=False),
    Column("size", Number, primary_key=True, autoincrement=False),
    Column("root", LargeBinary, nullable=False),
)
"""Checkpoints that were seen, so that one that comes again is told from one that is new and smaller."""

LEDGER_STRETCH: Final = Table(
    "ledger_stretch",
    METADATA,
    Column("shard", Integer, primary_key=True, autoincrement=False),
    Column("first", Number, primary_key=True, autoincrement=False),
    Column("size", Number, nullable=False),
    Column("subtrees", LargeBinary, nullable=False),
    Column("leaves", LargeBinary, nullable=False),
    Column("taken_at", Instant, nullable=False),
)
"""Leaf hashes, kept until no message of this unit can need them any more."""

LEDGER_WITNESSED: Final = Table(
    "ledger_witnessed",
    METADATA,
    Column("shard", Integer, primary_key=True, autoincrement=False),
    Column("size", Number, primary_key=True, autoincrement=False),
    Column("note", Text, nullable=False),
)
"""Checkpoints that enough witnesses cosigned: the newest, and those that proofs rest on."""

LEDGER_GOSSIP: Final = Table(
    "ledger_gossip",
    METADATA,
    Column("shard", Integer, primary_key=True, autoincrement=False),
    Column("author", String(40), primary_key=True),
    Column("size", Number, primary_key=True, autoincrement=False),
    Column("root", LargeBinary, nullable=False),
    Column("evidence", LargeBinary, nullable=False),
    Column("heard_at", Instant, nullable=False),
)
"""What other units said that they had seen, and this unit has not yet."""

ENTRY_PROOF: Final = Table(
    "entry_proof",
    METADATA,
    Column("message_id", String(36), primary_key=True),
    Column("shard", Integer, nullable=False),
    Column("position", Number, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
    Column("lost", Boolean, nullable=False, default=False),
    Column("size", Number),
    Column("path", LargeBinary),
    Index("entry_proof_owed", "shard", "size", "position"),
)
"""Per message with a receipt: where it stands in the ledger, and the path under a witnessed checkpoint once there is one."""

ALARM: Final = Table(
    "alarm",
    METADATA,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("kind", String(40), nullable=False),
    Column("shard", Integer),
    Column("detail", String(200), nullable=False),
    Column("evidence", LargeBinary, nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("raised_at", Instant, nullable=False),
    Column("dismissed_at", Instant),
    sqlite_autoincrement=True,
)
