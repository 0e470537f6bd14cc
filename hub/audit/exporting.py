"""Making an export, whole or in part, from a hub's database and its ledger.

Invariant: what is exported ends where a signed checkpoint ends, so that it can be checked whole, and of a part every row.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from contracts.ledger import checkpoint, signed_note
from contracts.ledger.listed_keys import witness_keys
from contracts.names import RecordKey, SubjectId
from hub.application.announcing import WITNESSED
from hub.application.ledger_tiles import LedgerTiles
from hub.application.ports import HubError
from hub.audit.bundle import Manifest, Part, Row
from hub.audit.bundle_writing import write
from hub.audit.moments import begin_of, end_of
from hub.audit.policy_text import policy_text
from hub.entrypoints.house import FIRST_LIST, House, open_house
from hub.entrypoints.ledger_files import files_of
from hub.entrypoints.ledger_process import signer_of
from hub.entrypoints.settings import load_settings
from hub.infrastructure.outside_witness import OutsideWitness
from hub.infrastructure.postgres.log_keys import names_in
from hub.infrastructure.postgres.log_reading import LogReading
from hub.infrastructure.postgres.mapper import EventMapper
from hub.infrastructure.postgres.privileges import DatabaseUser
from hub.infrastructure.postgres.session import Session
from hub.infrastructure.postgres.stored_log import StoredLog, StoredRow

_AT_ONCE: Final = 500


class ExportError(HubError):
    """There is nothing to export yet, or nothing of what was asked for."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What an export is to hold, with moments as they are typed; nothing named: the whole log."""

    subjects: tuple[SubjectId, ...] = ()
    since: str | None = None
    until: str | None = None

    def part(self, zone: ZoneInfo) -> Part | None:
        """As the export will say it; None: all of it. Raises `MomentError`."""
        if not self.subjects and self.since is None and self.until is None:
            return None
        return Part(
            keys=tuple(RecordKey(one) for one in self.subjects),
            since=None if self.since is None else begin_of(self.since, zone),
            until=None if self.until is None else end_of(self.until, zone),
        )


EVERYTHING: Final = Asked()


def export_log(folder: Path, home: Path | None, asked: Asked = EVERYTHING) -> Manifest:
    """Export one shard; returns what the export says of itself. Raises `ExportError`, `BundleError`, `StoreUnavailableError`."""
    house = open_house(load_settings(home=home))
    mapper = house.mapper()
    directory, ledger = house.programme.directory, files_of(house)
    raw = ledger.read(WITNESSED) or ledger.read("checkpoint")
    if raw is None:
        raise ExportError("There is no checkpoint yet.", advice="Run `spojka-hub run --role ledger` first.")
    size = checkpoint.parse(signed_note.parse(raw.decode()).text).size
    part = asked.part(directory.zone)
    session = Session(house.database(DatabaseUser.AUDIT), name="audit")
    try:
        log = StoredLog(session)
        keys = None if part is None else _keys(log, size, part)
        return write(
            folder,
            Manifest(programme=directory.listed.programme, shard=house.settings.shard, size=size, part=part),
            rows_with_keys(
                log.by_record_key(size, keys=keys, until=None if part is None else part.until), mapper, session
            ),
            note=raw,
            first_list=(house.settings.home / FIRST_LIST).read_bytes(),
            tiles=None if part is None else LedgerTiles(ledger),
        )
    finally:
        session.close()


def policy_of(home: Path | None) -> str:
    """A policy that trusts this hub's ledger key, and its witnesses by quorum."""
    house: House = open_house(load_settings(home=home))
    key = signer_of(house).key
    session = Session(house.database(DatabaseUser.AUDIT), name="audit")
    try:
        directory = house.programme.caught_up(LogReading(session, house.mapper())).directory
    finally:
        session.close()
    units = [keys[-1] for _, keys in sorted(witness_keys(directory, house.clock.now()).items())]
    outside = [OutsideWitness.of(one).key for one in house.settings.outside_witnesses]
    return policy_text(key, units=units, outside=outside)


def _keys(log: StoredLog, size: int, part: Part) -> list[RecordKey]:
    found = log.record_keys_between(size, since=part.since, until=part.until)
    chosen = sorted(set(found) & set(part.keys) if part.keys else found)
    if not chosen:
        raise ExportError("Nothing of this was recorded.", advice="Check the subject, the period and the shard.")
    return chosen


def rows_with_keys(
    found: Iterable[tuple[RecordKey, StoredRow]], mapper: EventMapper, session: Session
) -> Iterator[Row]:
    """Rows with what opens them, as far as it was not destroyed."""
    rows = iter(found)
    while some := list(islice(rows, _AT_ONCE)):
        keys = mapper.keys.of_states((row.state for _, row in some), session) if mapper.keys is not None else {}
        for key, row in some:
            opens = b"".join(one.secret for name in names_in(row.state) if (one := keys.get(name)) is not None)
            yield Row(row.position, key, row.stream_id, row.stream_version, row.topic, row.state, opens)
