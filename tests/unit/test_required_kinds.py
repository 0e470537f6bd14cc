"""The guard that keeps a run from proving nothing: what a reviewer would believe wrongly if it failed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.required_kinds import RequiredKinds


def _run(folder: Path, test: str) -> tuple[int, RequiredKinds]:
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = kafka: needs Kafka\n")
    (folder / "test_it.py").write_text(f"import pytest\n\n{test}\n")
    guard = RequiredKinds(["kafka"])
    plain = ["-q", "--import-mode=importlib", "-p", "no:cacheprovider", "-p", "no:asyncio"]
    status = pytest.main([*plain, "-c", str(folder / "pytest.ini"), str(folder)], plugins=[guard])
    return int(status), guard


def test_a_run_whose_kafka_tests_passed_is_accepted(tmp_path: Path) -> None:
    status, guard = _run(tmp_path, "@pytest.mark.kafka\ndef test_a(): pass")
    assert (status, guard.shortfalls()) == (0, [])


def test_a_run_that_skipped_a_kafka_test_fails_although_others_passed(tmp_path: Path) -> None:
    skipping = "@pytest.mark.kafka\ndef test_a(): pass\n\n@pytest.mark.kafka\ndef test_b(): pytest.skip('no Java')"
    status, guard = _run(tmp_path, skipping)
    assert status == pytest.ExitCode.TESTS_FAILED
    assert "1 tests marked kafka were skipped" in guard.shortfalls()[0]


def test_a_run_in_which_the_broker_fixture_skipped_fails(tmp_path: Path) -> None:
    fixture = "@pytest.fixture\ndef broker(): pytest.skip('no Java')\n\n@pytest.mark.kafka\ndef test_a(broker): pass"
    status, _ = _run(tmp_path, fixture)
    assert status == pytest.ExitCode.TESTS_FAILED


@pytest.mark.parametrize("test", ["def test_a(): pass", "number = 1"])
def test_a_run_without_any_kafka_test_fails(tmp_path: Path, test: str) -> None:
    status, guard = _run(tmp_path, test)
    assert status == pytest.ExitCode.TESTS_FAILED
    assert "no test marked kafka passed" in guard.shortfalls()[0]
