"""What a worker and a volunteer type, and what they read: their words, their numbers, never a traceback."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from adapters import commands, keyring
from adapters.exchange.directory_book import Added
from adapters.process.unit_house import KEYS, UnitHouse
from adapters.settings import load_settings, unit_folder
from adapters.words import LANGUAGES, Language, texts
from contracts.admission import read_request
from contracts.catalogue import CATALOGUE
from contracts.messages.access import RecordAccessed
from contracts.messages.referral import ReferralSent
from contracts.names import UnitId
from contracts.referral_table import ReferralState
from contracts.trust_list import KeyEntry
from tests.simulated_hub import NOON, PROGRAMME, SimulatedHub

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

OP, UP = UnitId("op"), UnitId("up")
FORBIDDEN = re.compile(
    r"\b(subject|ground|feed|ledger|projection|obligation|adapter|outbox|quarantine)s?\b", re.IGNORECASE
)
COMMAND = re.compile(r"spojka-adapter [a-z-]+(?: list)?")
"""What whoever runs the adapter types; it is no word for workers."""
CONSENT = ["--source", "op", "--recipient", "unit:up", "--category", "identity", "--category", "housing"]


@dataclass
class Office:
    """One unit at its command line."""

    home: Path

    def type(self, *words: str, code: int = 0) -> str:
        result: Result = CliRunner().invoke(commands.app, [*words, "--home", str(self.home)])
        assert result.exit_code == code, (result.output, result.exception)
        return str(result.output)

    def house(self) -> UnitHouse:
        return UnitHouse.open(load_settings(self.home), OP)


def office_of(home: Path, hub: SimulatedHub) -> Office:
    (home / "trust-list-1.dsse.json").write_bytes(hub.envelopes[0])
    (home / "story").write_text(NOON.isoformat())
    (home / "adapter.toml").write_text(f'programme = "{PROGRAMME}"\nbootstrap = "localhost:1"\nclock = "file:story"\n')
    return Office(home)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return office_of(tmp_path, SimulatedHub(unit_keys={OP: keyring.create(unit_folder(tmp_path, OP) / KEYS, OP)}))


def consented(office: Office) -> str:
    office.type("client", "enrol", "case-1", "--given-name", "Karel")
    return office.type("consent", "take", "case-1", *CONSENT, "--until", "2027-01-31").splitlines()[0]


def test_an_enrolment_stays_until_there_is_a_consent_and_then_waits_to_be_sent(office: Office) -> None:
    assert "kept here" in office.type("client", "enrol", "case-1")
    assert office.type("outbox") == "Waiting to be sent: Nothing here.\n"
    said = office.type("consent", "take", "case-1", *CONSENT, "--until", "2027-01-31", "--history-from", "2026-02-02")
    assert "Recorded: waiting to be sent" in said
    queued = json.loads(office.type("outbox", "--json"))
    assert [one["type"].split(".")[2] for one in queued] == ["consent", "client"]


def test_a_consent_is_withdrawn_by_its_id(office: Office) -> None:
    consent = consented(office)
    office.type("consent", "withdraw", "case-1", consent)
    assert "withdrawal of consent" in office.type("timeline", "case-1", "--actor", "adviser/w1")


def test_a_referral_goes_out_and_stands_on_the_worklist_in_the_readers_language(office: Office) -> None:
    consented(office)
    sent = office.type(
        "refer", "case-1", "--to", "up", "--category", "housing", "--answer-due", "2026-02-20", "--message", "a bed"
    )
    for lang, word in (("en", "Housing"), ("cs", "odesláno"), ("pl", "wysłane")):
        assert word.lower() in office.type("worklist", "--actor", "adviser/w1", "--lang", lang).lower()
    listed = json.loads(office.type("worklist", "--actor", "adviser/w1", "--json"))
    assert listed[0]["referral"] == sent.splitlines()[0]
    assert listed[0]["due"] == "2026-02-20 23:00:00+00:00"


def test_a_referral_is_withdrawn_by_the_beginning_of_its_id(office: Office) -> None:
    consented(office)
    sent = office.type("refer", "case-1", "--to", "up", "--category", "housing", "--answer-due", "2026-02-20")
    office.type("answer", "withdraw", sent[:13], "--reason", "client-request", code=0)
    listed = json.loads(office.type("worklist", "--actor", "adviser/w1", "--json"))
    assert listed[0]["state"] == "withdrawn"


def test_every_look_is_reported_with_who_looked(office: Office) -> None:
    consented(office)
    office.type("timeline", "case-1", "--actor", "adviser/w1")
    office.type("worklist", "--actor", "adviser/w2")
    office.type("refer", "case-1", "--to", "up", "--category", "housing", "--answer-due", "2026-02-20")
    office.type("worklist", "--actor", "adviser/w2")
    house = office.house()
    with house.store.read() as tx:
        looks = [json.loads(one.signed.payload) for one in tx.outbox.next_to_send(100)]
    house.close()
    readers = [one["data"]["facts"]["reader"] for one in looks if one["type"].startswith("eu.spojka.record.accessed")]
    assert readers == ["adviser/w1", "adviser/w2"]
    assert RecordAccessed.model_fields["reader"].is_required()


def test_a_look_without_a_name_is_refused_by_the_command(office: Office) -> None:
    consented(office)
    assert "--actor" in office.type("timeline", "case-1", code=2)


def test_what_is_refused_waits_under_a_number_and_goes_out_corrected(office: Office) -> None:
    consented(office)
    said = office.type(
        "refer", "case-1", "--to", "nobody", "--category", "housing", "--answer-due", "2026-02-20", code=2
    )
    assert "to correct under number 1" in said
    draft = json.loads(office.type("quarantine", "show", "1"))
    corrected = json.loads(json.dumps(draft).replace("nobody", "up"))
    (office.home / "corrected.json").write_text(json.dumps(corrected))
    assert "waiting to be sent" in office.type("quarantine", "resend", "1", str(office.home / "corrected.json"))
    assert office.type("quarantine", "list") == "To correct: Nothing here.\n"


def test_a_unit_out_of_touch_is_told_so_on_its_screen(office: Office) -> None:
    consented(office)
    assert "not been in touch" in office.type("timeline", "case-1", "--actor", "adviser/w1")
    found = json.loads(office.type("health", "--json"))
    assert (found["status"], found["others_hidden"]) == ("warn", "never-connected")


def test_what_a_person_should_look_at_wakes_no_watchdog(office: Office) -> None:
    assert "person should look" in office.type("health")


def test_a_watchdog_learns_from_the_exit_code_that_a_unit_is_not_working_with_the_hub(office: Office) -> None:
    (office.home / "trust-list-1.dsse.json").write_bytes(SimulatedHub().envelopes[0])  # it lists another key than ours
    assert "not working with the hub" in office.type("health", code=1)
    assert json.loads(office.type("health", "--json", code=1))["status"] == "fail"
    assert "Exit code 1" in office.type("health", "--help")


def test_screens_use_the_words_of_the_glossary(office: Office) -> None:
    consented(office)
    office.type("refer", "case-1", "--to", "up", "--category", "housing", "--answer-due", "2026-02-20")
    shown = [
        office.type("timeline", "case-1", "--actor", "adviser/w1"),
        office.type("worklist", "--actor", "adviser/w1"),
        office.type("outbox"),
        office.type("quarantine", "list"),
        office.type("obligations", "list", "--actor", "adviser/w1"),
        office.type("health"),
    ]
    assert not [found for text in shown for found in FORBIDDEN.findall(text)]
    assert not re.search(r"r1\.[a-z2-7]{26}", "".join(shown))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_word_and_none_of_the_forbidden(language: Language) -> None:
    found = texts(language)
    assert found.keys() == texts("en").keys()
    without_commands = [COMMAND.sub("", text) for text in found.values()]
    assert not [text for text in without_commands if FORBIDDEN.search(text)]
    kinds = {spec.name for spec in CATALOGUE.values() if spec.about_subject}
    assert {f"type.{name}" for name in kinds} <= found.keys()
    assert {f"referral.{state.value}" for state in ReferralState} <= found.keys()


def test_enrolment_of_a_unit_prints_a_request_that_the_operator_can_check(office: Office) -> None:
    words = ("--institution", "ngo", "--institution-name", "An NGO", "--name", "Advice")
    printed = office.type("enrol", "vz", *words)
    request = read_request(printed.encode())
    assert request.unit == "vz"
    assert office.type("enrol", "vz", *words) == printed


def signed_by(office: Office) -> str:
    """With which key the message at the end of the line is signed."""
    house = office.house()
    with house.store.read() as tx:
        last = tx.outbox.next_to_send(100)[-1]
    house.close()
    return last.signed.key_id


def test_a_new_key_signs_from_the_list_that_has_it_and_the_old_one_until_then(tmp_path: Path) -> None:
    first = keyring.create(unit_folder(tmp_path, OP) / KEYS, OP)
    hub = SimulatedHub(unit_keys={OP: first})
    office = office_of(tmp_path, hub)
    running = office.house()
    consented(office)
    printed = office.type("new-key")
    assert office.type("new-key") == printed
    offered, witness = read_request(printed.encode()).keys
    assert witness.key_id.startswith("op/witness/"), "the list lacks the key with which this unit cosigns"
    office.type("timeline", "case-1", "--actor", "adviser/w1")
    assert signed_by(office) == first.key_id
    second = keyring.load_all(unit_folder(tmp_path, OP) / KEYS, OP)[-1]
    assert offered.key_id == second.key_id != first.key_id
    entries = hub.directory.listed.units
    with_both = tuple(
        one.model_copy(update={"keys": (*one.keys, hub.entry(second))}) if one.unit == OP else one for one in entries
    )
    hub.publish_list(units=with_both)
    with running.store.write() as tx:
        added = running.book.offer(tx, hub.envelopes[-1], at=NOON)
    assert isinstance(added, Added)
    running.book.keep(added)
    assert running.desk.signer.current.key_id == second.key_id, "found without a restart"
    running.close()
    office.type("timeline", "case-1", "--actor", "adviser/w1")
    assert signed_by(office) == second.key_id
    assert read_request(office.type("new-key").encode()).keys[0].key_id not in {first.key_id, second.key_id}


def test_a_unit_from_before_sealing_gets_its_encryption_key_and_later_the_next_one(tmp_path: Path) -> None:
    signing = keyring.create(unit_folder(tmp_path, OP) / KEYS, OP)
    hub = SimulatedHub(unit_keys={OP: signing})
    office = office_of(tmp_path, hub)
    along = read_request(office.type("new-key").encode())
    (first,) = along.encryption_keys
    printed = office.type("new-key", "--encryption")
    assert office.type("new-key", "--encryption") == printed
    request = read_request(printed.encode())
    assert (request.keys, [one.key_id for one in request.encryption_keys]) == (along.keys[:1], [first.key_id])
    entry = KeyEntry.of_encryption(first.sealing_key, valid_from=NOON, valid_until=NOON + timedelta(days=800))
    units = hub.directory.listed.units
    hub.publish_list(
        units=tuple(one.model_copy(update={"keys": (*one.keys, entry)}) for one in units if one.unit == OP)
    )
    house = office.house()
    with house.store.write() as tx:
        assert isinstance(house.book.offer(tx, hub.envelopes[-1], at=NOON), Added)
    house.close()
    (second,) = read_request(office.type("new-key", "--encryption").encode()).encryption_keys
    assert second.key_id != first.key_id


def test_with_several_units_the_command_asks_which(office: Office) -> None:
    office.type("enrol", "vz", "--institution", "ngo", "--institution-name", "An NGO", "--name", "Advice")
    result = CliRunner().invoke(commands.app, ["outbox", "--home", str(office.home)])
    assert "op, vz" in str(result.exception)


def test_a_wrong_home_is_told_in_words(tmp_path: Path) -> None:
    asked = [sys.executable, "-c", "from adapters.commands import main; main()", "outbox", "--home", str(tmp_path)]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "programme" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_code_that_is_none_is_told_with_the_nearest_one_and_nothing_else(office: Office) -> None:
    consented(office)
    sent = office.type("refer", "case-1", "--to", "up", "--category", "housing", "--answer-due", "2026-02-20")
    typed = ["answer", "withdraw", sent[:13], "--reason", "client-wish", "--home", str(office.home)]
    code = f"import sys; sys.argv[1:] = {typed!r}; from adapters.commands import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert (
        done.stderr
        == "reason: not in the code list withdrawal-reason; nearest: client-request (list withdrawal-reason 1.0.0)\n"
    )


def test_the_command_line_starts_without_loading_kafka() -> None:
    asked = "import sys, adapters.commands; print('aiokafka' in sys.modules, 'sqlalchemy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_referrals_to_somebody_outside_show_as_such(office: Office) -> None:
    consented(office)
    office.type("refer", "case-1", "--category", "housing", "--answer-due", "2026-02-20")
    assert "outside the programme" in office.type("worklist", "--actor", "adviser/w1")
    assert ReferralSent.model_fields["external"].default is False
