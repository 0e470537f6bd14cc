"""The row of names below titles, and what a person's sheet has above it."""

from pathlib import Path

from adapters.connectors.csv_file import CsvFile
from adapters.connectors.file_format import FileFormat
from adapters.connectors.refusal import Refusal, RefusalReason

WANTED = frozenset({"Jméno", "Datum"})


def read(
    folder: Path, text: str, header: int | None = None
) -> tuple[list[tuple[int | str, dict[str, str]]], list[Refusal], CsvFile]:
    path = folder / "file.csv"
    path.write_text(text, encoding="utf-8")
    refused: list[Refusal] = []
    file = CsvFile(path, "file.csv", FileFormat(header=header), WANTED)
    return [(one.row, dict(one.cells)) for one in file.read(refused.append)], refused, file


def test_titles_above_the_names_are_passed_over_and_rows_keep_their_numbers(tmp_path: Path) -> None:
    found, refused, file = read(tmp_path, "Předání 2026;;\n;;\nJméno;Datum;Barva\nKarel;1.2.2026;bílá\n;;\nEva;;\n")
    assert found == [(4, {"Jméno": "Karel", "Datum": "1.2.2026"}), (6, {"Jméno": "Eva", "Datum": ""})]
    assert not refused
    assert file.rows == 2
    assert file.unmapped == ("Barva",), "what the mapping does not read is known by name"


def test_the_row_that_has_most_of_the_names_is_the_header_even_where_one_is_missing(tmp_path: Path) -> None:
    found, refused, _ = read(tmp_path, "Seznam,k 1. 2.\nJméno,Den\nKarel,x\n")
    assert [cells["Jméno"] for _, cells in found] == ["Karel"]
    assert [(one.row, one.column, one.reason) for one in refused] == [(2, "Datum", RefusalReason.COLUMN_MISSING)]


def test_a_stated_header_row_goes_before_what_looks_like_one(tmp_path: Path) -> None:
    text = "Jméno,Datum\nkrestní a příjmení,přijato\nJméno,Datum\nKarel,x\n"
    found, _, _ = read(tmp_path, text, header=3)
    assert [cells["Jméno"] for _, cells in found] == ["Karel"]


def test_a_stated_header_row_that_is_empty_or_beyond_the_end_is_told(tmp_path: Path) -> None:
    for header in (2, 9):
        found, refused, _ = read(tmp_path, "Jméno,Datum\n,\nKarel,x\n", header=header)
        assert not found
        assert [one.reason for one in refused] == [RefusalReason.FILE_EMPTY]


def test_names_broken_over_two_lines_in_one_cell_are_the_same_names(tmp_path: Path) -> None:
    found, refused, _ = read(tmp_path, ' jméno ,"DATUM\n"\nKarel,x\n')
    assert found == [(2, {"Jméno": "Karel", "Datum": "x"})]
    assert not refused
