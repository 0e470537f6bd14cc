"""A volunteer's sheet of ten referrals: out to other units, three wrong rows explained and mended, the answers back in a copy."""

# ruff: noqa: DTZ001 - a sheet knows no zones

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.styles import Font

from adapters.drafts import ClientKey
from contracts.code_lists.lists import label
from contracts.envelope import Message, parse
from contracts.messages import referral as r
from contracts.messages.access import RecordAccessed
from contracts.names import MessageType, ReferralId, SubjectId
from tests.simulation.office import Office, open_office

PRAGUE = ZoneInfo("Europe/Prague")
COLUMNS = ["Číslo", "Klient", "Datum", "Komu", "Oblast", "Služba", "Odpověď do", "Souhlas", "Zpráva", "Zrušeno"]
MAPPED = ["--mapping", "referrals-cs"]


def write_sheet(path: Path, **changes: dict[str, Any]) -> Path:
    """Ten referrals under a merged title; three of them wrong. `changes` by number: the column and what stands there."""
    book = Workbook()
    sheet = book.active
    sheet.title = "Předání"
    sheet.append(["Předání do služby 2026"])
    sheet.merge_cells("A1:J1")
    sheet.append([])
    sheet.append(COLUMNS)
    for cell in sheet[3]:
        cell.font = Font(bold=True)
    for number in range(1, 11):
        row: dict[str, Any] = {
            "Číslo": f"2026/{number}",
            "Klient": f"k-{number}",
            "Datum": datetime(2026, 2, 10) if number % 2 else "10. 2. 2026",
            "Komu": "Úřad práce Děčín",
            "Oblast": "Zaměstnání",
            "Služba": "pracovní poradenství",
            "Odpověď do": "20. 2. 2026",
            "Souhlas": f"C{number}/2026",
            "Zpráva": "Chce svářet dál.",
        }
        row |= {3: {"Souhlas": "ne"}, 5: {"Komu": "Úřad vlády"}, 7: {"Datum": "31. 2. 2026"}}.get(number, {})
        row |= changes.get(f"n{number}", {})
        sheet.append([row.get(column) for column in COLUMNS])
    book.save(path)
    return path


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    (tmp_path / "home").mkdir()
    (tmp_path / "town").mkdir()
    found = open_office(tmp_path / "home", tmp_path / "town")
    found.move_to(datetime(2026, 2, 12, 9, tzinfo=PRAGUE))
    yield found
    found.town.close()


def consent(office: Office, *numbers: int) -> None:
    for number in numbers:
        said = office.type(
            *("consent", "take", f"k-{number}", "--source", "op", "--source", "up", "--recipient", "unit:up"),
            *(
                "--recipient",
                "unit:op",
                "--category",
                "employment",
                "--until",
                "2027-01-31",
                "--history-from",
                "2026-02-02",
            ),
            *("--paper", "consent", "--paper", "release-from-secrecy"),
        )
        assert said


def incoming(office: Office) -> dict[ClientKey, ReferralId]:
    """What came to the labour office, by the advice office's own case number."""
    up = office.town["up"]
    with up.store.read() as tx, office.town["op"].store.read() as own:
        found = {}
        for entry in tx.journal.of_type(MessageType("eu.spojka.referral.sent.v1")):
            facts = json.loads(entry.payload or b"{}")["data"]["facts"]
            client = None if entry.subject is None else own.clients.client_of(entry.subject)
            if client is not None:
                found[client] = ReferralId(facts["referral_id"])
    return found


def subject_of(office: Office, client: str) -> SubjectId:
    with office.town["op"].store.read() as tx:
        found = tx.clients.subject_of(ClientKey(client))
    assert found is not None
    return found


def looks_of(reader: str, office: Office) -> list[Message]:
    """What the office reported of this worker's looks."""
    with office.town["op"].store.read() as tx:
        sent = [parse(one.payload or b"") for one in tx.journal.since(0, limit=1000) if one.payload]
    return [one for one in sent if isinstance(one.facts, RecordAccessed) and one.facts.reader == reader]


def answers_in(path: Path) -> dict[str, tuple[Any, ...]]:
    sheet = load_workbook(path)["Předání"]
    names = [cell.value for cell in sheet[3]]
    assert names[:10] == COLUMNS
    return {
        row[0]: tuple(row[names.index(name)] for name in ("Stav", "Dne", "Kontakt", "Důvod"))
        for row in sheet.iter_rows(min_row=4, values_only=True)
    }


def test_a_sheet_goes_out_is_mended_and_its_answers_come_back_in_a_copy(office: Office, tmp_path: Path) -> None:
    sheet, copy = write_sheet(tmp_path / "moje předání.xlsx"), tmp_path / "odpovědi.xlsx"
    told = json.loads(office.type("import", str(sheet), *MAPPED, "--dry-run", "--json"))
    assert told["messages"] == {"eu.spojka.referral.sent.v1": 7}
    assert [(one["row"], one["column"], one["value"]) for one in told["refused"]] == [
        (6, "Souhlas", "ne"),
        (8, "Komu", "Úřad vlády"),
        (10, "Datum", "31. 2. 2026"),
    ]
    consent(office, *range(1, 9))
    office.type("import", str(sheet), *MAPPED)
    assert len(incoming(office)) == 5, "of seven good rows, five have a consent"
    mended: dict[str, dict[str, Any]] = {
        "n3": {"Souhlas": "C3/2026"},
        "n5": {"Komu": "úp  děčín"},
        "n7": {"Datum": datetime(2026, 2, 11)},
    }
    write_sheet(sheet, **mended)
    office.type("import", str(sheet), *MAPPED)
    office.type("import", str(sheet), *MAPPED)
    came = incoming(office)
    assert sorted(came) == [f"k-{number}" for number in range(1, 9)], "each once, however often it was imported"

    up, now = office.town["up"].desk, datetime(2026, 2, 13, 9, tzinfo=PRAGUE)
    office.move_to(now)
    for client in ("k-1", "k-2"):
        up.adopt(subject_of(office, client), ClientKey(client))
    up.move(
        ClientKey("k-1"),
        r.ReferralAccepted(referral_id=came[ClientKey("k-1")]),
        content=r.ReferralContent(contact="=p. Nová, 412 000 000"),
    )
    up.move(ClientKey("k-2"), r.ReferralDeclined(referral_id=came[ClientKey("k-2")], reason="no-capacity"))
    before = sheet.read_bytes()
    office.type("sheet", "answers", str(sheet), *MAPPED, "--to", str(copy), "--actor", "adviser/w1")
    found = answers_in(copy)
    assert found["2026/1"] == ("převzato", datetime(2026, 2, 13), "=p. Nová, 412 000 000", None)
    assert found["2026/2"] == ("odmítnuto", datetime(2026, 2, 13), None, label("decline-reason", "no-capacity", "cs"))
    assert {one.subject for one in looks_of("adviser/w1", office)} >= {
        subject_of(office, one) for one in ("k-1", "k-2")
    }
    assert found["2026/3"][0] == "přijato"
    assert found["2026/9"][0] == "zůstává zde, zatím bez důvodu sdílení"
    assert sheet.read_bytes() == before, "the person's own sheet is never written"
    again = json.loads(office.type("import", str(copy), *MAPPED, "--dry-run", "--json"))
    assert again["messages"] == {"eu.spojka.referral.sent.v1": 10}, "the copy is as good a sheet as the first"
    assert not again["refused"]


def test_a_copy_keeps_formats_and_other_sheets_and_what_another_unit_wrote_is_no_formula(
    office: Office, tmp_path: Path
) -> None:
    sheet, copy = write_sheet(tmp_path / "a.xlsx"), tmp_path / "b.xlsx"
    book = load_workbook(sheet)
    book.create_sheet("Poznámky")["A1"] = "=1+1"
    book.save(sheet)
    office.type("sheet", "answers", str(sheet), *MAPPED, "--to", str(copy), "--actor", "adviser/w1")
    written = load_workbook(copy)
    assert written["Poznámky"]["A1"].value == "=1+1"
    assert written["Předání"]["A3"].font.bold
    assert written["Předání"]["K3"].value == "Stav"
    assert written["Předání"]["K3"].font.bold, "the new columns look like the person's own"
    assert [str(one) for one in written["Předání"].merged_cells.ranges] == ["A1:J1"]
    found = answers_in(copy)
    assert found["2026/1"][0] == "z listu zatím nenačteno"
    assert found["2026/3"][0] == "k opravě"
    assert "Souhlas" in found["2026/3"][3]


def test_the_sheet_itself_and_any_other_file_are_never_overwritten(office: Office, tmp_path: Path) -> None:
    sheet, other = write_sheet(tmp_path / "a.xlsx"), write_sheet(tmp_path / "other.xlsx")
    before = other.read_bytes()
    for to in (sheet, other):
        office.type("sheet", "answers", str(sheet), *MAPPED, "--to", str(to), "--actor", "adviser/w1", code=1)
    assert other.read_bytes() == before
    copy = tmp_path / "copy.xlsx"
    for _ in range(2):
        office.type("sheet", "answers", str(sheet), *MAPPED, "--to", str(copy), "--actor", "adviser/w1")
    assert sorted(one.name for one in tmp_path.glob("*.xlsx")) == ["a.xlsx", "copy.xlsx", "other.xlsx"]
