"""Erasures that were carried out, to be told to the log."""

from hub.infrastructure.postgres.migrations.run_sql import run_sql

revision = "k0002"
down_revision = "k0001"


def upgrade() -> None:
    """Run k0002_erasures.sql."""
    run_sql(__file__)
