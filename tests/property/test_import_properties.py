"""Imports over generated folders: whatever the bytes, nothing crashes, nothing is lost without a word, nothing is made twice."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.connectors.evaluation import joined
from tests.unit.connectors.folder import HMIS, make, write

IDS = st.sampled_from(["1", "2", "3", "", "a/b", "x"])
DATES = st.sampled_from(["2026-01-05", "2026-01-06", "2025-12-31", "", "nonsense", "2026-02-30", "2030-01-01"])
CODES = st.sampled_from(["1", "2", "3", "13", "200", "410", "999", "", "x"])
CELLS = IDS | DATES | CODES | st.text(max_size=5)


@st.composite
def tables(draw: st.DrawFn) -> dict[str, bytes]:
    """HMIS files with rows of plausible and implausible cells."""
    files = {}
    for name, header in HMIS.items():
        columns = header.partition("\n")[0].split(",")
        rows = draw(st.lists(st.lists(CELLS, min_size=1, max_size=len(columns) + 1), max_size=6))
        text = io.StringIO(newline="")
        csv.writer(text).writerows([columns, *rows])
        files[name] = text.getvalue().encode(errors="replace")
    return files


@pytest.fixture
def folders() -> Iterator[Path]:
    with TemporaryDirectory() as folder:
        yield Path(folder)


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(sorted(HMIS)), st.binary(max_size=400), min_size=1))
def test_any_bytes_in_any_file_end_in_a_report(folders: Path, files: dict[str, bytes]) -> None:
    made = make(write(folders, files))
    assert all(one.reason for one in made.refusals)


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tables())
def test_every_row_is_a_message_or_has_a_reason_and_again_is_the_same(folders: Path, files: dict[str, bytes]) -> None:
    folder = write(folders, files)
    made = make(folder)
    assert make(folder) == made
    exits = {one.row for one in made.refusals if one.file == "Exit.csv"}
    spoken_for = len(exits) + len(made.named("exit")) + sum("/exit/" in one.of for one in made.withdrawals)
    assert spoken_for >= made.rows["Exit.csv"], "every row of Exit.csv is an outcome, a withdrawal or a refusal"


@settings(deadline=None, max_examples=9, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["410", "435", "101"]), st.sampled_from(["313", "116", "30"]))
def test_a_changed_row_keeps_its_key_so_that_it_becomes_a_correction(folders: Path, before: str, after: str) -> None:
    base = {name: text.encode() for name, text in HMIS.items()}
    base["Enrollment.csv"] += b"e1,7,1,2026-01-05,,\n"
    first, second = (
        make(write(folders, base | {"Exit.csv": base["Exit.csv"] + f"x1,e1,7,2026-02-01,{code},,\n".encode()}))
        for code in (before, after)
    )
    ours, theirs = first.named("exit")[0], second.named("exit")[0]
    assert ours.local_key == theirs.local_key
    assert ours.facts != theirs.facts


class _Row:
    def __init__(self, *cells: str) -> None:
        self._cells = cells

    def cell(self, column: str) -> str:
        return self._cells[int(column)]


@given(st.lists(st.text("ab/%2F", min_size=1, max_size=4), min_size=2, max_size=3), st.data())
def test_two_different_keys_never_become_one(cells: list[str], data: st.DataObject) -> None:
    other = data.draw(st.lists(st.text("ab/%2F", min_size=1, max_size=4), min_size=len(cells), max_size=len(cells)))
    columns = [str(number) for number in range(len(cells))]
    assert (joined(_Row(*cells), columns) == joined(_Row(*other), columns)) is (cells == other)
