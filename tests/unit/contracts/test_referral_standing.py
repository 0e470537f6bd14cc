"""A referral that leaves for a health record or a homelessness database, and comes back, stands where it stood."""

from itertools import pairwise, product
from pathlib import Path
from typing import Final

import pytest
import yaml

from contracts.code_lists import codes
from contracts.messages import referral as facts_of
from contracts.referral_standing import (
    CLIENT_DECLINED,
    BusinessStatus,
    HmisResult,
    TaskStanding,
    TaskStatus,
    from_hmis,
    from_task,
    moves_between,
    to_hmis,
    to_task,
)
from contracts.referral_table import TABLE, TERMINAL, ReferralState, Role

S = ReferralState

AGREED: Final = """
sent requested | received received | info-requested received+info-requested | waitlisted received+waitlisted
accepted accepted | in-service in-progress | on-hold on-hold | completed completed | closed completed+closed
declined rejected | not-taken-up failed+not-taken-up | failed failed | expired cancelled+expired
withdrawn cancelled | detached cancelled+sharing-ended | void entered-in-error
"""
"""The table written out by hand, apart from the code's own."""


def test_each_state_is_told_as_agreed() -> None:
    agreed = dict(pair.split() for line in AGREED.strip().splitlines() for pair in line.split(" | "))
    told = {state.value: to_task(state) for state in S}
    assert {
        s: f"{one.status}+{one.business}" if one.business else one.status.value for s, one in told.items()
    } == agreed


@pytest.mark.parametrize("state", S)
def test_a_state_comes_back_from_fhir_as_it_went(state: ReferralState) -> None:
    assert from_task(to_task(state)) is state


@pytest.mark.parametrize("status", TaskStatus)
def test_a_partner_who_sends_a_status_alone_is_understood(status: TaskStatus) -> None:
    assert (from_task(TaskStanding(status)) is None) == (status is TaskStatus.DRAFT)


def test_a_status_that_contradicts_its_business_status_is_no_state() -> None:
    known = {to_task(state) for state in S}
    pairs = (TaskStanding(status, business) for status, business in product(TaskStatus, BusinessStatus))
    assert {pair for pair in pairs if from_task(pair) is not None} == {one for one in known if one.business}


@pytest.mark.parametrize("result", HmisResult)
def test_a_result_of_hmis_comes_back_as_it_went(result: HmisResult) -> None:
    assert to_hmis(*from_hmis(result)) is result


def test_an_open_referral_has_no_result_in_hmis() -> None:
    assert from_hmis(None) == (S.SENT, None)
    open_ones = {state for state in S if to_hmis(state) is None}
    assert open_ones == {S.SENT, S.RECEIVED, S.INFO_REQUESTED, S.WAITLISTED, S.EXPIRED, S.WITHDRAWN, S.VOID}


def test_only_the_clients_own_no_is_told_as_the_clients() -> None:
    told = {reason: to_hmis(S.DECLINED, reason) for reason in codes("decline-reason")}
    assert [reason for reason, result in told.items() if result is HmisResult.CLIENT_REJECTED] == [CLIENT_DECLINED]


def test_the_shipped_hmis_mapping_reads_results_as_the_table_says() -> None:
    path = Path(__file__).parents[3] / "adapters/connectors/mappings/hmis.yaml"
    mapping = yaml.safe_load(path.read_text())
    rules = [rule for source in mapping["sources"] for rule in source["rules"]]
    states = {S.ACCEPTED: "referral.accepted", S.DECLINED: "referral.declined"}
    found = {}
    for rule in rules:
        for condition in rule.get("when", []):
            if condition["column"] == "ReferralResult":
                reason = rule["facts"].get("reason")
                reasons = {} if reason is None else mapping["tables"][reason["table"]]
                for result in condition["one_of"]:
                    found[str(result)] = (rule["message"], reasons.get(int(result)))
    assert found == {result.value: (states[from_hmis(result)[0]], from_hmis(result)[1]) for result in HmisResult}


@pytest.mark.parametrize("state", S)
def test_a_state_told_without_its_history_is_reached_by_allowed_moves_only(state: ReferralState) -> None:
    made = moves_between(S.SENT, state)
    if state in {S.EXPIRED, S.DETACHED}:
        assert made is None
        return
    assert made is not None
    standing = [S.SENT, *(TABLE[facts].to for facts in made)]
    assert standing[-1] is state
    for before, (after, facts) in zip(standing, zip(standing[1:], made, strict=True), strict=False):
        assert before in TABLE[facts].origins
        assert after is TABLE[facts].to
        assert TABLE[facts].roles & {Role.SOURCE, Role.TARGET}
    assert all(one not in TERMINAL for one, _ in pairwise(standing) if one is not state)


def test_a_referral_that_stands_still_moves_nowhere_and_a_closed_one_can_be_opened_again() -> None:
    assert moves_between(S.ACCEPTED, S.ACCEPTED) == ()
    assert moves_between(S.CLOSED, S.IN_SERVICE) == (facts_of.ReferralReopened,)
    assert moves_between(S.ON_HOLD, S.IN_SERVICE) == (facts_of.ReferralResumed,)
    assert moves_between(S.DECLINED, S.ACCEPTED) is None
