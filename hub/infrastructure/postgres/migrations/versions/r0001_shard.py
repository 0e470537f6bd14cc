"""The tables of a shard."""

from hub.infrastructure.postgres.migrations.run_sql import run_sql

revision = "r0001"
down_revision = None


def upgrade() -> None:
    """Run r0001_shard.sql."""
    run_sql(__file__)
