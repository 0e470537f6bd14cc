"""The tables of one unit's local API: its tokens, and the answers that were given under an idempotency key.

Invariant: a token's text is in no table, only its digest.
"""

from typing import Final

from sqlalchemy import Column, Integer, LargeBinary, String, Table, Text

from adapters.storage.column_types import Instant
from adapters.storage.tables import METADATA

API_TOKEN: Final = Table(
    "api_token",
    METADATA,
    Column("token_id", String(16), primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("label", String(200), nullable=False),
    Column("scopes", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("revoked_at", Instant),
)

API_ANSWER: Final = Table(
    "api_answer",
    METADATA,
    Column("token_id", String(16), primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("request", LargeBinary, nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("answered_at", Instant, nullable=False, index=True),
)
"""What a request under an idempotency key was answered; `request` is the digest of method, path and body."""
