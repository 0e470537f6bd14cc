"""FHIR resources at a unit's real desk: what the same import again, a newer state, a correction and an export do."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from adapters.cli.fhir_export import told
from adapters.connectors.fhir.bundle import export
from adapters.connectors.fhir.fhir_import import FhirImport
from adapters.connectors.fhir.resources import Resources
from adapters.connectors.fhir.systems import coding
from adapters.connectors.fhir.told import Case
from adapters.connectors.importing import Imported, to_record
from adapters.connectors.scratch import Scratch
from adapters.connectors.unit_desk import StoredReferrals, StoredRows
from adapters.drafts import ClientKey
from adapters.process.overviews import Overviews
from contracts.messages.referral import ReferralFacts
from contracts.names import MessageType
from contracts.referral_table import ReferralState
from projections.corrections import timeline
from projections.worklist import outgoing
from tests.fhir_reading import Reading
from tests.simulation.desks import DeskUnit, Town
from tests.unit.connectors.folder import NOW, SECRET
from tests.unit.fhir.test_fhir_reading import PATIENT, REQUEST, task

CLIENT = ClientKey("p1")


@pytest.fixture
def unit(tmp_path: Path) -> Iterator[DeskUnit]:
    (tmp_path / "town").mkdir()
    town = Town(tmp_path / "town")
    town.hub.move_to(NOW)
    yield town["op"]
    town.close()


def load(unit: DeskUnit, folder: Path, *resources: dict[str, Any]) -> Imported:
    folder.mkdir(exist_ok=True)
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in resources]}
    (folder / "bundle.json").write_text(json.dumps(bundle))
    imported = Imported()
    with Scratch() as scratch:
        work = FhirImport(folder, scratch, None, quiet=True)
        context = replace(
            work._context(Resources()),
            zone=UTC,
            now=unit.hub.clock.now(),
            secret=SECRET,
            own=unit.desk.signer.unit,
            standing=StoredReferrals(unit.store).standing,
        )
        for recorded in unit.desk.record_many(to_record(work._made(context), StoredRows(unit.store))):
            imported.count(recorded)
    return imported


def states(unit: DeskUnit, tmp_path: Path) -> list[ReferralState]:
    overviews = Overviews.open(tmp_path, unit.store)
    overviews.bring_up_to_date()
    with overviews.look() as connection:
        found = [one.state for one in outgoing(connection, unit.desk.signer.unit)]
    overviews.close()
    return found


PROCEDURE = {
    "resourceType": "Procedure",
    "id": "x",
    "status": "completed",
    "category": {"coding": [coding("category", "housing")]},
    "code": {"coding": [{"system": "http://snomed.info/sct", "code": "1"}]},
    "subject": {"reference": "Patient/p1"},
    "performedDateTime": "2025-12-02",
}
OLD = {"authoredOn": "2025-12-01T12:00:00Z"}


def test_the_same_bundle_again_makes_nothing_and_a_newer_state_makes_the_next_move_only(
    unit: DeskUnit, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    first = load(unit, folder, PATIENT, REQUEST, PROCEDURE, task(**OLD))
    assert sum(first.states.values()) == 3
    again = load(unit, folder, PATIENT, REQUEST, PROCEDURE, task(**OLD, lastModified="2025-12-09T12:00:00Z"))
    assert sum(again.states.values()) == 0
    assert states(unit, tmp_path) == [ReferralState.ACCEPTED]
    outcome = {
        "type": {"text": "outcome"},
        "valueCodeableConcept": {"coding": [coding("outcome-code", "goal-reached")]},
    }
    done = load(unit, folder, PATIENT, REQUEST, PROCEDURE, task("completed", **OLD, output=[outcome]))
    assert sum(done.states.values()) == 1
    assert states(unit, tmp_path) == [ReferralState.COMPLETED]


def test_a_changed_resource_becomes_a_correction_and_one_in_error_is_taken_back(unit: DeskUnit, tmp_path: Path) -> None:
    load(unit, tmp_path / "in", PATIENT, PROCEDURE)
    other = PROCEDURE | {"code": {"coding": [{"system": "http://snomed.info/sct", "code": "2"}]}}
    load(unit, tmp_path / "in", PATIENT, other)
    load(unit, tmp_path / "in", PATIENT, other | {"status": "entered-in-error"})
    with unit.store.read() as tx:
        subject = tx.clients.subject_of(CLIENT)
        assert subject is not None
        kinds = [one.type for one in tx.journal.of_subject(subject)]
    assert kinds.count(MessageType("eu.spojka.entry.corrected.v1")) == 2


def test_what_came_in_goes_out_with_the_same_codes(unit: DeskUnit, tmp_path: Path) -> None:
    load(unit, tmp_path / "in", PATIENT, REQUEST, PROCEDURE, task(**OLD))
    overviews = Overviews.open(tmp_path, unit.store)
    overviews.bring_up_to_date()
    with unit.store.read() as tx:
        subject = tx.clients.subject_of(CLIENT)
    assert subject is not None
    with overviews.look() as connection:
        entries = tuple(told(timeline(connection, subject, others_visible=True)))
    overviews.close()
    bundle = export(Case(CLIENT, entries, {}), at=NOW).bundle
    again = Reading([one["resource"] for one in json.loads(json.dumps(bundle))["entry"]])
    assert again.refused == []
    assert {(one.facts, one.time, one.category) for one in again.drafts} == {
        (one.facts, one.time, one.category) for one in entries
    }
    assert sum(isinstance(one.facts, ReferralFacts) for one in again.drafts) == 2
