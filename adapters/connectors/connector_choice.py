"""Which connector reads what a mapping names.

Invariant: whoever imports knows the port alone; this is the one place that knows the connectors; each is loaded when it is needed.
"""

from datetime import datetime
from pathlib import Path

from adapters.connectors.drop_folder import DropFolder
from adapters.connectors.mapping import Mapping
from adapters.connectors.record_table import Connector


def is_database(place: str) -> bool:
    """Whether a place is a database's address, or the file that holds one, and not a folder."""
    return "://" in place or place.startswith("file:")


def open_connector(path: Path, mapping: Mapping) -> Connector:
    """The tables that a mapping reads in a folder or file. Raises `AdapterError` where there are none of them."""
    return DropFolder(path, mapping)


def open_database(place: str, mapping: Mapping, *, now: datetime, writable_account: bool = False) -> Connector:
    """The tables that a mapping reads in a database. Raises `AdapterError`."""
    from adapters.connectors.sql_access import SqlAccess  # noqa: PLC0415 - files need no SQLAlchemy, which takes long to load
    from adapters.connectors.sql_database import Since, SqlDatabase  # noqa: PLC0415 - as above

    return SqlDatabase(SqlAccess.open(place, writable_account=writable_account), mapping, Since(now))
