"""Random sheets: a workbook and the CSV file that a spreadsheet program makes of it are the same import, and no bytes end one."""

# ruff: noqa: DTZ001 - a sheet knows no zones

import csv
import io
import zipfile
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from tests.unit.connectors.folder import Made, make

COLUMNS = ["Číslo případu", "Datum", "Služba", "Hodin", "Výsledek", "Poznámka", "Změněno", "Smazáno"]
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp", "Zs")), max_size=8)
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2026, 2, 27)).map(
    lambda one: one.replace(second=0, microsecond=0)
)
DAYS = MOMENTS.map(lambda one: one.replace(hour=0, minute=0))
CODES = st.sampled_from(
    ["dluhová poradna", "kurz", "osvědčení", "neznámé", "-", "2026/17", "#N/A", "31. 2. 2026", "1. 2. 2026"]
)
CELLS = (
    st.none()
    | TEXTS
    | CODES
    | MOMENTS
    | DAYS
    | st.integers(-(10**6), 10**6)
    | st.booleans()
    | st.decimals(-999, 999, places=2).map(float)
)
LIKELY: list[st.SearchStrategy[Any]] = [
    st.sampled_from(["2026/17", "2026/18", 17]),
    DAYS,
    st.sampled_from(["dluhová poradna", "kurz"]),
    st.sampled_from([1, 1.5, "2,25", None]),
    st.sampled_from(["osvědčení", None]),
    TEXTS,
    MOMENTS | st.none(),
    st.none(),
]
ROWS = st.lists(
    st.tuples(*(st.one_of(likely, CELLS) if index else likely for index, likely in enumerate(LIKELY))), max_size=8
)


def as_csv(value: object) -> str:
    """What a Czech spreadsheet program writes into a CSV file."""
    match value:
        case None:
            return ""
        case bool():
            return "TRUE" if value else "FALSE"
        case float():
            return f"{value:.15g}".replace(".", ",")
        case datetime(hour=0, minute=0):
            return f"{value.day:02}. {value.month:02}. {value.year}"
        case datetime():
            return f"{value.day:02}. {value.month:02}. {value.year} {value.hour:02}:{value.minute:02}"
        case _:
            return str(value)


def both(rows: list[tuple[Any, ...]], titles: int) -> tuple[Made, Made]:
    with TemporaryDirectory() as folder:
        above = [["Služby 2026"]] * titles
        book = Workbook()
        for row in [*above, COLUMNS, *rows]:
            book.active.append(row)
            for cell in book.active[book.active.max_row] if row else ():
                if isinstance(cell.value, str):
                    cell.data_type = "s"  # a text that begins with = is none of a formula here
        book.save(Path(folder) / "a.xlsx")
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=";").writerows([*above, COLUMNS, *([as_csv(cell) for cell in row] for row in rows)])
        (Path(folder) / "a.csv").write_text(text.getvalue(), encoding="utf-8")
        return make(Path(folder) / "a.xlsx", "example"), make(Path(folder) / "a.csv", "example")


@settings(deadline=None, max_examples=40)
@given(ROWS, st.integers(0, 2))
def test_the_same_sheet_as_workbook_and_as_csv_gives_the_same_drafts_and_the_same_refusals(
    rows: list[tuple[Any, ...]], titles: int
) -> None:
    of_book, of_text = both(rows, titles)
    assert of_book == of_text
    spoken_for = {one.row for one in of_book.refusals}
    assert len(of_book.named("service")) + len(of_book.withdrawals) + len(spoken_for) >= of_book.rows["sluzby.csv"]


@settings(deadline=None, max_examples=30)
@given(st.data())
def test_a_workbook_with_any_bytes_changed_ends_in_a_report(data: st.DataObject) -> None:
    book = Workbook()
    book.active.append(COLUMNS)
    book.active.append(["2026/17", datetime(2026, 2, 24), "kurz", 8])
    stream = io.BytesIO()
    book.save(stream)
    with zipfile.ZipFile(stream) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    harmed = data.draw(st.sampled_from(sorted(parts)))
    place = data.draw(st.integers(0, len(parts[harmed])))
    bytes_put = data.draw(
        st.binary(max_size=6) | st.sampled_from([b"<", b"&x;", b'r="0"', b"</row>", b"1e999", b"\xff\xfe"])
    )
    parts[harmed] = parts[harmed][:place] + bytes_put + parts[harmed][place + data.draw(st.integers(0, 6)) :]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.xlsx"
        with zipfile.ZipFile(path, "w") as package:
            for name, content in parts.items():
                package.writestr(name, content)
        raw = bytearray(path.read_bytes())
        if data.draw(st.booleans()):
            raw[data.draw(st.integers(0, len(raw) - 1))] ^= 0xFF
        path.write_bytes(raw)
        made = make(path, "example")
    assert made.rows["sluzby.csv"] <= 2 or made.refusals
    assert all(one.reason for one in made.refusals)
