"""How far each category's retention has been looked after."""

from hub.infrastructure.postgres.migrations.run_sql import run_sql

revision = "r0004"
down_revision = "r0003"


def upgrade() -> None:
    """Run r0004_retention.sql."""
    run_sql(__file__)
