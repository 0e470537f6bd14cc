"""Making an export from a hub's database and its ledger.

Invariant: what is exported ends where a signed checkpoint ends, so that it can be checked whole.
"""

from collections.abc import Iterator
from pathlib import Path

from contracts.ledger import checkpoint, signed_note
from hub.application.ports import HubError
from hub.audit.bundle import Manifest, Row, write
from hub.entrypoints.house import FIRST_LIST, House, open_house
from hub.entrypoints.ledger_process import files_of, signer_of
from hub.entrypoints.settings import load_settings
from hub.infrastructure.postgres.session import Session
from hub.infrastructure.postgres.stored_log import StoredLog

_CHUNK = 4096


class ExportError(HubError):
    """There is nothing to export yet."""


def export_log(folder: Path, home: Path | None) -> int:
    """Export one shard; returns the number of rows. Raises `ExportError`, `BundleError`, `StoreUnavailableError`."""
    house = open_house(load_settings(home=home))
    raw = files_of(house).read("checkpoint")
    if raw is None:
        raise ExportError("There is no checkpoint yet.", advice="Run `spojka-hub run --role ledger` first.")
    size = checkpoint.parse(signed_note.parse(raw.decode()).text).size
    session = Session(house.database, name="audit")
    try:
        return write(
            folder,
            Manifest(programme=house.programme.directory.listed.programme, shard=house.settings.shard, size=size),
            _rows(StoredLog(session), size),
            note=raw,
            first_list=(house.settings.home / FIRST_LIST).read_bytes(),
        )
    finally:
        session.close()


def policy_of(home: Path | None) -> str:
    """A policy that trusts the ledger key of this hub and no witness."""
    house: House = open_house(load_settings(home=home))
    key = signer_of(house).key
    return (
        f"# {key.name}: compare this key with the operator by another way.\n"
        "# Add `witness NAME VKEY` lines, a group and its quorum for whom else you trust (c2sp.org/tlog-policy).\n"
        f"log {key.text}\nquorum none\n"
    )


def _rows(log: StoredLog, size: int) -> Iterator[Row]:
    position = 0
    while position < size:
        rows = log.rows(position, limit=min(_CHUNK, size - position))
        if not rows:
            return
        for row in rows:
            yield Row(row.position, row.stream_id, row.stream_version, row.topic, row.state)
        position += len(rows)
