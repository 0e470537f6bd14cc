"""A worker asks a partner by e-mail, and exports a client's file for the unit's own system, at the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from adapters import commands
from contracts.envelope import parse
from contracts.messages.access import RecordAccessed
from contracts.names import MessageType
from tests.unit.adapters.test_commands import OP, Office, consented, office

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["office"]
ASK = ["--category", "housing", "--mail", "help@foodbank.example", "--name", "Food bank", "--answer-due", "2026-03-20"]


def test_a_partner_is_asked_before_any_consent_and_the_list_says_that_the_mail_waits(office: Office) -> None:
    said = office.type("partner", "ask", "case-1", *ASK)
    assert "kept here" in said, "nothing about it leaves to the hub without a reason to share"
    assert "waiting to be sent" in office.type("partner", "list")
    (one,) = json.loads(office.type("partner", "list", "--json"))
    assert (one["partner"], one["state"], one["attempts"]) == ("Food bank", "waiting", 0)
    assert said.splitlines()[0] == one["referral"]
    assert "case-1" not in office.type("partner", "list")


@pytest.mark.parametrize("address", ["help", "a@b", "a b@c.example", "x@y.example\nBcc: z@y.example"])
def test_what_is_no_address_is_refused_before_anything_is_recorded(office: Office, address: str) -> None:
    words = [*ASK]
    words[words.index("help@foodbank.example")] = address
    result = CliRunner().invoke(commands.app, ["partner", "ask", "case-1", *words, "--home", str(office.home)])
    assert result.exit_code != 0
    assert json.loads(office.type("partner", "list", "--json")) == []
    house = office.house()
    with house.store.read() as tx:
        assert not tx.journal.subjects()
    house.close()


def test_only_what_was_given_up_can_be_sent_again(office: Office) -> None:
    office.type("partner", "ask", "case-1", *ASK)
    (one,) = json.loads(office.type("partner", "list", "--json"))
    office.type("partner", "resend", one["mail"], code=1)


def test_an_export_is_a_look_that_is_reported(office: Office, tmp_path: Path) -> None:
    consented(office)
    office.type("refer", "case-1", "--category", "housing", "--to", "up", "--answer-due", "2026-03-20")
    file = tmp_path / "client.json"
    office.type("export", "fhir", "case-1", "--actor", "adviser/w12", "--output", str(file))
    kinds = [one["resource"]["resourceType"] for one in json.loads(file.read_text())["entry"]]
    assert {"Patient", "Organization", "ServiceRequest", "Task", "Provenance", "Consent"} <= set(kinds)
    assert file.stat().st_mode & 0o077 == 0, "a client's file is for its owner"
    house = office.house()
    with house.store.read() as tx:
        (report,) = tx.journal.of_type(MessageType("eu.spojka.record.accessed.v1"))
        facts = parse(report.payload or b"").facts
    house.close()
    assert isinstance(facts, RecordAccessed)
    assert report.author == OP


@pytest.mark.parametrize("name", ["", " ", "Bank\r\nBcc: z@y.example", "x" * 121])
def test_a_name_that_would_break_the_mail_is_refused(office: Office, name: str) -> None:
    words = [*ASK]
    words[words.index("Food bank")] = name
    result = CliRunner().invoke(commands.app, ["partner", "ask", "case-1", *words, "--home", str(office.home)])
    assert result.exit_code != 0
    assert json.loads(office.type("partner", "list", "--json")) == []
