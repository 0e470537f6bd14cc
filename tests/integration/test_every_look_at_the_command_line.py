"""Whatever `spojka-adapter` shows of what others recorded about a client is on record before it shows: judged on every command there is.

The commands come from the command tree, so one that is new is in none of the lists below and turns this red.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Final

import pytest
from typer.testing import CliRunner

from adapters import commands
from contracts.categories import Category
from contracts.envelope import parse
from contracts.grants import Grant, to_unit
from contracts.messages.access import RecordAccessed
from contracts.messages.consent import ConsentGiven
from contracts.messages.hub import ConsentExpiryAnnounced
from contracts.messages.service import ServiceContent, ServiceDelivered
from contracts.messages.subject import SubjectMerged
from contracts.names import HUB, GroundId, MergeId
from tests.command_tree import leaves, names_in, prints_for_machines
from tests.shared_office import DUTY, OP, UP, SharedOffice
from tests.simulated_hub import NOON, SUBJECT, message_id

WORKER: Final = "adviser/w1"
BY: Final = ("--actor", WORKER)
WHY: Final = ("--reason", "shelter-tonight", "--why", "Frost tonight, she has no bed")
CASE: Final = "2026/17"
NOTES, ASKED, AREA, OWN_WORDS = "sleeps in a car", "please a bed", "mobility", "Karolína"
CONSENT, MERGE = message_id(61), message_id(62)
OF_OTHERS: Final = (NOTES, ASKED, AREA, DUTY, CONSENT, MERGE, message_id(2), message_id(3))
"""What only OP or the hub said about the client: where any of it shows, UP saw what another recorded."""

LOOKS: Final[dict[str, tuple[str, ...]]] = {
    "timeline": (CASE, *BY),
    "worklist": BY,
    "copy": (CASE, *BY),
    "export fhir": (CASE, *BY),
    "export tables": ("FOLDER/tables", *BY),
    "report draft": (CASE, *BY),
    "report show": ("1", *BY),
    "report give": ("1", *BY, "--to", "FOLDER/report.json"),
    "report accesses": (CASE, *BY, "--to", "FOLDER/accesses.json"),
    "emergency open": (CASE, *BY, *WHY),
    "emergency look": (CASE, *BY),
    "emergency judge": ("1", "--actor", "head/w9", "--as", "justified"),
    "consent ending": BY,
    "obligations list": BY,
    "client merges": BY,
    "client codes": BY,
}
"""Commands that show something about a client, with what is typed."""
ELSEWHERE: Final = {"sheet answers": "test_referral_sheet.py"}
"""The same, tried where their files are made."""

OWN: Final[dict[str, tuple[str, ...]]] = {
    "client list": (),
    "client duplicates": (),
    "outbox": (),
    "quarantine list": (),
    "quarantine show": ("1",),
    "proof list": (CASE,),
    "erasure list": (),
    "partner list": (),
    "report list": (),
    "emergency list": (),
    "export list": (),
}
"""What the unit itself wrote down, asked for or made, by its own case numbers: nobody else's, and nothing that others were given."""
NOBODY: Final[dict[str, tuple[str, ...]]] = {
    "token list": (),
    "webhook list": (),
    "webhook dead": (),
    "alarm list": (),
    "health": (),
    "doctor": (),
    "map schema": (),
}
"""Counts, states, addresses and settings: no person is in them."""
ACTS: Final = names_in(
    """
    consent take, consent attest, consent withdraw, consent narrow, refer, answer accept, answer waitlist, answer start, answer ask, answer reply,
    answer decline, answer not-taken-up, answer pause, answer complete, answer fail, answer reopen, answer withdraw, answer void, answer resume,
    answer close, partner ask, partner resend, client pair-code, client pair, client merge, client review, client split, client different,
    client identify, client restrict, client lift, client enrol, client link, quarantine resend, obligations answer, erasure request, report review,
    report reviewed, export destroyed, send-again, import
    """
)
"""They record what is typed, and tell what became of that."""
UPKEEP: Final = names_in(
    """
    run, api, answer-page, init, backup, restore, service, lock, views-key, enrol, init-unit, new-key, settings, token new, token rotate,
    token revoke, webhook add, webhook resend, webhook remove, map suggest, map check, alarm evidence, alarm dismiss, proof save, proof check
    """
)
"""Whoever runs the adapter, its keys, its files, its faces (which are tried route by route) and proofs without content."""


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> SharedOffice:
    """A unit that holds something of everything about one client."""
    home = tmp_path_factory.mktemp("office") / "home"
    home.mkdir()
    office = SharedOffice.make(home)
    with (office.home / "adapter.toml").open("a") as settings:
        settings.write('emergency_units = ["up"]\n')
    service = ServiceDelivered(service="bednight", quantity="1", unit_of_quantity="nights")
    said = office.hub.message_of(OP, 2, facts=service, content=ServiceContent(notes=NOTES), category=Category.MOBILITY)
    given = office.give(said)
    office.referral(3, ASKED)
    grant = Grant(
        sources=(OP,), recipient=to_unit(UP), categories=(Category.MOBILITY,), until=NOON + timedelta(days=20)
    )
    consent = ConsentGiven(
        consent_id=GroundId(CONSENT), recipient=grant.recipient, grants=(grant,), paper=("consent",), notice_version="1",
        evidence_hash="0" * 64, method="signed-paper",
    )  # fmt: skip
    notice = ConsentExpiryAnnounced(consent_id=GroundId(CONSENT), expiring=1, until=grant.until)
    merged = SubjectMerged(merge_id=MergeId(MERGE), method="asked-client", tell=(OP, UP))
    for number, (author, facts) in enumerate(((OP, consent), (HUB, notice), (OP, merged)), 4):
        office.give(office.hub.message_of(author, number, facts=facts, category=None))
    office.must_erase(given)
    office.adopt(CASE)
    office.type("client", "enrol", CASE, "--given-name", OWN_WORDS)
    office.type("client", "pair-code", CASE)
    office.type("refer", CASE, "--to", "nobody", "--category", "housing", "--answer-due", "2026-02-20", code=2)
    office.type("report", "draft", CASE, *BY)
    office.type("report", "review", "1", *BY, "--rest")
    office.type("report", "reviewed", "1", *BY)
    office.type("emergency", "open", CASE, *BY, *WHY)
    return office


def looks(office: SharedOffice) -> list[RecordAccessed]:
    """What UP reported of looks at this client."""
    house = office.house()
    with house.store.read() as tx:
        messages = [parse(one.payload or b"") for one in tx.journal.since(0, limit=1000)]
    house.close()
    return [one.facts for one in messages if isinstance(one.facts, RecordAccessed) and one.subject == SUBJECT]


def shown(office: SharedOffice, command: str, typed: tuple[str, ...]) -> str:
    """All that it prints, for people and for machines, and all that it writes."""
    folder = office.home.parent
    words = [*command.split(), *(one.replace("FOLDER", str(folder)) for one in typed)]
    homeless = [] if command.startswith("map ") else ["--home", str(office.home)]
    machines = ["--json"] if prints_for_machines(leaves(commands.app)[command]) else []
    before = {file for file in folder.rglob("*") if office.home not in file.parents}
    said = []
    for more in ([], machines) if machines else ([],):
        result = CliRunner().invoke(commands.app, [*words, *more, *homeless])
        assert result.exit_code == 0 or command == "doctor", (command, result.output, result.exception)
        said.append(result.output)
    files = {file for file in folder.rglob("*") if file.is_file() and office.home not in file.parents} - before
    return "\n".join([*said, *(file.read_bytes().decode(errors="replace") for file in files)])


def test_every_command_is_in_one_list_and_what_shows_what_was_kept_is_tried() -> None:
    every = leaves(commands.app)
    lists = [set(LOOKS), set(ELSEWHERE), set(OWN), set(NOBODY), ACTS, UPKEEP]
    assert sorted(one for some in lists for one in some) == sorted(every)
    kept = {name for name, command in every.items() if prints_for_machines(command)}
    assert kept <= {*LOOKS, *OWN, *NOBODY, "import", "map check"}, "they read a file that is handed to them"


@pytest.mark.parametrize("command", sorted(LOOKS))
def test_a_look_is_on_record_with_who_looked_and_shows_what_it_is_listed_for(
    office: SharedOffice, command: str
) -> None:
    before = len(looks(office))
    text = shown(office, command, LOOKS[command])
    reported = looks(office)[before:]
    assert reported
    assert {one.outcome for one in reported} == {"read"}
    assert {one.reader for one in reported} == {"head/w9" if command == "emergency judge" else WORKER}
    named = {entry for one in reported for entry in one.entries}
    if command != "obligations list":  # it names which, not what they say
        assert named >= {entry for entry in (message_id(2), message_id(3)) if f'"{entry}"' in text}
    if command != "emergency judge":
        assert any(mark in text for mark in (*OF_OTHERS, AREA.title(), DUTY[:13], CASE, OWN_WORDS)), text


@pytest.mark.parametrize("command", sorted({**OWN, **NOBODY}))
def test_what_is_no_look_shows_nothing_that_others_recorded_about_a_client(office: SharedOffice, command: str) -> None:
    before = len(looks(office))
    text = shown(office, command, {**OWN, **NOBODY}[command])
    assert not [mark for mark in OF_OTHERS if mark in text or mark.title() in text]
    assert len(looks(office)) == before
    if command in NOBODY:
        assert CASE not in text


def test_a_command_that_looks_does_not_begin_without_the_name_of_who_looks(office: SharedOffice) -> None:
    for command, typed in LOOKS.items():
        words = [one for one in typed if one not in {*BY, "head/w9"}]
        result = CliRunner().invoke(commands.app, [*command.split(), *words, "--home", str(office.home)])
        assert (result.exit_code, "--actor" in result.output) == (2, True), command


def test_an_attempt_that_is_refused_is_on_record_too(office: SharedOffice) -> None:
    before = len(looks(office))
    office.type("report", "draft", CASE, *BY)
    office.fails("report", "give", "2", *BY, "--to", str(office.home.parent / "early.json"))
    office.fails("emergency", "look", CASE, "--actor", "adviser/w8")
    office.fails("emergency", "open", CASE, "--actor", "adviser/w8", "--reason", "shelter-tonight", "--why", "short")
    refused = [(one.reader, one.reason) for one in looks(office)[before:] if one.outcome == "refused"]
    assert refused == [
        (WORKER, "not-reviewed"), ("adviser/w8", "emergency-not-open"), ("adviser/w8", "emergency-no-reason"),
    ]  # fmt: skip


def test_what_the_looks_reported_of_a_consent_names_the_areas_that_showed(office: SharedOffice) -> None:
    before = len(looks(office))
    (found,) = json.loads(office.type("consent", "ending", *BY, "--json"))
    (reported,) = looks(office)[before:]
    assert found["categories"] == [one.value for one in reported.categories] == [AREA]
