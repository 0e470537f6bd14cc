"""Content keys on their way to the key service, and what units ask of it."""

from hub.infrastructure.postgres.migrations.run_sql import run_sql

revision = "r0003"
down_revision = "r0002"


def upgrade() -> None:
    """Run r0003_key_mailbox.sql."""
    run_sql(__file__)
