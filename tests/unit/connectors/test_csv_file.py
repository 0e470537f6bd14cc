"""CSV files as people's programs write them."""

from pathlib import Path

import pytest

from adapters.connectors.csv_file import CsvFile
from adapters.connectors.file_format import FileFormat
from adapters.connectors.record_table import Record
from adapters.connectors.refusal import CellError, Refusal, RefusalReason

PLACE = "Příliš žluťoučký kůň"


def read(
    folder: Path, content: bytes, *columns: str, settings: FileFormat | None = None
) -> tuple[list[Record], list[Refusal], int]:
    path = folder / "file.csv"
    path.write_bytes(content)
    refused: list[Refusal] = []
    file = CsvFile(path, "file.csv", settings or FileFormat(), frozenset(columns or ("id", "place")))
    return list(file.read(refused.append)), refused, file.rows


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1250"])
def test_a_czech_name_is_read_in_whatever_encoding_it_was_saved(tmp_path: Path, codec: str) -> None:
    records, refused, _ = read(tmp_path, f"id;place\r\n1;{PLACE}\r\n".encode(codec))
    assert [(one.cell("id"), one.cell("place")) for one in records] == [("1", PLACE)]
    assert not refused


def test_a_stated_encoding_goes_before_what_the_bytes_look_like(tmp_path: Path) -> None:
    records, _, _ = read(tmp_path, "id,place\n1,é\n".encode(), settings=FileFormat(encoding="cp1252"))
    assert records[0].cell("place") == "Ã©"


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_by_the_columns_that_the_mapping_reads(tmp_path: Path, sign: str) -> None:
    noise = ";;" if sign == "," else ",,,,"  # in the header of a column that nobody reads
    records, refused, _ = read(tmp_path, f'o{noise}{sign}id{sign}place\n0{sign}1{sign}"a{sign}b"\n'.encode())
    assert records[0].cell("place") == f"a{sign}b"
    assert not refused


def test_excels_separator_line_is_no_header(tmp_path: Path) -> None:
    records, refused, _ = read(tmp_path, b"sep=;\r\nid;place\r\n1;Brno\r\n")
    assert [(one.row, one.cell("place")) for one in records] == [(3, "Brno")]
    assert not refused


def test_a_quoted_cell_with_line_ends_is_one_row_and_keeps_the_count_of_rows(tmp_path: Path) -> None:
    records, _, _ = read(tmp_path, b'id,place\n1,"a\nb ""c"""\n2,d\n')
    assert [(one.row, one.cell("place")) for one in records] == [(2, 'a\nb "c"'), (3, "d")]


def test_an_open_quote_costs_its_own_line_only(tmp_path: Path) -> None:
    rows = b"".join(b"%d,x\n" % number for number in range(2, 40_000))
    records, refused, counted = read(tmp_path, b'id,place\n1,"open\n' + rows)
    assert [(one.row, one.reason) for one in refused] == [(2, RefusalReason.MALFORMED_ROW)]
    assert len(records) == 39_998
    assert counted == 39_999


def test_a_huge_cell_is_refused_and_the_next_row_is_read(tmp_path: Path) -> None:
    records, refused, _ = read(
        tmp_path, b"id,place\n1," + b"x" * 200_000 + b"\n2,y\n3," + b"z" * 3_000_000 + b"\n4,w\n"
    )
    assert [one.cell("id") for one in records] == ["2", "4"]
    assert [one.row for one in refused] == [2, 4]


def test_missing_columns_at_the_end_of_a_row_are_empty_and_surplus_values_refuse_it(tmp_path: Path) -> None:
    records, refused, _ = read(tmp_path, b"id,place\n1\n2,a,b\n3,c,,\n")
    assert [(one.cell("id"), one.cell("place")) for one in records] == [("1", ""), ("3", "c")]
    assert [(one.row, one.reason, one.value) for one in refused] == [(3, RefusalReason.TOO_MANY_VALUES, "b")]


def test_a_column_that_stands_twice_is_used_only_where_both_agree(tmp_path: Path) -> None:
    records, _, _ = read(tmp_path, b"id,place,place\n1,a,a\n2,a,b\n")
    assert records[0].cell("place") == "a"
    with pytest.raises(CellError) as caught:
        records[1].cell("place")
    assert caught.value.reason is RefusalReason.COLUMN_TWICE


@pytest.mark.parametrize("bad", [b"\x00", b"\xff\xfe"])
def test_a_cell_that_is_no_text_is_refused_when_it_is_used(tmp_path: Path, bad: bytes) -> None:
    records, _, _ = read(tmp_path, b"id,place\n1,a" + bad + b"\n", settings=FileFormat(encoding="utf-8"))
    assert records[0].cell("id") == "1"
    with pytest.raises(CellError) as caught:
        records[0].cell("place")
    assert caught.value.reason is RefusalReason.NOT_TEXT


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_told_and_not_passed_over(tmp_path: Path, content: bytes) -> None:
    records, refused, _ = read(tmp_path, content)
    assert not records
    assert [one.reason for one in refused] == [RefusalReason.FILE_EMPTY]


def test_a_column_that_the_mapping_reads_and_the_file_lacks_is_named_once(tmp_path: Path) -> None:
    _, refused, _ = read(tmp_path, b"ID ,x\n1,2\n3,4\n")
    assert [(one.column, one.reason) for one in refused] == [("place", RefusalReason.COLUMN_MISSING)]


def test_a_second_reading_neither_counts_nor_reports_again(tmp_path: Path) -> None:
    (tmp_path / "file.csv").write_bytes(b"id,place\n1,a,b\n2,c\n")
    refused: list[Refusal] = []
    file = CsvFile(tmp_path / "file.csv", "file.csv", FileFormat(), frozenset({"id", "place"}))
    assert len(list(file.read(refused.append))) == len(list(file.read(refused.append))) == 1
    assert (len(refused), file.rows) == (1, 2)


def test_a_folder_in_a_files_place_is_told_and_does_not_end_the_import(tmp_path: Path) -> None:
    (tmp_path / "file.csv").mkdir()
    refused: list[Refusal] = []
    file = CsvFile(tmp_path / "file.csv", "file.csv", FileFormat(), frozenset({"id"}))
    assert not list(file.read(refused.append))
    assert [one.reason for one in refused] == [RefusalReason.FILE_UNREADABLE]
