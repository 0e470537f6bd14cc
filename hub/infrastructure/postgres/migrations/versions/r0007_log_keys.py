"""Keys of the log's states, wrapped."""

from hub.infrastructure.postgres.migrations.run_sql import run_sql

revision = "r0007"
down_revision = "r0006"


def upgrade() -> None:
    """Run r0007_log_keys.sql."""
    run_sql(__file__)
