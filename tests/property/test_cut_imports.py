"""Imports of random sheets that end anywhere, are repeated, and meet a file that changed: what stands in the end is what one whole import makes."""

# ruff: noqa: DTZ001 - a sheet knows no zones

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook
from sqlalchemy import text

from adapters.connectors.drafting import Drafting, ImportSettings
from adapters.connectors.drop_folder import DropFolder
from adapters.connectors.importing import to_record
from adapters.connectors.mapping_file import load_mapping
from adapters.connectors.scratch import Scratch
from adapters.connectors.unit_desk import StoredRows
from adapters.desk import recording_desk
from adapters.desk.desk import Desk
from adapters.desk.signer import Signer
from adapters.storage.unit_store import UnitStore
from contracts.names import UnitId
from tests.simulated_hub import PROGRAMME, SimulatedHub
from tests.simulation.programme import StoryClock
from tests.unit.connectors.folder import NOW, SECRET

COLUMNS = ["Číslo případu", "Datum", "Služba", "Hodin"]
EXAMPLE = load_mapping("example")
ROW = st.tuples(
    st.sampled_from(["k-1", "k-2"]),
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 2, 20)).map(
        lambda at: at.replace(hour=0, minute=0, second=0, microsecond=0)
    ),
    st.sampled_from(["kurz", "dluhová poradna", "neznámé"]),
    st.sampled_from([1, 1.5, "2,25", "x", None]),
)
ROWS = st.lists(ROW, max_size=8, unique_by=lambda row: row[:3])
HUB = SimulatedHub()


class CutError(Exception):
    """The process ended here."""


@contextmanager
def desk(folder: Path) -> Iterator[Desk]:
    store = UnitStore.open(folder / "unit.db")
    signer = Signer(PROGRAMME, HUB.unit_keys[UnitId("op")])
    yield Desk(store, signer=signer, directory=lambda: HUB.directory, clock=StoryClock(NOW))
    store.close()


def write(folder: Path, rows: Sequence[tuple[Any, ...]]) -> Path:
    book = Workbook()
    for row in [COLUMNS, *rows]:
        book.active.append(row)
    book.save(folder / "a.xlsx")
    return folder / "a.xlsx"


def load(folder: Path, *, cut: int | None = None, between: Callable[[], object] = lambda: None) -> None:
    """Import the sheet in transactions of two rows; end before the draft `cut` as a kill would, without a word."""
    with desk(folder) as opened, Scratch() as scratch:
        made = Drafting(
            EXAMPLE, DropFolder(folder / "a.xlsx", EXAMPLE), scratch, ImportSettings(UTC, NOW, SECRET)
        ).made()

        def cutting() -> Iterator[Any]:
            for number, one in enumerate(to_record(made, StoredRows(opened.store))):
                if number == cut:
                    raise CutError
                between()
                yield one

        try:
            for _ in opened.record_many(cutting()):
                pass
        except CutError:
            pass


def standing(folder: Path) -> tuple[list[Any], list[Any], int]:
    """Rows by key with their content's digest; what the entries say; how many there are. Ids and subjects are random and left out."""
    with desk(folder) as opened, opened.store.read() as tx:
        rows = tx.connection.execute(text("SELECT local_key, digest FROM import_row ORDER BY local_key")).all()
        entries = tx.connection.execute(
            text("SELECT type, category, time FROM journal ORDER BY type, category, time")
        ).all()
        return [tuple(row) for row in rows], [tuple(row) for row in entries], len(entries)


@settings(deadline=None, max_examples=15)
@given(ROWS, st.lists(st.integers(0, 8), max_size=3))
def test_an_import_cut_anywhere_and_repeated_is_the_same_as_a_whole_one(
    rows: list[tuple[Any, ...]], cuts: list[int]
) -> None:
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as once, TemporaryDirectory() as often:
        patch.setattr(recording_desk, "CHUNK", 2)
        write(Path(once), rows)
        load(Path(once))
        write(Path(often), rows)
        for cut in cuts:
            load(Path(often), cut=cut)
        load(Path(often))
        load(Path(often))
        assert standing(Path(often)) == standing(Path(once))


@settings(deadline=None, max_examples=10)
@given(ROWS, ROWS)
def test_a_sheet_saved_anew_in_the_middle_of_its_import_ends_as_the_new_sheet(
    before: list[tuple[Any, ...]], after: list[tuple[Any, ...]]
) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, before)
        replaced: list[Path] = []

        def save_anew() -> None:
            if not replaced:
                replaced.append(write(folder, after))

        load(folder, between=save_anew)
        load(folder)
        load(folder)
        found, _, _ = standing(folder)
        write(folder, after)
        with TemporaryDirectory() as other:
            write(Path(other), after)
            load(Path(other))
            wanted, _, _ = standing(Path(other))
    if replaced:
        assert {key: digest for key, digest in found if key in dict(wanted)} == dict(wanted)
