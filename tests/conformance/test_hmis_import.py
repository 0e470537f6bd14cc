"""The shipped HMIS mapping over a real export and over a peer importer's odd fixtures."""

import csv
import json
from collections import Counter
from pathlib import Path

import pytest
from pydantic import BaseModel

from adapters.connectors.refusal import RefusalReason
from contracts.messages.outcome import OutcomeRecorded
from contracts.messages.referral import ReferralSent
from tests.unit.connectors.folder import Made, make

_LEAST_DIGITS = 7


@pytest.fixture(scope="module")
def hmis(shared_material: Path) -> Path:
    folder = shared_material / "data" / "hmis"
    if not folder.is_dir():
        pytest.skip(f"no folder {folder}")
    return folder


@pytest.fixture(scope="module")
def export(hmis: Path) -> Made:
    return make(hmis / "datalab-fy24-in")


def test_the_published_counts_come_out(export: Made) -> None:
    assert export.report == {
        "eu.spojka.client.enrolled.v1": 516,
        "eu.spojka.referral.sent.v1": 19,
        "eu.spojka.referral.accepted.v1": 12,
        "eu.spojka.referral.declined.v1": 2,
        "eu.spojka.service.delivered.v1": 6385,
        "eu.spojka.outcome.recorded.v1": 447 + 51,
    }
    assert export.rows["Services.csv"] == 6385
    assert not export.refusals


def test_clients_are_pairs_of_organisation_and_person(export: Made) -> None:
    assert len({one.client for one in export.drafts}) == 516
    assert len({str(one.client).split("/")[1] for one in export.drafts}) == 514


def test_five_referrals_are_still_open(export: Made) -> None:
    sent = {one.facts.referral_id for one in export.drafts if isinstance(one.facts, ReferralSent)}
    moved = Counter(getattr(one.facts, "referral_id", None) for one in export.drafts)
    assert sum(moved[each] == 1 for each in sent) == 5


def test_fifty_one_people_found_work_by_inference(export: Made) -> None:
    assert sum(isinstance(one.facts, OutcomeRecorded) and one.facts.inferred for one in export.drafts) == 51


def test_no_social_security_number_and_no_name_is_anywhere_in_a_draft(hmis: Path, export: Made) -> None:
    with (hmis / "datalab-fy24-in" / "Client.csv").open(encoding="utf-8", newline="") as file:
        people = list(csv.DictReader(file))
    numbers = {one["SSN"] for one in people if len(one["SSN"]) >= _LEAST_DIGITS}
    names = {one[column] for one in people for column in ("FirstName", "MiddleName", "LastName")}
    names = {name for name in names if len(name) > 1}  # an initial is no name, and `T` stands in every instant
    assert len(numbers) > 400
    assert len(names) > 400
    values = [(one.client, one.local_key, *_values(one.facts), *_values(one.content)) for one in export.drafts]
    text = json.dumps(values, default=str)
    assert not [number for number in numbers if number in text]
    assert not names & set("".join(c if c.isalpha() else " " for c in text).split())


def _values(model: BaseModel | None) -> list[object]:
    return [] if model is None else list(model.model_dump(mode="json").values())


def test_the_same_export_again_is_the_same_messages(hmis: Path, export: Made) -> None:
    assert make(hmis / "datalab-fy24-in").drafts == export.drafts


@pytest.mark.parametrize(
    ("fixture", "enrolled", "services"),
    [("bom_test", 3, 18), ("duplicate_primary_keys", 3, 18), ("validation_files", 2, 2)],
)
def test_odd_input_loses_nothing_valid_and_explains_the_rest(
    hmis: Path, fixture: str, enrolled: int, services: int
) -> None:
    made = make(hmis / "importer-fixtures-fy26" / fixture / "source")
    assert made.report["eu.spojka.client.enrolled.v1"] == enrolled
    assert made.report["eu.spojka.service.delivered.v1"] == services
    assert all(one.file and one.reason in RefusalReason and (one.column or one.detail) for one in made.refusals)


def test_a_file_with_a_byte_order_mark_has_all_its_columns(hmis: Path) -> None:
    made = make(hmis / "importer-fixtures-fy26" / "bom_test" / "source")
    assert RefusalReason.COLUMN_MISSING not in {one.reason for one in made.refusals}
    assert made.rows["Event.csv"] == 2


def test_a_key_that_stands_twice_is_reported_and_its_first_row_stays(hmis: Path) -> None:
    made = make(hmis / "importer-fixtures-fy26" / "duplicate_primary_keys" / "source")
    twice = [(one.file, one.row, one.value) for one in made.refusals if one.reason is RefusalReason.KEY_TWICE]
    assert twice == [("Enrollment.csv", 6, "557890")]
