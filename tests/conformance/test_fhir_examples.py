"""The guide's own examples come in or are refused with a reason; what we write has what the guide demands of its profiles."""

import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from fhir.resources.R4B import get_fhir_model_class
from typer.testing import CliRunner

from adapters.commands import app
from adapters.connectors.fhir.bundle import export
from adapters.connectors.fhir.reader import MESSAGES
from adapters.connectors.fhir.systems import CATEGORY_FROM_GUIDE, GUIDE, GUIDE_CODES, WITHOUT_CATEGORY
from adapters.connectors.fhir.told import Told
from contracts.categories import Category
from contracts.grants import Grant, to_unit
from contracts.messages import referral as facts_of
from contracts.messages.consent import ConsentGiven
from contracts.messages.need import NeedAssessed
from contracts.messages.service import ServiceDelivered
from contracts.names import GroundId, MessageId, ReferralId
from tests.fhir_cases import NOON, OP, UP, case
from tests.fhir_reading import LATER, Reading

EXAMPLES: Final = 58
R: Final = ReferralId("01953a10-0000-7000-8000-0000000000f0")


@pytest.fixture(scope="module")
def examples(shared_material: Path) -> Path:
    return shared_material / "data/fhir/sdoh-clinicalcare-instances"


@pytest.fixture(scope="module")
def dictionary(shared_material: Path) -> Mapping[str, Any]:
    path = shared_material / "data/fhir/sdoh-ig/data-dictionary/data_dictionary.json"
    return dict(json.loads(path.read_text(encoding="utf-8")))


def load(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))


def dry_run(path: Path) -> Mapping[str, Any]:
    done = CliRunner().invoke(app, ["import", str(path), "--mapping", "fhir-sdoh", "--dry-run", "--json"])
    assert done.exit_code == 0, done.output
    return dict(json.loads(done.stdout))


def test_the_folder_of_examples_is_reported_as_any_other_connectors(examples: Path) -> None:
    told = dry_run(examples)
    assert sum(told["rows"].values()) == EXAMPLES
    assert told["messages"] == {
        "eu.spojka.need.assessed.v1": 5,
        "eu.spojka.referral.accepted.v1": 2,
        "eu.spojka.referral.completed.v1": 2,
        "eu.spojka.referral.sent.v1": 2,
        "eu.spojka.service.delivered.v1": 3,
    }
    assert told["subjects"] == 1
    assert all(one["file"] and one["column"] and one["reason"] for one in told["refused"])


def test_no_example_is_dropped_silently(examples: Path) -> None:
    told = dry_run(examples)
    refused = {one["file"] for one in told["refused"]}
    taken = [one for one in examples.glob("*.json") if one.name not in refused]
    assert {one.name.split("-")[0] for one in taken} <= MESSAGES | {
        "Organization",
        "Patient",
        "Practitioner",
        "PractitionerRole",
        "ServiceRequest",
    }, "what is neither a message nor read for one has a reason"


def test_each_example_alone_never_crashes_an_import(examples: Path) -> None:
    paths = sorted(examples.glob("*.json"))
    assert len(paths) == EXAMPLES
    for path in paths:
        told = dry_run(path)
        assert sum(told["rows"].values()) == 1
        assert told["messages"] or told["refused"] or path.name.startswith("Patient")


def test_two_tasks_that_show_two_states_are_one_referral_in_the_right_order(examples: Path) -> None:
    reading = Reading([load(path) for path in sorted(examples.glob("*.json"), reverse=True)])
    moves = defaultdict(list)
    for one in reading.drafts:
        if isinstance(one.facts, facts_of.ReferralFacts):
            moves[one.facts.referral_id].append(one)
    assert [[type(one.facts).__name__ for one in told] for told in moves.values()] == [
        ["ReferralSent", "ReferralAccepted", "ReferralCompleted"]
    ] * 2
    parent, part = moves.values()
    assert [one.time for one in parent] == sorted(one.time for one in parent)
    assert [one.time for one in part] == sorted(one.time for one in part)
    assert part[0].correlationid == str(next(iter(moves))), "the part names what it is part of"
    assert all(one.facts.as_reported for one in parent[1:] if isinstance(one.facts, facts_of.MoveFacts))
    assert parent[2].facts.outcome == "service-delivered"  # type: ignore[attr-defined]
    assert ("Task.authoredOn", "2019-09-12T21:56:54.671000+00:00", "differs") in reading.refused


def test_a_part_dated_before_its_whole_is_told_and_still_comes_behind_it(examples: Path) -> None:
    names = ("OrderFulfillmentCompleted", "OrderSubtaskCompleted")
    others = (load(one) for one in sorted(examples.glob("*.json")) if not one.name.startswith("Task"))
    tasks = (load(one) for name in reversed(names) for one in examples.glob(f"Task*{name}*.json"))
    reading = Reading([*tasks, *others])
    assert [path for path, _, reason in reading.refused if reason == "before"] == ["Task.authoredOn"]
    sent = [one for one in reading.drafts if isinstance(one.facts, facts_of.ReferralSent)]
    assert [one.time.year for one in sent] == [2020, 2019]


def test_every_category_of_the_guide_is_known_or_left_to_a_person(dictionary: Mapping[str, Any]) -> None:
    listed = {
        one["Code"]
        for one in dictionary["valueSetElements"]
        if one["Value set name"] == "SDOHCC ValueSet SDOH Category" and one["Code system"] == GUIDE_CODES
    }
    assert set(CATEGORY_FROM_GUIDE) | WITHOUT_CATEGORY == listed
    assert not set(CATEGORY_FROM_GUIDE) & WITHOUT_CATEGORY


def our_resources() -> list[dict[str, Any]]:
    grant = Grant(sources=(OP,), recipient=to_unit(UP), categories=(Category.HOUSING,), until=LATER)
    ids = (MessageId(f"01953a10-0000-7000-8000-0000000000{number:02}") for number in range(10, 99))
    consent = ConsentGiven(
        consent_id=GroundId(R),
        recipient=to_unit(UP),
        grants=(grant,),
        paper=("consent",),
        notice_version="2026-1",
        evidence_hash="0" * 64,
        method="signed-paper",
    )
    moves = [
        facts_of.ReferralSent(referral_id=R, kind="referral", target=UP, answer_due=LATER, service="snomed:410606002"),
        facts_of.ReferralAccepted(referral_id=R),
        facts_of.ReferralStarted(referral_id=R, first_contact=NOON),
        facts_of.ReferralCompleted(referral_id=R, outcome="goal-reached"),
    ]
    entries = [
        Told(next(ids), OP, NOON, None, consent),
        *(Told(next(ids), UP if number else OP, NOON, Category.HOUSING, one) for number, one in enumerate(moves)),
        Told(next(ids), OP, NOON, Category.HOUSING, NeedAssessed(dimension="housing", level="high")),
        Told(next(ids), UP, NOON, Category.HOUSING, ServiceDelivered(service="snomed:1", referral_id=R)),
    ]
    return [one["resource"] for one in export(case(entries), at=LATER).bundle["entry"]]


JSON_NAMES: Final = {
    "Consent.source[x]": "sourceAttachment",
    "Observation.value[x]": "valueCodeableConcept",
    "Procedure.performed[x]": "performedDateTime",
}
"""Elements that bear another name in JSON."""
NOT_KNOWN_HERE: Final = frozenset(
    {
        "Procedure.extension:pertainsToGoal",
        "Procedure.reasonReference:SupportedReasonReference",
        "ServiceRequest.basedOn:SupportedBasedOn",
        "ServiceRequest.occurrence[x]",
        "ServiceRequest.priority",
        "ServiceRequest.reasonReference:SupportedReasonReference",
        "ServiceRequest.supportingInfo:SupportedSupportingInfo",
        "Task.partOf:SupportedPartOf",
        "Task.priority",
        "Task.statusReason",
    }
)
"""Must-supports that are "required if known": the exchange does not know them (or, `statusReason`, not of a completed referral)."""


def test_what_we_write_has_what_the_guide_requires_and_what_it_must_support(dictionary: Mapping[str, Any]) -> None:
    by_profile = {one["meta"]["profile"][0]: one for one in our_resources() if "meta" in one}
    assert {one.rpartition("SDOHCC-")[2] for one in by_profile} == {
        "Consent",
        "ServiceRequest",
        "TaskForReferralManagement",
        "ObservationAssessment",
        "Procedure",
    }
    missing = set()
    for one in dictionary["profileElements"]:
        resource = by_profile.get(one["Source Profile URI"])
        element = one["FHIR Element (R4)"]
        if resource is None or "conditional" in one["Required?"]:
            continue
        name = JSON_NAMES.get(element, element.partition(".")[2].partition(":")[0])
        if name not in resource:
            assert one["Required?"] == "Required if known", element
            missing.add(element)
    assert missing == NOT_KNOWN_HERE
    assert all(one.startswith(GUIDE) for one in by_profile)


def test_the_examples_and_ours_pass_the_same_published_definitions(examples: Path) -> None:
    published, ours = [load(path) for path in sorted(examples.glob("*.json"))], list(our_resources())
    assert len(published) == EXAMPLES
    assert ours
    for one in [*ours, *published]:
        get_fhir_model_class(one["resourceType"]).model_validate(one)
