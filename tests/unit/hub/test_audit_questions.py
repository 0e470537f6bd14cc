"""What an auditor asks of an export: who looked, what changed between two days, what was so on one; for people, for machines, and as FHIR."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from fhir.resources.R4B.auditevent import AuditEvent
from typer.testing import CliRunner

from contracts.categories import Purpose
from contracts.messages.access import Emergency, RecordAccessed, RecordAudited
from contracts.messages.consent import ConsentWithdrawn
from contracts.messages.need import NeedAssessed
from contracts.names import ActorId, GroundId, MessageId, SubjectId, UnitId
from contracts.trust_list import Directory
from hub.audit import commands
from hub.audit.accesses import KnownUnits
from tests.simulation.ended_consent import SKILLS, paper_of
from tests.simulation.exported import POLICY, exported
from tests.simulation.programme import KAREL, START, Simulation

if TYPE_CHECKING:
    from pathlib import Path

JANA = SubjectId("r1." + "j" * 26)
NOON = START + timedelta(days=39, hours=12)
EMERGENCY = Emergency(
    emergency_id=MessageId("00000000-0000-4000-8000-000000000001"),
    reason="shelter-tonight",
    until=NOON + timedelta(days=2, hours=6),
)
OPENED, SEEN, ENDED = (f"2026-02-{day:02}" for day in (9, 11, 14))


def access(unit: str, entries: tuple[MessageId, ...] = (), **changes: object) -> RecordAccessed:
    said: dict[str, object] = {
        "reader": ActorId("teacher/w3"),
        "reader_unit": UnitId(unit),
        "purpose_of_access": Purpose.SUPPORT,
        "categories": (SKILLS,),
        "entries": entries,
        "outcome": "read",
    }
    return RecordAccessed.model_validate(said | changes)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A consent on the 9th, an entry on the 10th, looks on the 11th (one refused, one in an emergency), a withdrawal on the 13th."""
    hub = Simulation()
    hub.publish_trust_list()
    hub.clock.at = NOON
    consent = GroundId(hub.next_id())
    hub.say("op", paper_of(consent))
    hub.say("op", paper_of(GroundId(hub.next_id())), subject=JANA)
    hub.move_to(NOON + timedelta(days=1))
    entry = hub.say("op", NeedAssessed(dimension="skills"), category=SKILLS)
    hub.relay_all()
    hub.report_all()
    hub.move_to(NOON + timedelta(days=2))
    hub.say("vz", access("vz", (entry,), ground_id=consent))
    hub.say("md", access("md-claims", outcome="refused", reason="no-ground"))
    hub.say("vz", access("vz", reason=EMERGENCY.reason, emergency=EMERGENCY))
    _, signed = hub.programme.voice.say(
        RecordAudited(reader=ActorId("auditor/dpo-1"), purpose_of_audit="complaint", shown="path", until=hub.clock.at),
        name="audit/1",
        at=hub.clock.at,
        subject=JANA,
    )
    hub.take([hub.record(signed, JANA)])
    hub.move_to(NOON + timedelta(days=4))
    hub.say("op", ConsentWithdrawn(consent_id=consent))
    hub.relay_all()
    hub.report_all()
    made = tmp_path_factory.mktemp("audit") / "export"
    exported(hub, made)
    (made.parent / "policy").write_text(POLICY)
    return made


def told(folder: Path, command: str, *words: str) -> Any:  # noqa: ANN401 - JSON
    done = CliRunner().invoke(commands.app, [command, str(folder), *words, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def shown(folder: Path, command: str, *words: str) -> str:
    done = CliRunner().invoke(commands.app, [command, str(folder), *words], env={"COLUMNS": "300"})
    assert done.exit_code == 0, done.output
    return done.stdout


def test_reads_attempts_and_auditors_are_listed_with_who_they_are(folder: Path) -> None:
    found = told(folder, "accesses")
    assert [(one["unit"], one["institution"], one["refused"], one["break_glass"]) for one in found] == [
        ("vz", "skola", False, False),
        ("md-claims", "mesto", True, False),
        ("vz", "skola", False, True),
        ("hub", None, False, False),
    ]
    assert [one["audit"] for one in found] == [None, None, None, "complaint"]
    assert found[2]["reason"] == "shelter-tonight"
    text = shown(folder, "accesses")
    for word in ("4 accesses", "teacher/w3", "no-ground", "refused", "emergency", "audit: complaint"):
        assert word in text


@pytest.mark.parametrize(
    ("words", "count"),
    [
        (("--institution", "mesto"), 1),
        (("--unit", "vz"), 2),
        (("--refused",), 1),
        (("--subject", JANA), 1),
        (("--subject", KAREL, "--refused"), 1),
        (("--from", SEEN, "--to", SEEN), 4),
        (("--from", "2026-02-11T14:00:00+01:00"), 0),
        (("--to", "2026-02-10"), 0),
    ],
)
def test_accesses_are_narrowed_by_client_institution_unit_and_period(
    folder: Path, words: tuple[str, ...], count: int
) -> None:
    assert len(told(folder, "accesses", *words)) == count


def test_accesses_leave_as_fhir_audit_events_that_others_read(folder: Path) -> None:
    lines = CliRunner().invoke(commands.app, ["accesses", str(folder), "--balp"]).stdout.splitlines()
    events = [json.loads(line) for line in lines]
    assert all(AuditEvent.model_validate(event).outcome == event["outcome"] for event in events)
    assert [event["outcome"] for event in events] == ["0", "4", "0", "0"]
    for event in events:
        assert [(one["type"]["code"], one["role"]["code"]) for one in event["entity"]] == [("2", "4"), ("1", "1")]
        assert [one["type"]["coding"][0]["code"] for one in event["agent"]] == ["110152", "110153", "IRCP"]
        assert [one["requestor"] for one in event["agent"]] == [False, False, True]
        assert (event["type"]["code"], event["subtype"][0]["code"], event["action"]) == ("rest", "read", "R")
        assert ("meta" in event) is (event["outcome"] == "0"), "the pattern is of reads that happened"
    assert events[0]["entity"][1]["what"]["identifier"]["value"] == KAREL
    assert events[1]["outcomeDesc"] == "no-ground"


def test_what_changed_for_whom_between_two_days(folder: Path) -> None:
    (opened,) = told(folder, "diff", "--from", "2026-02-09", "--to", "2026-02-10")
    assert opened["subject"] == KAREL
    assert [(one["unit"], one["gained"]) for one in opened["sight"]] == [("vz", True)]
    assert opened["grounds"] == []
    (ended,) = told(folder, "diff", "--from", "2026-02-12", "--to", ENDED)
    assert [(one["change"], one["collector"]) for one in ended["grounds"]] == [("ended", "op")]
    assert [(one["unit"], one["gained"]) for one in ended["sight"]] == [("vz", False)]
    assert [(one["unit"], one["before"], one["after"]) for one in ended["obligations"]] == [("vz", None, "open")]
    assert {one["subject"] for one in told(folder, "diff", "--from", "2026-02-08", "--to", OPENED)} == {KAREL, JANA}
    assert told(folder, "diff", "--from", ENDED, "--to", "2026-02-20") == []
    assert "Nothing changed." in shown(folder, "diff", "--from", ENDED, "--to", "2026-02-20")
    text = shown(folder, "diff", "--from", OPENED, "--to", ENDED, "--subject", KAREL)
    for word in ("reason to share", "ended", "duty to erase", "new → open", "looks"):
        assert word in text


def test_a_consent_that_ran_out_by_itself_is_a_change_like_any_other(folder: Path) -> None:
    after = told(folder, "diff", "--from", "2026-02-20", "--to", "2027-01-01", "--subject", JANA)
    assert [one["change"] for one in after[0]["grounds"]] == ["ended"]


def test_a_replay_is_of_the_end_of_a_day_or_of_an_instant_with_its_offset(folder: Path) -> None:
    def force(at: str) -> list[bool]:
        return [one["in_force"] for one in told(folder, "replay", "--subject", KAREL, "--at", at)["grounds"]]

    assert force("2026-02-12") == [True]
    assert force("2026-02-13") == [False]
    assert force("2026-02-13T12:59:59+01:00") == [True]
    proven = told(folder, "replay", "--subject", KAREL, "--at", ENDED, "--policy", str(folder.parent / "policy"))
    assert proven["open_obligations"]
    assert "Referrals" in shown(folder, "replay", "--subject", KAREL, "--at", ENDED)


def test_a_replay_for_people_names_the_reason_under_which_each_unit_was_given_an_entry(folder: Path) -> None:
    text = shown(folder, "replay", "--subject", KAREL, "--at", "2026-02-12")
    ((number, ground),) = re.findall(r"│ (\d) +│ ([0-9a-f-]{36}) │ op", text)
    assert f"vz ({number})" in text
    assert ground == told(folder, "replay", "--subject", KAREL, "--at", "2026-02-12")["grounds"][0]["ground"]
    assert f"vz ({number})†" in shown(folder, "replay", "--subject", KAREL, "--at", ENDED), "given, and not any more"
    for word in ("refused: no-ground", "Restrictions: none.", "Said to be one person with somebody: none."):
        assert word in text


def test_a_replay_says_whether_what_it_read_is_proven(folder: Path) -> None:
    asked = ("replay", "--subject", KAREL, "--at", ENDED)
    assert "Believed as the export says it." in shown(folder, *asked)
    assert "proven to stand in the ledger" in shown(folder, *asked, "--policy", str(folder.parent / "policy"))


@pytest.mark.parametrize(
    "words",
    [
        ("replay", "--subject", KAREL, "--at", ENDED),
        ("accesses",),
        ("accesses", "--institution", "mesto"),
        ("diff", "--from", OPENED, "--to", ENDED),
    ],
)
def test_tables_for_people_fit_a_hundred_columns_and_cut_nothing_off(folder: Path, words: tuple[str, ...]) -> None:
    done = CliRunner().invoke(commands.app, [words[0], str(folder), *words[1:]], env={"COLUMNS": "100"})
    assert done.exit_code == 0
    assert "…" not in done.stdout
    assert max(map(len, (one for one in done.stdout.splitlines() if one[:1] in "│┃"))) <= 100
    assert KAREL in done.stdout or words[0] == "replay"


@pytest.mark.parametrize(("option", "known"), [("--institution", "mesto"), ("--unit", "md-claims")])
def test_whoever_mistypes_a_name_is_told_which_there_are_and_not_that_nobody_looked(
    folder: Path, option: str, known: str
) -> None:
    done = CliRunner().invoke(commands.app, ["accesses", str(folder), option, "mest"], env={"COLUMNS": "300"})
    assert done.exit_code == 2
    assert known in done.output


def test_a_period_in_which_nobody_looked_is_said_in_words(folder: Path) -> None:
    assert "No access fits what was asked for." in shown(folder, "accesses", "--to", "2026-02-10")
    done = CliRunner().invoke(commands.app, ["accesses", str(folder), "--from", ENDED, "--to", OPENED])
    assert done.exit_code == 2, "a period that ends before it begins holds nothing by mistake"


def test_looks_of_an_institution_that_has_left_are_found_by_its_name() -> None:
    hub = Simulation()
    listed = hub.directory.listed
    gone = next(one for one in listed.units if one.unit == "md-claims")
    fewer = listed.model_copy(update={"units": tuple(one for one in listed.units if one is not gone)})
    known = KnownUnits([hub.directory, Directory(fewer, b"")])
    assert known.units[gone.unit].institution == gone.institution
    assert gone.institution in known.institutions


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("replay", "--subject", KAREL, "--at", "yesterday"), 2),
        (("replay", "--subject", KAREL, "--at", "2026-02-13T12:00:00"), 2),
        (("replay", "--subject", "r1." + "z" * 26, "--at", ENDED), 1),
        (("accesses", "--from", "2026-02-30"), 2),
    ],
)
def test_what_names_no_moment_is_wrong_usage_and_whom_the_export_does_not_know_is_said(
    folder: Path,
    words: tuple[str, ...],
    code: int,
    *,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.argv", ["spojka-audit", words[0], str(folder), *words[1:]])
    with pytest.raises(SystemExit) as ended:
        commands.main()
    assert ended.value.code == code
    assert capsys.readouterr().err.strip().count("\n") == 0


def test_a_difference_that_ends_before_it_begins_is_wrong_usage(folder: Path) -> None:
    done = CliRunner().invoke(commands.app, ["diff", str(folder), "--from", ENDED, "--to", OPENED])
    assert done.exit_code == 2


def test_every_command_says_its_exit_codes() -> None:
    for command in ("export", "policy", "verify", "replay", "accesses", "diff", "watch"):
        done = CliRunner().invoke(commands.app, [command, "--help"], env={"COLUMNS": "300"})
        assert "Exit codes: 0 " in done.stdout
