"""Sheets as people keep them, and files that only pretend to be one."""

# ruff: noqa: DTZ001 - a sheet knows no zones

import os
import zipfile
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from adapters.connectors.drop_folder import DropFolder
from adapters.connectors.file_format import FileFormat
from adapters.connectors.mapping_file import parse_mapping
from adapters.connectors.record_table import Record
from adapters.connectors.refusal import CellError, Refusal, RefusalReason
from adapters.connectors.xlsx_sheet import XlsxSheet

CZECH = FileFormat(decimal=",", dates=("%d. %m. %Y", "%d.%m.%Y", "%d. %m. %Y %H:%M"), booleans=("ano", "ne"))
WANTED = ("Jméno", "Datum", "Hodin")


def read(
    path: Path, *columns: str, sheet: str | None = None, settings: FileFormat = CZECH
) -> tuple[list[Record], list[Refusal], XlsxSheet]:
    refused: list[Refusal] = []
    table = XlsxSheet(path, path.name, settings, frozenset(columns or WANTED), sheet)
    return list(table.read(refused.append)), refused, table


def book(folder: Path, *rows: Sequence[Any]) -> tuple[Workbook, Path]:
    made = Workbook()
    for row in rows:
        made.active.append(row)
    made.save(folder / "file.xlsx")
    return made, folder / "file.xlsx"


def cells(records: Sequence[Record]) -> list[list[str]]:
    return [[one.cell(column) for column in WANTED] for one in records]


def test_a_sheet_with_merged_titles_empty_rows_and_notes_aside_is_read_by_its_names(tmp_path: Path) -> None:
    made, path = book(
        tmp_path,
        ["Předání do služby 2026"],
        [],
        ["Jméno", "Barva", "Datum", "Hodin"],
        ["Karel", "bílá", datetime(2026, 2, 24), 1.5],
        [],
        ["Eva", None, "24. 2. 2026", 8, None, "zavolat!"],
    )
    made.active.merge_cells("A1:D1")
    made.save(path)
    records, refused, table = read(path)
    assert cells(records) == [["Karel", "24. 02. 2026", "1,5"], ["Eva", "24. 2. 2026", "8"]]
    assert [one.row for one in records] == [4, 6], "a person finds the row by its number"
    assert not refused
    assert table.rows == 2
    assert table.unmapped == ("Barva", "F"), "nothing is dropped in silence"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "ano"),
        (date(2026, 2, 24), "24. 02. 2026"),
        (datetime(2026, 2, 24, 9, 30), "24. 02. 2026 09:30"),
        (time(8, 30), "08:30"),
        (2026, "2026"),
        (0.1 + 0.2, "0,3"),
        ("  dva\u00a0", "dva"),
        ("007", "007"),
    ],
)
def test_a_cell_is_the_text_that_it_would_be_in_a_csv_file(tmp_path: Path, value: object, text: str) -> None:
    records, _, _ = read(book(tmp_path, ["Jméno"], [value])[1], "Jméno")
    assert records[0].cell("Jméno") == text


def test_a_code_that_is_shown_with_leading_zeros_keeps_them(tmp_path: Path) -> None:
    made, path = book(tmp_path, ["Jméno"], [7])
    made.active["A2"].number_format = "00000"
    made.save(path)
    assert read(path, "Jméno")[0][0].cell("Jméno") == "00007"


def test_a_date_cell_of_a_workbook_that_counts_from_1904_is_the_day_that_a_person_sees(tmp_path: Path) -> None:
    made, path = book(tmp_path, ["Jméno"])
    made.epoch = datetime(1904, 1, 1)
    made.active.append([datetime(2026, 2, 24)])
    made.save(path)
    assert read(path, "Jméno")[0][0].cell("Jméno") == "24. 02. 2026"


def test_the_sheet_with_the_columns_is_found_and_another_may_be_named(tmp_path: Path) -> None:
    made, path = book(tmp_path, ["pokyny"], ["Vyplňte druhý list"])
    for name in ("Předání", "Archiv"):
        sheet = made.create_sheet(name)
        sheet.append(["Jméno", "Datum", "Hodin"])
        sheet.append([name, "1.1.2026", "1"])
    made.save(path)
    assert cells(read(path)[0]) == [["Předání", "1.1.2026", "1"]]
    assert cells(read(path, sheet="archiv ")[0]) == [["Archiv", "1.1.2026", "1"]]
    _, refused, _ = read(path, sheet="Březen")
    assert [(one.reason, one.detail) for one in refused] == [
        (RefusalReason.SHEET_MISSING, "it has Sheet, Předání, Archiv")
    ]


def test_sheets_that_the_mapping_does_not_read_are_listed(tmp_path: Path) -> None:
    made, path = book(tmp_path, ["Jméno", "Datum"], ["Karel", "1.1.2026"])
    made.create_sheet("Poznámky")
    made.save(path)
    text = (
        "mapping: m\ntitle: T\nsources:\n- file: file.xlsx\n  key: Jméno\n  client: Jméno\n  rules:\n"
        "  - {name: r, message: client.enrolled, time: {instant: Datum}, category: identity}\n"
    )
    folder = DropFolder(tmp_path, parse_mapping(text, "m.yaml"))
    assert len(list(folder.tables["file.xlsx"].read(lambda _: None))) == 1
    assert folder.unmapped == ("file.xlsx/Poznámky",)


def rewritten(path: Path, part: str, old: str, new: str) -> Path:
    with zipfile.ZipFile(path) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    assert old.encode() in parts[part]
    parts[part] = parts[part].replace(old.encode(), new.encode())
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in parts.items():
            package.writestr(name, content)
    return path


SHEET = "xl/worksheets/sheet1.xml"


def test_a_formula_is_its_last_value_and_one_without_a_value_is_told(tmp_path: Path) -> None:
    _, path = book(tmp_path, ["Jméno", "Hodin"], ["Karel", "=1+1"], ["Eva", "=2+2"])
    _, refused, _ = read(path, "Jméno", "Hodin")
    assert [(one.reason, one.detail) for one in refused] == [(RefusalReason.NOT_CALCULATED, "2 cells")]
    rewritten(path, SHEET, "<f>1+1</f><v />", "<f>1+1</f><v>2</v>")
    rewritten(path, SHEET, '<c r="B3"><f>2+2</f><v />', '<c r="B3" t="str"><f>""</f><v></v>')
    records, refused, _ = read(path, "Jméno", "Hodin")
    assert [one.cell("Hodin") for one in records] == ["2", ""]
    assert not refused


def test_a_formula_without_result_refuses_its_cell_when_it_is_used(tmp_path: Path) -> None:
    records, _, _ = read(book(tmp_path, ["Jméno", "Hodin"], ["Karel", "#N/A"])[1], "Jméno", "Hodin")
    assert records[0].cell("Jméno") == "Karel"
    with pytest.raises(CellError) as caught:
        records[0].cell("Hodin")
    assert caught.value.reason is RefusalReason.FORMULA_ERROR


def test_what_a_sheet_says_of_its_size_costs_neither_memory_nor_rows(tmp_path: Path) -> None:
    made, path = book(tmp_path, ["Jméno"], ["Karel"])
    made.active["XFD1048576"] = "Eva"
    made.save(path)
    records, _, table = read(path, "Jméno")
    assert [one.row for one in records] == [2, 1_048_576]
    assert table.unmapped == ("XFD",)
    rewritten(path, SHEET, 'ref="A1:XFD1048576"', 'ref="A1:A1"')
    assert len(read(path, "Jméno")[0]) == 2


def _not_zip(path: Path) -> None:
    path.write_bytes(b"Jmeno;Datum\n")


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def _old(path: Path) -> None:
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600)


def _password(path: Path) -> None:
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"))


def _macros(path: Path) -> None:
    with zipfile.ZipFile(path, "a") as package:
        package.writestr("xl/vbaProject.bin", b"x")


def _other_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("letter.txt", b"x")


def _bomb(path: Path) -> None:
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as package,
        package.open("xl/sharedStrings2.xml", "w") as part,
    ):
        for _ in range(40):
            part.write(b"\0" * (1 << 20))


def _one_cell(path: Path) -> None:
    rewritten(path, SHEET, "<sheetData>", "<sheetData>" + "<!--" + "x" * (5 << 20) + "-->")


def _entities(path: Path) -> None:
    rewritten(path, "xl/workbook.xml", "<workbook", '<!DOCTYPE x [<!ENTITY a "aaaa">]><workbook')


def _sheet_entities(path: Path) -> None:
    rewritten(path, SHEET, "<worksheet", '<!DOCTYPE x [<!ENTITY a "aaaa">]><worksheet')


def _broken_xml(path: Path) -> None:
    rewritten(path, SHEET, "</sheetData>", "</sheet>")


def _broken_number(path: Path) -> None:
    rewritten(path, SHEET, 't="inlineStr"><is><t>Karel</t></is>', 't="s"><v>99999</v>')


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (_not_zip, RefusalReason.NOT_A_WORKBOOK),
        (_cut, RefusalReason.NOT_A_WORKBOOK),
        (_other_zip, RefusalReason.NOT_A_WORKBOOK),
        (_entities, RefusalReason.NOT_A_WORKBOOK),
        (_sheet_entities, RefusalReason.NOT_A_WORKBOOK),
        (_broken_xml, RefusalReason.NOT_A_WORKBOOK),
        (_broken_number, RefusalReason.NOT_A_WORKBOOK),
        (_old, RefusalReason.OLD_FORMAT),
        (_password, RefusalReason.PASSWORD_PROTECTED),
        (_macros, RefusalReason.HAS_MACROS),
        (_bomb, RefusalReason.TOO_LARGE),
        (_one_cell, RefusalReason.TOO_LARGE),
    ],
)
def test_a_hostile_or_damaged_workbook_is_told_in_one_word_and_ends_nothing(
    tmp_path: Path, harm: Callable[[Path], None], reason: RefusalReason
) -> None:
    _, path = book(tmp_path, ["Jméno"], ["Karel"])
    harm(path)
    _, refused, _ = read(path, "Jméno")
    assert [one.reason for one in refused] == [reason]


def test_a_workbook_saved_again_while_it_is_read_is_told_once(tmp_path: Path) -> None:
    _, path = book(tmp_path, ["Jméno"], *([f"k{number}"] for number in range(50)))
    refused: list[Refusal] = []
    table = XlsxSheet(path, path.name, CZECH, frozenset({"Jméno"}))
    reading: Iterator[Record] = table.read(refused.append)
    next(reading)
    copy = load_workbook(path)
    copy.active["A2"] = "jiný"
    copy.save(tmp_path / "new.xlsx")
    os.replace(tmp_path / "new.xlsx", path)  # noqa: PTH105 - as a spreadsheet program does
    assert len(list(reading)) == 49, "what was opened is read to its end"
    list(table.read(refused.append))
    assert [one.reason for one in refused] == [RefusalReason.FILE_CHANGED]


def test_a_workbook_cut_short_while_it_is_read_is_told_and_ends_nothing(tmp_path: Path) -> None:
    _, path = book(tmp_path, ["Jméno"], *([os.urandom(200).hex()] for _ in range(3_000)))
    refused: list[Refusal] = []
    reading = XlsxSheet(path, path.name, CZECH, frozenset({"Jméno"})).read(refused.append)
    next(reading)
    with path.open("r+b") as file:
        file.truncate(100)
    list(reading)
    assert RefusalReason.FILE_CHANGED in {one.reason for one in refused}


def test_texts_that_cells_share_as_excel_keeps_them_are_read(tmp_path: Path) -> None:
    _, path = book(tmp_path, ["Jméno"], ["Karel"])
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    with zipfile.ZipFile(path, "a") as package:
        package.writestr(
            "xl/sharedStrings.xml",
            f'<sst xmlns="{main}"><si><t>Ka</t></si><si><r><t>E</t></r><r><t>va</t></r></si></sst>',
        )
    rewritten(
        path,
        "[Content_Types].xml",
        "</Types>",
        f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}"/></Types>',
    )
    rewritten(path, SHEET, 't="inlineStr"><is><t>Karel</t></is>', 't="s"><v>1</v>')
    assert [one.cell("Jméno") for one in read(path, "Jméno")[0]] == ["Eva"]
