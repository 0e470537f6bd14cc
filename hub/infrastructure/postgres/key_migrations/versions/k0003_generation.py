"""Up to which restore of the log the keys have followed it."""

from hub.infrastructure.postgres.migrations.run_sql import run_sql

revision = "k0003"
down_revision = "k0002"


def upgrade() -> None:
    """Run k0003_generation.sql."""
    run_sql(__file__)
