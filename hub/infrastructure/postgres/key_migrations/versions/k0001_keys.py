"""The tables of the key service."""

from hub.infrastructure.postgres.migrations.run_sql import run_sql

revision = "k0001"
down_revision = None


def upgrade() -> None:
    """Run k0001_keys.sql."""
    run_sql(__file__)
