"""Makes exports, and takes out of them what must be erased.

Invariants: an export is a look, reported before its file is there; a copy is listed with what it holds of others before its file is there; what was
erased is cut out of every file that holds it, and a copy that only a person can destroy is named until that person has said so.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from adapters.followers import export_file
from adapters.followers.export_file import ExportTable, write_tables
from adapters.followers.export_rows import REFERRAL_COLUMNS, TIMELINE_COLUMNS, ExportRows
from adapters.process import looks
from adapters.process.looks import Look
from adapters.process.unit_house import UnitHouse
from adapters.storage.exports import Entries, Export, Form
from adapters.words import Words
from contracts.names import MessageId
from projections.corrections import Shown


@dataclass(frozen=True, slots=True)
class Purged:
    """What became of the copies that held some entries."""

    cut: Sequence[Export]
    left: Sequence[Export]
    """Printed, or not where it was written: a person must destroy it and say so."""


def export_tables(house: UnitHouse, place: Path, *, look: Look, words: Words) -> int:
    """Write timeline and referrals of all clients to a folder or workbook; returns how many entries. Raises `ExportError`."""
    place = place.resolve()
    overviews = house.overviews()
    try:
        rows = ExportRows(house, overviews, words, look)
        with house.store.write() as tx:
            number = tx.exports.make(str(place), "tables", by=look.reader, at=house.clock.now())
            listing = _Listing(house, look, number, tx.exports.entries_of(number))
        timeline = ExportTable("timeline", rows.columns(TIMELINE_COLUMNS), listing.rows(rows))
        referrals = ExportTable("referrals", rows.columns(REFERRAL_COLUMNS), rows.referrals())
        put = write_tables(place, [timeline, referrals])
    finally:
        overviews.close()
    put()
    with house.store.write() as tx:
        tx.exports.forget(number, listing.before - listing.held)
    return listing.count


@dataclass
class _Listing:
    """Reports and lists what goes into a file, as it goes by; what the file had before is not reported again."""

    house: UnitHouse
    look: Look
    number: int
    before: frozenset[MessageId]
    held: set[MessageId] = field(default_factory=set)
    count: int = 0

    def rows(self, rows: ExportRows) -> Iterator[Sequence[str]]:
        """The rows of the timeline."""
        for client in rows.clients():
            self.held.update(client.of_others)
            new = {one: about for one, about in client.of_others.items() if one not in self.before}
            if new:
                seen = [one for one in client.shown if one.entry.message_id in new]
                looks.report_entries(self.house, client.subject, seen, look=self.look)
                hold(self.house, self.number, new)
            self.count += len(client.timeline)
            yield from client.timeline


def list_copy(house: UnitHouse, seen: Sequence[Shown], to: Path | None, *, look: Look) -> None:
    """List a copy of one client's path that is about to be made, in a file or (None) from the screen; own entries alone are nobody's concern."""
    others = {one.entry.message_id: one.entry.referral_id for one in seen if one.entry.kind == "given"}
    if not others:
        return
    with house.store.write() as tx:
        path = None if to is None else str(to.resolve())
        form: Form = "printed" if to is None else "document"
        tx.exports.hold(tx.exports.make(path, form, by=look.reader, at=house.clock.now()), others)


def hold(house: UnitHouse, number: int, entries: Entries) -> None:
    """List what a copy holds of others."""
    with house.store.write() as tx:
        tx.exports.hold(number, entries)


def purge(house: UnitHouse, erased: Collection[MessageId]) -> Purged:
    """Take these out of every copy that holds them. Raises `ExportError` where a file is held fast; then it is to be done again."""
    with house.store.read() as tx:
        holding = tx.exports.holding(erased)
    cut, left = [], []
    for export, entries in holding.items():
        try:
            _purge(export, entries)
        except FileNotFoundError:
            left.append(export)
            continue
        cut.append(export)
        with house.store.write() as tx:
            if export.form == "document":
                tx.exports.end(export.number, at=house.clock.now())
            else:
                tx.exports.forget(export.number, entries.keys())
    return Purged(cut, left)


def _purge(export: Export, entries: Entries) -> None:
    if export.path is None:
        raise FileNotFoundError
    if export.form == "tables":
        keys = {*entries, *(referral for referral in entries.values() if referral is not None)}
        export_file.cut(Path(export.path), keys)
    else:
        export_file.remove(Path(export.path))
