"""FHIR resources of a partner: what is told is told once, and what is not known is never guessed."""

from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.connectors.fhir.reading import Standing
from adapters.connectors.fhir.systems import UNIT, coding
from adapters.connectors.refusal import CellError
from contracts.categories import Category
from contracts.messages.entry import EntryCorrected
from contracts.messages.referral import (
    ReferralAccepted,
    ReferralDeclined,
    ReferralReopened,
    ReferralResumed,
    ReferralSent,
    ReferralStarted,
)
from contracts.referral_table import ReferralState
from tests.fhir_reading import Reading

S = ReferralState
REQUEST: dict[str, Any] = {
    "resourceType": "ServiceRequest",
    "id": "r1",
    "status": "active",
    "intent": "order",
    "category": [{"coding": [coding("category", "housing")]}],
    "code": {"coding": [{"system": "http://snomed.info/sct", "code": "410606002"}]},
    "subject": {"reference": "Patient/p1"},
}
PATIENT = {"resourceType": "Patient", "id": "p1"}


def unit(name: str) -> dict[str, Any]:
    return {"reference": f"Organization/{name}", "identifier": {"system": UNIT, "value": name}}


def task(status: str = "accepted", /, **more: object) -> dict[str, Any]:
    return {
        "resourceType": "Task",
        "id": "t1",
        "status": status,
        "intent": "order",
        "focus": {"reference": "ServiceRequest/r1"},
        "for": {"reference": "Patient/p1"},
        "authoredOn": "2026-03-02T12:00:00Z",
        "requester": {"reference": "Organization/clinic"},
        "owner": {"display": "Food bank"},
    } | more


def read(*resources: dict[str, Any], **more: Any) -> Reading:  # noqa: ANN401 - as Reading takes them
    return Reading([PATIENT, REQUEST, *resources], **more)


def moves(reading: Reading) -> list[type]:
    return [type(one.facts) for one in reading.drafts]


def test_a_partners_acceptance_is_as_reported_and_names_the_partner_only_where_it_is_sealed() -> None:
    reading = read(task(lastModified="2026-03-04T08:00:00Z"))
    sent, accepted = reading.drafts
    assert isinstance(sent.facts, ReferralSent)
    assert (sent.facts.external, sent.facts.target, sent.category) == (True, None, Category.HOUSING)
    assert sent.facts.service == "snomed:410606002"
    assert sent.content is not None
    assert "Food bank" in sent.content.model_dump_json()
    assert "Food bank" not in sent.facts.model_dump_json()
    assert accepted.facts.as_reported  # type: ignore[attr-defined]
    assert accepted.time == datetime(2026, 3, 4, 8, tzinfo=UTC)


def test_the_same_task_again_moves_nothing_and_a_task_on_hold_that_runs_again_is_resumed() -> None:
    def known(state: ReferralState) -> Standing:
        return lambda _client, _referral: state

    assert moves(read(task(), standing=known(S.ACCEPTED))) == []
    assert moves(read(task("in-progress"), standing=known(S.ON_HOLD))) == [ReferralResumed]
    started = task("in-progress", executionPeriod={"start": "2026-03-03T09:00:00Z"})
    assert moves(read(started, standing=known(S.ACCEPTED))) == [ReferralStarted]
    reopened = task("in-progress", statusReason={"coding": [coding("reopening-reason", "problem-returned")]})
    assert moves(read(reopened, standing=known(S.CLOSED))) == [ReferralReopened]


def test_a_task_that_goes_back_where_the_table_knows_no_way_is_refused() -> None:
    reading = read(task("requested"), standing=lambda _c, _r: S.ACCEPTED)
    assert reading.drafts == []
    assert [(path, reason) for path, _, reason in reading.refused] == [("Task.status", "differs")]


@pytest.mark.parametrize(
    ("reason", "refused"),
    [
        ({}, ("Task.statusReason", "", "missing")),
        ({"text": "no money"}, ("Task.statusReason", "no money", "unknown-code")),
        ({"coding": [{"system": "urn:x", "code": "9"}]}, ("Task.statusReason", "urn:x|9", "unknown-code")),
    ],
)
def test_a_refusal_without_a_code_of_ours_is_reported_and_not_guessed(
    reason: dict[str, Any], refused: tuple[str, str, str]
) -> None:
    reading = read(task("rejected", **({"statusReason": reason} if reason else {})))
    assert moves(reading) == [ReferralSent]
    assert reading.refused == [refused]


def test_a_coded_refusal_is_told() -> None:
    reading = read(task("rejected", statusReason={"coding": [coding("decline-reason", "no-capacity")]}))
    assert moves(reading) == [ReferralSent, ReferralDeclined]
    assert reading.drafts[1].facts.reason == "no-capacity"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("changes", "path", "reason"),
    [
        ({"status": "draft"}, "Task.status", "no-counterpart"),
        ({"status": "done"}, "Task.status", "unknown-code"),
        ({"authoredOn": "2026-03"}, "Task.authoredOn", "not-a-date"),
        ({"authoredOn": "2031-01-01"}, "Task.authoredOn", "in-future"),
        ({"focus": {"reference": "ServiceRequest/none"}}, "Task.focus", "no-such-row"),
        ({"for": {"reference": "Group/1"}}, "Task.for.reference", "not-allowed"),
        ({"owner": "Food bank"}, "Task.owner", "not-fhir"),
        ({"partOf": "Task/1"}, "Task.partOf", "not-fhir"),
    ],
)
def test_each_fault_names_its_element(changes: dict[str, Any], path: str, reason: str) -> None:
    reading = read(task() | changes)
    assert reading.drafts == []
    assert (path, reason) in [(one, why) for one, _, why in reading.refused]


@pytest.mark.parametrize(
    ("categories", "reason"),
    [
        ([{"coding": [{"system": "urn:x", "code": "food"}]}], "missing"),
        ([{"coding": [{"system": coding("category", "housing")["system"], "code": "food"}]}], "unknown-code"),
    ],
)
def test_what_it_is_about_is_never_guessed(categories: list[dict[str, Any]], reason: str) -> None:
    reading = Reading([PATIENT, REQUEST | {"category": categories}, task()])
    assert reading.drafts == []
    assert ("ServiceRequest.category", reason) in [(path, why) for path, _, why in reading.refused]


def test_a_unit_tells_its_own_part_only() -> None:
    between = {"requester": unit("op"), "owner": unit("up")}
    assert moves(read(task(**between), own="op")) == [ReferralSent]
    assert moves(read(task(**between), own="up", standing=lambda _c, _r: S.SENT)) == [ReferralAccepted]
    other = read(task(**between), own="md")
    assert other.drafts == []
    assert ("Task.requester", "op", "no-counterpart") in other.refused


def test_one_institutions_referrals_can_be_taken_alone() -> None:
    assert moves(read(task(), institution="clinic")) == [ReferralSent, ReferralAccepted]
    assert read(task(), institution="other").drafts == []


def test_what_was_entered_in_error_takes_back_what_it_once_became() -> None:
    procedure = {
        "resourceType": "Procedure",
        "id": "x",
        "status": "entered-in-error",
        "category": {"coding": [coding("category", "housing")]},
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "1"}]},
        "subject": {"reference": "Patient/p1"},
        "performedDateTime": "2026-03-02",
    }
    (withdrawal,) = read(procedure).withdrawals
    assert withdrawal.of == "fhir-sdoh/Procedure/x"
    assert withdrawal.draft.facts == EntryCorrected(reason="entered-in-error")


def test_two_resources_of_one_name_are_not_mixed_up() -> None:
    with pytest.raises(CellError):
        read(PATIENT)
