"""The kit's report says the worst that was seen, and the kit itself rests on nothing but what is published."""

import ast
from pathlib import Path

import pytest
from typer.main import get_command

from adapters.conformance.commands import app
from adapters.conformance.report import Outcome, Report
from adapters.conformance.requirements import BY_ID, REQUIREMENTS, Side, of_side
from adapters.settings import AdapterSettings

FOLDER = Path(__file__).resolve().parents[3] / "adapters" / "conformance"
REACHING = (
    "security_protocol",
    "sasl_mechanism",
    "sasl_username",
    "sasl_password",
    "broker_sign_in",
    "ca_file",
)


def imported(file: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
        elif isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
    return found


def test_the_kit_judges_by_what_a_vendor_can_read_too() -> None:
    ours = {
        name
        for file in FOLDER.glob("*.py")
        for name in imported(file)
        if name.split(".")[0] in {"adapters", "projections", "hub", "contracts"}
    }
    allowed = ("contracts", "projections.kafka", "adapters.conformance")
    assert {name for name in ours if not name.startswith(allowed)} == set()


def test_what_was_broken_once_stays_broken_however_often_it_held() -> None:
    report = Report(Side.ADAPTER)
    report.held("SIG-1")
    report.broken("SIG-1", "a message")
    report.held("SIG-1")
    (finding,) = [one for one in report.findings() if one.requirement.id == "SIG-1"]
    assert (finding.outcome, finding.evidence) == (Outcome.BROKEN, ("a message",))
    assert report.exit_code() == 1


def test_a_must_that_was_never_put_to_the_test_is_no_pass() -> None:
    report = Report(Side.ADAPTER)
    assert report.exit_code() == 3
    for one in of_side(Side.ADAPTER):
        report.held(one.id)
    assert report.exit_code() == 0


def test_a_broken_should_fails_nobody_but_shows() -> None:
    report = Report(Side.ADAPTER)
    for one in of_side(Side.ADAPTER):
        report.held(one.id)
    report.broken("ACK-2", "late")
    assert report.exit_code() == 0
    assert [one.requirement.id for one in report.findings() if one.outcome is Outcome.BROKEN] == ["ACK-2"]


def test_every_requirement_has_an_id_of_its_own_and_a_reference() -> None:
    assert len(BY_ID) == len(REQUIREMENTS)
    assert all(one.text and one.reference for one in REQUIREMENTS)


def test_a_finding_under_an_unknown_id_is_a_fault_of_the_kit() -> None:
    with pytest.raises(KeyError):
        Report(Side.ADAPTER).held("SIG-99")


@pytest.mark.parametrize("name", ["adapter", "hub"])
def test_whoever_set_an_adapter_up_for_a_secured_broker_knows_how_to_tell_the_kit(name: str) -> None:
    (command,) = (one for one in get_command(app).commands.values() if one.name == name)  # type: ignore[attr-defined] # a group
    told = {one.name: one.help for one in command.params if one.name in REACHING}
    settings = AdapterSettings.model_fields
    assert told == {one: (settings[one].description or "").replace("; relative to the home", "") for one in REACHING}
    secret = [
        one for one in command.params if one.name in REACHING and one.envvar != f"SPOJKA_CONFORMANCE_{one.name}".upper()
    ]
    assert secret == []
