"""The export that the benchmarks verify and replay is one that holds: else they would measure how fast its faults are told."""

from pathlib import Path

from contracts.ledger import policy as policies
from hub.audit.replay import replay
from hub.audit.verification import verify
from tests.benchmarks.audit_load import PER_CLIENT, export_of
from tests.benchmarks.workload import AT, subject
from tests.simulation.exported import POLICY


def test_an_export_made_for_measuring_holds_as_one_that_a_hub_decided(tmp_path: Path) -> None:
    load = export_of(tmp_path / "export", 3)
    report = verify(load.bundle, policies.parse(POLICY))
    assert report.findings == []
    assert report.counts["accepted"] == load.rows == 2 + 3 * PER_CLIENT
    assert len(replay(load.bundle, subject(2), AT).entries) == PER_CLIENT - 1  # all but the consent


def test_what_it_says_of_each_client_is_encrypted_as_a_hub_stores_it(tmp_path: Path) -> None:
    load = export_of(tmp_path / "export", 2)
    assert all(
        row.keys and not row.state.startswith(b"{")
        for group in load.bundle.groups()
        for row in load.bundle.rows(group.place)
    )
