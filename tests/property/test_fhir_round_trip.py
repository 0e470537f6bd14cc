"""What leaves as FHIR comes back as it was: no coded field of a referral, service, outcome, need or consent is lost, whatever its kind and state."""

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.connectors.fhir.bundle import export
from adapters.connectors.fhir.told import Told
from adapters.drafts import Draft
from contracts.messages.client import ClientEnrolled
from contracts.messages.referral import ReferralSent
from contracts.messages.session import SessionHeld
from contracts.referral_standing import to_task
from contracts.referral_table import TABLE, ReferralState
from tests import fhir_cases
from tests.fhir_reading import LATER, Reading

PATIENT = settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])


def written(entries: list[Told], client: str = "A-17") -> list[dict[str, Any]]:
    """The resources of an export, as they are after a file."""
    bundle = json.loads(json.dumps(export(fhir_cases.case(entries, client), at=LATER).bundle), parse_float=Decimal)
    return [one["resource"] for one in bundle["entry"]]


def told(draft: Draft) -> tuple[object, ...]:
    return (draft.client, draft.facts, draft.time, draft.category, draft.content)


def expected(entry: Told, client: str = "A-17") -> tuple[object, ...]:
    return (client, entry.facts, entry.time, entry.category, entry.content)


@pytest.mark.parametrize("state", ReferralState)
@given(data=st.data())
@settings(PATIENT, max_examples=15)
def test_a_referral_in_any_state_comes_back_with_every_code(state: ReferralState, data: st.DataObject) -> None:
    referral = data.draw(fhir_cases.referral(state))
    resources = written(referral)
    reading = Reading(resources)
    assert reading.refused == []
    assert [told(one) for one in reading.drafts] == [expected(one) for one in referral]


@given(entries=st.lists(fhir_cases.entry(), min_size=1, max_size=4), client=st.sampled_from(["A-17", "17/2026 ž"]))
@PATIENT
def test_services_outcomes_needs_and_consents_come_back_with_every_code(entries: list[Told], client: str) -> None:
    reading = Reading(written(entries, client))
    assert reading.refused == []
    came = [told(one) for one in reading.drafts]
    assert len(came) == len(entries)
    assert all(expected(one, client) in came for one in entries)


@given(
    referrals=st.lists(fhir_cases.referral(), min_size=1, max_size=2), entries=st.lists(fhir_cases.entry(), max_size=3)
)
@PATIENT
def test_what_we_write_is_fhir_as_published(referrals: list[list[Told]], entries: list[Told]) -> None:
    every = [one for referral in referrals for one in referral] + entries
    bundle = export(fhir_cases.case(every), at=LATER).bundle
    for one in [bundle, *(entry["resource"] for entry in bundle["entry"])]:
        get_fhir_model_class(one["resourceType"]).model_validate(one)


@given(referral=fhir_cases.referral())
@PATIENT
def test_the_task_shows_where_the_referral_stands(referral: list[Told]) -> None:
    (task,) = [one for one in written(referral) if one["resourceType"] == "Task"]
    moves = [one.facts for one in referral if not isinstance(one.facts, ReferralSent)]
    state = TABLE[type(moves[-1])].to if moves else ReferralState.SENT
    assert task["status"] == to_task(state).status
    assert (task["status"] == "completed") == ("output" in task) or state is not ReferralState.COMPLETED


def test_an_export_counts_what_it_does_not_hold_and_invents_no_name() -> None:
    enrolled = Told("m1", fhir_cases.OP, fhir_cases.NOON, None, ClientEnrolled())  # type: ignore[arg-type]
    session = Told("m2", fhir_cases.OP, fhir_cases.NOON + timedelta(1), None, SessionHeld(kind="debt", form="phone"))  # type: ignore[arg-type]
    exported = export(fhir_cases.case([enrolled, session]), at=LATER)
    assert exported.left_out == {"session.held": 1}
    (patient,) = [one["resource"] for one in exported.bundle["entry"]]
    assert set(patient) == {"resourceType", "id", "identifier"}


@given(referral=fhir_cases.referral(), entry=fhir_cases.entry())
@PATIENT
def test_a_units_own_export_that_comes_back_doubles_nothing_and_tells_nothing_of_others(
    referral: list[Told], entry: Told
) -> None:
    every = [*referral, entry]
    here = {one.message_id for one in every}
    for own in (fhir_cases.OP, fhir_cases.MD):
        reading = Reading(written(every), own=own, known=lambda one: one in here)
        assert reading.made == []


ODD: st.SearchStrategy[object] = st.sampled_from(
    [None, "", " ", "x", 0, -1.5, True, [], {}, [[]], [{}], {"coding": "x"}, {"reference": "Task/"}, "2026-13-99"]
)


@given(referral=fhir_cases.referral(), entry=fhir_cases.entry(), data=st.data())
@PATIENT
def test_a_resource_with_any_odd_element_is_told_or_refused_and_never_stops_the_others(
    referral: list[Told], entry: Told, data: st.DataObject
) -> None:
    resources = written([*referral, entry])
    for _ in range(data.draw(st.integers(1, 4))):
        spoiled: Any = data.draw(st.sampled_from(resources))
        for _ in range(data.draw(st.integers(0, 3))):
            inner = list(spoiled.values()) if isinstance(spoiled, dict) else spoiled
            inside = [one for one in inner if isinstance(one, dict | list) and one]
            spoiled = data.draw(st.sampled_from(inside)) if inside else spoiled
        places = (
            [one for one in spoiled if one not in ("resourceType", "id")]
            if isinstance(spoiled, dict)
            else range(len(spoiled))
        )
        if places:
            spoiled[data.draw(st.sampled_from(list(places)))] = data.draw(ODD)
    reading = Reading(resources)
    assert all(reason for _, _, reason in reading.refused)
