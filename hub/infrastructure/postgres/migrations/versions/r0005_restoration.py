"""Which restores of this shard were begun, and where its log stood."""

from hub.infrastructure.postgres.migrations.run_sql import run_sql

revision = "r0005"
down_revision = "r0004"


def upgrade() -> None:
    """Run r0005_restoration.sql."""
    run_sql(__file__)
