"""The poll that `test_killed_poll` kills."""

from pathlib import Path

from adapters.connectors.sql_poll import poll
from tests.local_database import ReadingUnit, Vendor, plan, vendor_on_sqlite


def poll_once(home: Path, reader: str) -> None:
    """One poll of the database at an address, as the running adapter makes it."""
    with ReadingUnit(home).house() as house:
        poll(house, plan(Vendor(vendor_on_sqlite(home / "unused.db").engine, reader)))
