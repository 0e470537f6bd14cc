"""Which connector reads what a mapping names.

Invariant: whoever imports knows the port alone; this is the one place that knows the connectors.
"""

from pathlib import Path

from adapters.connectors.drop_folder import DropFolder
from adapters.connectors.mapping import Mapping
from adapters.connectors.record_table import Connector


def open_connector(path: Path, mapping: Mapping) -> Connector:
    """The tables that a mapping reads at a place. Raises `AdapterError` where there are none of them."""
    return DropFolder(path, mapping)
