"""Runs the SQL file beside a revision."""

from pathlib import Path

from alembic import op


def run_sql(revision_file: str) -> None:
    """Send `<revision>.sql` whole, as it stands (so a literal percent sign needs no doubling)."""
    connection = op.get_bind().connection.driver_connection
    if connection is None:  # pragma: no cover - alembic is never called offline here
        raise RuntimeError("migrations need a connection")
    connection.execute(Path(revision_file).with_suffix(".sql").read_bytes())
