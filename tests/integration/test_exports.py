"""Copies for people: what they say, who is told of them, and that an erasure reaches every one of them."""

from __future__ import annotations

import csv
import json
import os
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from openpyxl import load_workbook

from adapters.followers.configured import followers_of
from adapters.followers.export_file import ExportError, ExportTable, write_tables
from adapters.followers.exporting import export_tables
from adapters.followers.following import Following
from adapters.process.looks import Look
from adapters.words import Words
from contracts.names import ActorId
from tests.shared_office import DUTY, OP, SharedOffice
from tests.simulated_hub import NOON

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from contracts.names import MessageId

NOTE, OTHER_NOTE = "slept badly", "=HYPERLINK(0)"
BY = ("--actor", "adviser/w1")


@pytest.fixture
def office(tmp_path: Path) -> SharedOffice:
    (tmp_path / "home").mkdir()
    return SharedOffice.make(tmp_path / "home")


@pytest.fixture
def entries(office: SharedOffice) -> list[MessageId]:
    found = [office.service(1, NOTE), office.service(2, OTHER_NOTE), office.referral(3, "a bed please")]
    office.adopt("2026/17")
    return found


def cells(place: Path) -> list[list[str]]:
    """All rows of an export, whatever its form."""
    if place.suffix == ".xlsx":
        book = load_workbook(place)
        return [[str(cell.value or "") for cell in row] for sheet in book.worksheets for row in sheet.iter_rows()]
    return [
        row
        for name in ("timeline", "referrals")
        for row in csv.reader((place / f"{name}.csv").open(encoding="utf-8-sig"), delimiter=";")
    ]


def follow(office: SharedOffice) -> None:
    """What the running adapter does with what is new."""
    house = office.house()
    for follower in followers_of(house):
        following = Following(house.store, follower, now=house.clock.now)
        following.begin()
        following.catch_up()
    house.close()


@pytest.mark.parametrize("form", ["tables", "tables.xlsx"])
class TestTables:
    def test_a_spreadsheet_shows_each_entry_in_words_with_its_source_and_until_when(
        self, office: SharedOffice, entries: list[MessageId], tmp_path: Path, form: str
    ) -> None:
        office.type("export", "tables", str(tmp_path / form), *BY)
        shown = cells(tmp_path / form)
        (first,) = [row for row in shown if entries[0] in row]
        assert first[0] == "2026/17"
        assert NOTE in first[6]
        assert "2026-02-16" in first[8]
        assert any("Referral" in cell or "sent" in cell for row in shown for cell in row)

    def test_the_look_is_reported_with_what_was_in_the_file(
        self, office: SharedOffice, entries: list[MessageId], tmp_path: Path, form: str
    ) -> None:
        office.type("export", "tables", str(tmp_path / form), *BY)
        ((reader, seen),) = office.reported()
        assert (reader, set(seen)) == ("adviser/w1", set(entries))

    def test_what_another_unit_wrote_is_no_formula(
        self, office: SharedOffice, entries: list[MessageId], tmp_path: Path, form: str
    ) -> None:
        office.type("export", "tables", str(tmp_path / form), *BY)
        assert entries
        if form.endswith("xlsx"):
            book = load_workbook(tmp_path / form)
            kinds = {cell.data_type for sheet in book.worksheets for row in sheet.iter_rows() for cell in row}
            assert "s" in kinds
            assert "f" not in kinds
        else:
            assert not [cell for row in cells(tmp_path / form) for cell in row if cell.startswith("=")]

    def test_an_answered_duty_cuts_the_entry_out_of_the_file_and_counts_it(
        self, office: SharedOffice, entries: list[MessageId], tmp_path: Path, form: str
    ) -> None:
        office.type("export", "tables", str(tmp_path / form), *BY)
        office.must_erase(entries[0], entries[2])
        office.type("obligations", "answer", DUTY[:13])
        left = cells(tmp_path / form)
        assert not [row for row in left if entries[0] in row or entries[2] in row or NOTE in str(row)]
        assert [row for row in left if entries[1] in row]
        assert answers(office) == [1]

    def test_the_running_adapter_cuts_out_what_was_erased_in_another_way(
        self, office: SharedOffice, entries: list[MessageId], tmp_path: Path, form: str
    ) -> None:
        office.type("export", "tables", str(tmp_path / form), *BY)
        house = office.house()
        with house.store.write() as tx:
            tx.journal.erase([entries[0]])
        house.close()
        follow(office)
        assert NOTE not in str(cells(tmp_path / form))

    def test_entries_of_others_leave_no_adapter_past_the_lease(
        self, office: SharedOffice, entries: list[MessageId], tmp_path: Path, form: str
    ) -> None:
        (office.home / "story").write_text((NOON + timedelta(days=8)).isoformat())
        office.type("export", "tables", str(tmp_path / form), *BY)
        assert entries
        assert NOTE not in str(cells(tmp_path / form))


@pytest.mark.parametrize("form", ["kept", "kept.xlsx"])
def test_a_folder_is_kept_up_to_date_and_forgets_what_was_erased(office: SharedOffice, form: str) -> None:
    first = office.service(1, NOTE)
    with (office.home / "adapter.toml").open("a") as settings:
        settings.write(f'\n[[exports]]\nunit = "up"\nto = "{form}"\n')
    follow(office)
    assert NOTE in str(cells(office.home / form))
    second = office.service(2, "slept well")
    follow(office)
    assert "slept well" in str(cells(office.home / form))
    assert office.reported() == [("system/export", (first,)), ("system/export", (second,))]
    house = office.house()
    with house.store.write() as tx:
        tx.journal.erase([first])
    house.close()
    follow(office)
    assert NOTE not in str(cells(office.home / form))
    assert "slept well" in str(cells(office.home / form))


def test_a_file_that_was_moved_away_must_be_destroyed_by_a_person_before_the_duty_is_answered(
    office: SharedOffice, entries: list[MessageId], tmp_path: Path
) -> None:
    office.type("export", "tables", str(tmp_path / "away.xlsx"), *BY)
    (tmp_path / "away.xlsx").rename(tmp_path / "elsewhere.xlsx")
    office.must_erase(entries[0])
    assert "Copies that a person must destroy: 1" in office.fails("obligations", "answer", DUTY[:13])
    assert [one["duty"] for one in json.loads(office.type("obligations", "list", *BY, "--json"))] == [DUTY]
    office.type("obligations", "answer", DUTY[:13], "--exports", "1")
    assert answers(office) == [1]
    assert office.type("export", "list") == "Copies that exist: Nothing here.\n"


def test_a_copy_is_dated_names_its_sources_and_is_reported(office: SharedOffice, entries: list[MessageId]) -> None:
    text = office.type("copy", "2026/17", *BY)
    assert "Copy of a support path: 2026/17" in text
    assert "Copied: 2026-02-09 13:00, adviser/w1" in text
    assert NOTE in text
    assert text.count("source: ") == len(entries)
    house = office.house()
    assert house.directory.units[OP].name in text
    house.close()
    assert "erase them here too" in text
    assert office.reported() == [("adviser/w1", tuple(entries))]


def test_a_printed_copy_is_remembered_until_somebody_says_that_it_is_destroyed(
    office: SharedOffice, entries: list[MessageId]
) -> None:
    office.type("copy", "2026/17", *BY)
    office.must_erase(entries[0])
    assert "printed" in office.fails("obligations", "answer", DUTY[:13])
    (copy,) = json.loads(office.type("export", "list", "--json"))
    office.type("export", "destroyed", str(copy["number"]))
    office.type("obligations", "answer", DUTY[:13])
    assert answers(office) == [0]


def test_a_copy_in_a_file_goes_with_the_entry(office: SharedOffice, entries: list[MessageId], tmp_path: Path) -> None:
    file = tmp_path / "2026-17.txt"
    office.type("copy", "2026/17", *BY, "--to", str(file))
    assert NOTE in file.read_text(encoding="utf-8")
    office.must_erase(entries[0])
    office.type("obligations", "answer", DUTY[:13])
    assert not file.exists()


def test_a_bundle_for_another_system_goes_with_the_entry(
    office: SharedOffice, entries: list[MessageId], tmp_path: Path
) -> None:
    file = tmp_path / "2026-17.json"
    office.type("export", "fhir", "2026/17", *BY, "--output", str(file))
    assert NOTE in file.read_text(encoding="utf-8")
    office.must_erase(entries[0])
    office.type("obligations", "answer", DUTY[:13])
    assert not file.exists()


def test_a_bundle_that_was_handed_over_is_remembered_until_somebody_says_that_it_is_destroyed(
    office: SharedOffice, entries: list[MessageId]
) -> None:
    assert NOTE in office.type("export", "fhir", "2026/17", *BY)
    office.must_erase(entries[0])
    office.type("obligations", "answer", DUTY[:13], code=1)
    office.type("export", "destroyed", "1")
    office.type("obligations", "answer", DUTY[:13])


@pytest.mark.parametrize("form", ["out", "out.xlsx"])
def test_nobody_else_on_the_machine_reads_a_copy_unless_its_owner_opens_it(
    office: SharedOffice, entries: list[MessageId], tmp_path: Path, form: str
) -> None:
    before = os.umask(0o022)
    try:
        office.type("copy", "2026/17", *BY, "--to", str(tmp_path / "copy.txt"))
        office.type("export", "tables", str(tmp_path / form), *BY)
        written = [tmp_path / "copy.txt", *([tmp_path / form] if form != "out" else (tmp_path / form).iterdir())]
        assert {one.stat().st_mode & 0o777 for one in written} == {0o600}
        written[-1].chmod(0o640)
        written[1].chmod(0o640)
        office.must_erase(entries[0])
        office.type("obligations", "answer", DUTY[:13])
        assert {one.stat().st_mode & 0o777 for one in written[1:]} == {0o640}
    finally:
        os.umask(before)


@pytest.mark.parametrize("form", ["out", "out.xlsx"])
def test_nothing_of_an_export_that_failed_or_was_killed_outlives_an_erasure(
    office: SharedOffice, entries: list[MessageId], tmp_path: Path, form: str
) -> None:
    place = tmp_path / "shared" / form
    office.type("export", "tables", str(place), *BY)
    file = place if form != "out" else place / "timeline.csv"
    left = file.with_name(f".{file.name}.0a1b2c3d")
    left.write_text(NOTE, encoding="utf-8")

    def rows() -> Iterator[list[str]]:
        yield [NOTE]
        raise OSError(28, "no space")

    with pytest.raises(ExportError):
        write_tables(place, [ExportTable("referrals", ["x"], [[NOTE]]), ExportTable("timeline", ["x"], rows())])
    assert [one for one in file.parent.iterdir() if one.name.startswith(".")] == [left]
    office.must_erase(entries[0])
    office.type("obligations", "answer", DUTY[:13])
    assert not left.exists()


def test_a_file_that_is_held_fast_leaves_the_duty_open(
    office: SharedOffice, entries: list[MessageId], tmp_path: Path
) -> None:
    house = office.house()
    export_tables(house, tmp_path / "out.xlsx", look=Look(ActorId("adviser/w1")), words=Words("en"))
    house.close()
    (tmp_path / "out.xlsx").write_bytes(b"no workbook any more")
    office.must_erase(entries[0])
    assert "Close it where it is open" in office.fails("obligations", "answer", DUTY[:13])
    assert json.loads(office.type("obligations", "list", *BY, "--json"))


def answers(office: SharedOffice) -> list[int]:
    """How many copies each answer to a duty counts."""
    house = office.house()
    with house.store.read() as tx:
        sent = [json.loads(one.signed.payload) for one in tx.outbox.next_to_send(100)]
    house.close()
    return [one["data"]["facts"]["exports"] for one in sent if one["type"].startswith("eu.spojka.obligation.answered")]
