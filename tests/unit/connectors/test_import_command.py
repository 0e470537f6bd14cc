"""`spojka-adapter import` as people and scripts call it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from adapters.connectors.import_command import NOT_IMPORTED, import_folder
from tests.unit.connectors.folder import write, write_hmis

APP = typer.Typer()
APP.command()(import_folder)
ENROLLED = "e1,7,1,2026-01-05,,\n"


def call(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(APP, list(arguments))
    return done.exit_code, done.stdout, done.stderr


def test_a_dry_run_prints_the_agreed_json_and_ends_well_in_spite_of_refusals(tmp_path: Path) -> None:
    folder = write_hmis(tmp_path, Enrollment=ENROLLED + "e2,8,9,2026-01-05,,\n")
    code, out, _ = call(str(folder), "--mapping", "hmis", "--dry-run", "--json")
    told = json.loads(out)
    assert code == 0
    assert list(told) == ["rows", "messages", "subjects", "refused"]
    assert told["rows"]["Enrollment.csv"] == 2
    assert (told["messages"], told["subjects"]) == ({"eu.spojka.client.enrolled.v1": 1}, 1)
    (refused,) = told["refused"]
    assert list(refused) == ["file", "row", "column", "value", "reason"]
    assert (refused["file"], refused["row"], refused["column"], refused["value"]) == (
        "Enrollment.csv",
        3,
        "ProjectID",
        "9",
    )


@pytest.mark.parametrize(("lang", "told"), [("en", "Trial run"), ("cs", "Zkušební běh"), ("pl", "Przebieg próbny")])
def test_a_person_reads_the_report_in_their_language(tmp_path: Path, lang: str, told: str) -> None:
    folder = write(write_hmis(tmp_path, Enrollment=ENROLLED), {"Client.csv": "PersonalID,SSN\n7,123456789\n"})
    code, out, _ = call(str(folder), "--mapping", "hmis", "--dry-run", "--lang", lang)
    assert code == 0
    assert told in out
    assert "Client.csv" in out, "what the mapping does not read is said"
    assert "123456789" not in out


def test_markup_in_a_cell_is_shown_as_text_and_not_obeyed(tmp_path: Path) -> None:
    folder = write_hmis(tmp_path, Enrollment="e1,7,[red]x[/red],2026-01-05,,\n")
    _, out, _ = call(str(folder), "--mapping", "hmis", "--dry-run")
    assert "[red]" in out


@pytest.mark.parametrize("mapping", ["hmis", "no-such-mapping"])
def test_a_folder_or_mapping_that_is_not_there_ends_with_advice(tmp_path: Path, mapping: str) -> None:
    code, out, err = call(str(tmp_path / "nowhere"), "--mapping", mapping, "--dry-run", "--json")
    assert code == NOT_IMPORTED
    assert not out
    assert "Check the name" in err or "hmis" in err


def test_a_folder_without_any_mapped_file_is_refused_with_the_names_expected(tmp_path: Path) -> None:
    code, _, err = call(str(write(tmp_path, {"other.csv": "a,b\n"})), "--mapping", "hmis", "--dry-run")
    assert code == NOT_IMPORTED
    assert "Enrollment.csv" in err


def test_a_dry_run_needs_no_kafka_client_no_database_and_no_settings(tmp_path: Path) -> None:
    program = (
        "import sys; from adapters.connectors.import_command import main; sys.argv[1:] = "
        f"[{str(write_hmis(tmp_path, Enrollment=ENROLLED))!r}, '--mapping', 'hmis', '--dry-run', '--json']\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert end.code in (0, None)\n"
        "heavy = {'aiokafka', 'faststream', 'sqlalchemy', 'pydantic_settings', 'hub'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
