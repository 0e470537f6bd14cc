"""No copies of keys in the planner's statistics, which outlive the rows that they were taken from."""

from hub.infrastructure.postgres.migrations.run_sql import run_sql

revision = "k0004"
down_revision = "k0003"


def upgrade() -> None:
    """Run k0004_no_copies.sql."""
    run_sql(__file__)
