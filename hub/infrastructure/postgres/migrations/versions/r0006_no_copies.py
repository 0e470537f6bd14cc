"""No copies of deposited keys in the planner's statistics, which outlive the rows that they were taken from."""

from hub.infrastructure.postgres.migrations.run_sql import run_sql

revision = "r0006"
down_revision = "r0005"


def upgrade() -> None:
    """Run r0006_no_copies.sql."""
    run_sql(__file__)
