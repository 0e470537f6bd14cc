"""What a worker types for a client who goes on to another unit, or who may be here twice."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from adapters import commands, keyring
from adapters.drafts import ClientKey, Draft
from adapters.errors import AdapterError
from adapters.people.programme_key import ProgrammeKeyError
from adapters.process.unit_house import KEYS, UnitHouse
from adapters.settings import SettingsError, load_settings, unit_folder
from adapters.storage.feed import accept_feed
from adapters.storage.journal import OwnState
from contracts import feed_record
from contracts.derived_subject import Scheme, derive_subject
from contracts.envelope import parse
from contracts.errors import ContractsError
from contracts.messages.access import RecordAccessed
from contracts.messages.client import ClientContent, Contact
from contracts.messages.subject import SubjectMerged
from contracts.names import MergeId, SubjectId, UnitId
from contracts.pairing import new_code, read_code, written
from tests.simulated_hub import NOON, PROGRAMME, SimulatedFeed, SimulatedHub
from tests.simulation.desks import feed_item

if TYPE_CHECKING:
    from pathlib import Path

OP, UP = UnitId("op"), UnitId("up")
PESEL = "44051401359"
BY = ("--actor", "adviser/w1")


class Office:
    """One unit at its command line."""

    def __init__(self, home: Path, settings: str = "") -> None:
        self.home = home
        keys = {OP: keyring.create(unit_folder(home, OP) / KEYS, OP)}
        self.hub = SimulatedHub(unit_keys=keys)
        (home / "trust-list-1.dsse.json").write_bytes(self.hub.envelopes[0])
        (home / "story").write_text(NOON.isoformat())
        base = f'programme = "{PROGRAMME}"\nbootstrap = "localhost:1"\nclock = "file:story"\n'
        (home / "adapter.toml").write_text(base + settings)

    def type(self, *words: str, typed: str | None = None) -> str:
        result = CliRunner().invoke(commands.app, [*words, "--home", str(self.home)], input=typed)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return str(result.output)

    def subject_of(self, client: str) -> str | None:
        house = UnitHouse.open(load_settings(self.home), OP)
        with house.store.read() as tx:
            subject = tx.clients.subject_of(ClientKey(client))
        house.close()
        return subject


@pytest.fixture
def office(tmp_path: Path) -> Office:
    made = Office(tmp_path)
    made.type("client", "enrol", "case-1", "--given-name", "Jana", "--family-name", "Žižková")
    return made


def test_a_code_is_shown_once_and_its_slip_names_nobody(office: Office) -> None:
    slip = office.home / "slip.html"
    said = office.type("client", "pair-code", "case-1", "--slip", str(slip), "--lang", "cs").splitlines()
    assert written(read_code(said[0])) == said[0]
    printed = slip.read_text(encoding="utf-8")
    assert slip.stat().st_mode & 0o077 == 0, "whoever reads the code can use it"
    assert said[0] in printed
    assert "Kód pro další pracoviště" in printed
    subject = office.subject_of("case-1")
    assert subject is not None
    assert not any(one in printed for one in ("case-1", "Jana", "Žižková", subject))
    (listed,) = json.loads(office.type("client", "codes", *BY, "--json"))
    assert (listed["client"], listed["state"]) == ("case-1", "open")
    assert said[0] not in office.type("client", "codes", *BY)


def test_a_code_for_a_client_who_is_not_here_is_not_made(office: Office) -> None:
    with pytest.raises(AdapterError, match="no such client"):
        office.type("client", "pair-code", "case-9")


def test_a_code_that_a_client_brought_is_sent_and_waits_for_the_answer(office: Office) -> None:
    office.type("client", "pair", written(new_code(bytes(12))).lower(), "case-2")
    (listed,) = json.loads(office.type("client", "codes", *BY, "--json"))
    assert (listed["client"], listed["state"], listed["unit"]) == ("case-2", "waiting", "")
    assert len(json.loads(office.type("outbox", "--json"))) == 1


def test_a_mistyped_code_is_told_at_once(office: Office) -> None:
    code = new_code(bytes(12))
    with pytest.raises(ContractsError, match="mistyped"):
        office.type("client", "pair", "1" + code[1:], "case-2")
    assert json.loads(office.type("client", "codes", *BY, "--json")) == []


def test_a_national_id_names_nobody_unless_the_settings_say_so(office: Office) -> None:
    with pytest.raises(SettingsError, match="not named by a national id"):
        office.type("client", "identify", "case-1", "--scheme", "pesel", typed=PESEL)
    assert (office.subject_of("case-1") or "").startswith("r1.")


def test_a_national_id_gives_the_pseudonym_that_every_entitled_unit_derives_and_is_kept_nowhere(tmp_path: Path) -> None:
    office = Office(tmp_path, "derived_subjects = true\n")
    office.type("client", "enrol", "case-1")
    key_file = tmp_path / "programme-key"
    key_file.write_text("ab" * 32)
    key_file.chmod(0o644)
    with pytest.raises(ProgrammeKeyError, match="Others may read"):
        office.type("client", "identify", "case-1", "--scheme", "pesel", typed=PESEL)
    key_file.chmod(0o600)
    said = office.type("client", "identify", "case-1", "--scheme", "pesel", typed="440514-01359\n")
    assert PESEL not in said
    assert office.subject_of("case-1") == derive_subject(Scheme.PESEL, PESEL, programme_key=b"\xab" * 32)
    kept = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert PESEL.encode() not in kept
    assert b"440514-01359" not in kept


def test_the_same_number_for_a_second_client_shows_that_one_is_here_twice(tmp_path: Path) -> None:
    office = Office(tmp_path, "derived_subjects = true\n")
    (tmp_path / "programme-key").write_text("ab" * 32)
    (tmp_path / "programme-key").chmod(0o600)
    office.type("client", "identify", "case-1", "--scheme", "pesel", typed=PESEL)
    with pytest.raises(AdapterError, match="another client here already"):
        office.type("client", "identify", "case-2", "--scheme", "pesel", typed=PESEL)


def test_clients_who_may_be_here_twice_are_shown_without_names_and_a_person_decides(office: Office) -> None:
    office.type("client", "enrol", "case-2", "--given-name", "Jana", "--family-name", "Zizkova")
    assert json.loads(office.type("client", "duplicates", "--json")) == []
    enrol_with_phone(office, "case-3", "Petr")
    enrol_with_phone(office, "case-4", "Petr")
    (found,) = json.loads(office.type("client", "duplicates", "--json"))
    assert (found["one"], found["other"], found["alike"]) == ("case-3", "case-4", ["name", "phone"])
    shown = office.type("client", "duplicates")
    assert "same phone number" in shown
    assert "Petr" not in shown
    assert len({office.subject_of(one) for one in ("case-3", "case-4")}) == 2
    assert len(json.loads(office.type("outbox", "--json"))) == 0
    office.type("client", "different", "case-4", "case-3")
    assert json.loads(office.type("client", "duplicates", "--json")) == []


def enrol_with_phone(office: Office, client: str, name: str) -> None:
    house = UnitHouse.open(load_settings(office.home), OP)
    content = ClientContent(given_name=name, family_name="Malý", contact=Contact(phone="+420 600 100 200"))
    house.desk.enrol(ClientKey(client), content=content)
    house.close()


def test_two_clients_without_any_consent_cannot_be_said_to_be_one(office: Office) -> None:
    office.type("client", "enrol", "case-2")
    with pytest.raises(AdapterError, match="no reason to share"):
        office.type("client", "merge", "case-1", "case-2", "--method", "asked-client")
    assert json.loads(office.type("client", "merges", *BY, "--json")) == []


def joined(office: Office, subjects: list[SubjectId]) -> None:
    """OP and UP both said that these are one person, and the hub took it."""
    merged = SubjectMerged(merge_id=MergeId("00000000-0000-4000-8000-0000000000f0"), method="asked-client", tell=(UP,))
    house, feed = UnitHouse.open(load_settings(office.home), OP), SimulatedFeed(office.hub, OP)
    for number, subject in enumerate(subjects, start=1):
        (own,) = house.desk._record_all([Draft(None, merged, NOON)], subject=subject)
        assert own.message_id is not None
        with house.store.write() as tx:
            tx.journal.set_state(own.message_id, OwnState.ACCEPTED)
        said = office.hub.message_of(UP, number, facts=merged, subject=subject, category=None)
        accept_feed(house.store, [feed_item(feed_record.read(feed.deliver(said)))], [], at=NOON)
    house.close()


def test_two_files_of_one_person_show_together_and_the_look_is_reported_on_each(office: Office) -> None:
    office.type("client", "enrol", "case-2", "--given-name", "Jana")
    subjects = [SubjectId(office.subject_of(one) or "") for one in ("case-1", "case-2")]
    assert "case-2" not in office.type("timeline", "case-1", "--actor", "adviser/w1")
    joined(office, subjects)
    shown = office.type("timeline", "case-1", "--actor", "adviser/w2")
    assert "case-1" in shown
    assert "case-2" in shown
    assert {
        one["subject"] for one in json.loads(office.type("timeline", "case-1", "--actor", "adviser/w2", "--json"))
    } == set(subjects)
    house = UnitHouse.open(load_settings(office.home), OP)
    with house.store.read() as tx:
        sent = [parse(one.signed.payload) for one in tx.outbox.next_to_send(100)]
    house.close()
    looks = [one.subject for one in sent if isinstance(one.facts, RecordAccessed) and one.facts.reader == "adviser/w2"]
    assert sorted(map(str, looks)) == sorted([*subjects, *subjects])
    (listed,) = json.loads(office.type("client", "merges", *BY, "--json"))
    assert (sorted(listed["clients"]), listed["state"]) == (["case-1", "case-2"], "stands")
