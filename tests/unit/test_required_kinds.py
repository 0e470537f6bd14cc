"""The guard that keeps a run from proving nothing: what a reviewer would believe wrongly if it failed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.required_kinds import VARIABLE

_REPOSITORY = Path(__file__).resolve().parents[2]


def _run(folder: Path, test: str) -> tuple[int, str]:
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = kafka: needs Kafka\n")
    (folder / "conftest.py").write_text("from tests.required_kinds import require_kinds as pytest_configure\n")
    (folder / "test_it.py").write_text(f"import pytest\n\n{test}\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=folder,
        env={**os.environ, VARIABLE: "kafka", "PYTHONPATH": str(_REPOSITORY), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def test_a_run_whose_kafka_tests_passed_is_accepted(tmp_path: Path) -> None:
    status, said = _run(tmp_path, "@pytest.mark.kafka\ndef test_a(): pass")
    assert status == 0
    assert VARIABLE not in said


def test_a_run_that_skipped_a_kafka_test_fails_although_others_passed(tmp_path: Path) -> None:
    skipping = "@pytest.mark.kafka\ndef test_a(): pass\n\n@pytest.mark.kafka\ndef test_b(): pytest.skip('no Java')"
    status, said = _run(tmp_path, skipping)
    assert status == pytest.ExitCode.TESTS_FAILED
    assert "1 tests marked kafka were skipped" in said


def test_a_run_in_which_the_broker_fixture_skipped_fails(tmp_path: Path) -> None:
    fixture = "@pytest.fixture\ndef broker(): pytest.skip('no Java')\n\n@pytest.mark.kafka\ndef test_a(broker): pass"
    status, _ = _run(tmp_path, fixture)
    assert status == pytest.ExitCode.TESTS_FAILED


@pytest.mark.parametrize("test", ["def test_a(): pass", "number = 1"])
def test_a_run_without_any_kafka_test_fails(tmp_path: Path, test: str) -> None:
    status, said = _run(tmp_path, test)
    assert status == pytest.ExitCode.TESTS_FAILED
    assert "no test marked kafka passed" in said
