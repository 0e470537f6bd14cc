"""What the log is still to be told of deliveries, and what the operator asks about parked messages."""

from hub.infrastructure.postgres.migrations.run_sql import run_sql

revision = "r0002"
down_revision = "r0001"


def upgrade() -> None:
    """Run r0002_reports_and_wishes.sql."""
    run_sql(__file__)
