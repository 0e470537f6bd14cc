"""The unit's own gate: what it lets go, keeps and refuses, case by case."""

from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.gate.local_gate import Candidate, judge
from adapters.gate.subject_state import EMPTY, Happened, SubjectState, evolve
from adapters.gate.verdict import Leaves, Refuses, Stays, Verdict
from contracts.categories import Category, Purpose
from contracts.codes import RefusalCode
from contracts.facts import Facts
from contracts.grants import Grant, to_unit
from contracts.messages import referral as r
from contracts.messages.client import ClientEnrolled
from contracts.messages.consent import ConsentAttested, ConsentGiven, ConsentNarrowed, ConsentWithdrawn
from contracts.messages.ground import GroundRegistered
from contracts.messages.need import NeedAssessed
from contracts.messages.processing import ProcessingLifted, ProcessingRestricted
from contracts.names import GroundId, MessageId, ReferralId, UnitId
from contracts.trust_list import Directory
from tests.simulated_hub import NOON, SimulatedHub

OP, UP, MD, VZ = (UnitId(name) for name in ("op", "up", "md", "vz"))
HUB = SimulatedHub(units=(OP, UP, MD, VZ))
DIRECTORY = HUB.directory
CONSENT = GroundId("00000000-0000-4000-8000-0000000000c1")
REFERRAL = ReferralId("00000000-0000-4000-8000-0000000000a1")
QUESTION = MessageId("00000000-0000-4000-8000-0000000000b1")
HOUR = timedelta(hours=1)
C = Category


def given(
    recipient: UnitId = UP,
    *,
    sources: tuple[UnitId, ...] = (OP,),
    categories: tuple[Category, ...] = (C.HOUSING,),
    explicit: bool = False,
) -> ConsentGiven:
    until, history = NOON + 100 * HOUR, NOON - HOUR
    grant = Grant(
        sources=sources, recipient=to_unit(recipient), categories=categories, until=until, history_from=history
    )
    return ConsentGiven(
        consent_id=CONSENT,
        recipient=grant.recipient,
        grants=(grant,),
        paper=("consent",),
        explicit=explicit,
        notice_version="1",
        evidence_hash="0" * 64,
        method="signed-paper",
    )


def after(*messages: tuple[UnitId, Facts], category: Category | None = None) -> SubjectState:
    state = EMPTY
    for author, facts in messages:
        happened = Happened(facts, author, category, Purpose.SUPPORT, NOON, NOON)
        state = evolve(state, happened, DIRECTORY)
    return state


def verdict_on(  # noqa: PLR0913 - a case is told by what differs from the usual one
    facts: Facts,
    state: SubjectState = EMPTY,
    *,
    category: Category | None = None,
    own: UnitId = OP,
    directory: Directory | None = DIRECTORY,
    has_content: bool = False,
    later: timedelta = timedelta(),
) -> Verdict:
    candidate = Candidate(facts, NOON, category, Purpose.SUPPORT, has_content)
    return judge(candidate, state, own=own, directory=directory, at=NOON + later)


NEED = NeedAssessed(dimension="housing")
SENT = r.ReferralSent(referral_id=REFERRAL, kind="referral", target=UP, answer_due=NOON + 9 * HOUR)


def test_an_entry_that_a_consent_covers_leaves_under_it() -> None:
    assert verdict_on(NEED, after((OP, given())), category=C.HOUSING) == Leaves(CONSENT)


@pytest.mark.parametrize(
    ("state", "category", "reason", "detail"),
    [
        (EMPTY, C.HOUSING, "no-ground", "no-grant"),
        (after((OP, given())), C.CONDUCT, "conduct-never-shared", "conduct-never-shared"),
        (after((OP, given()), (OP, ConsentWithdrawn(consent_id=CONSENT))), C.HOUSING, "no-ground", "expired"),
        (after((UP, given(MD))), C.HOUSING, "no-ground", "not-attested"),
        (after((OP, given()), (UP, ProcessingRestricted())), C.HOUSING, "no-ground", "restricted"),
    ],
)
def test_what_no_ground_covers_stays_and_says_why(
    state: SubjectState, category: Category, reason: str, detail: str
) -> None:
    verdict = verdict_on(NEED, state, category=category)
    assert isinstance(verdict, Stays)
    assert (verdict.reason, verdict.detail) == (reason, detail)


def test_an_ended_consent_no_longer_opens_anything() -> None:
    state = after((OP, given()))
    assert isinstance(verdict_on(NEED, state, category=C.HOUSING, later=101 * HOUR), Stays)


def test_a_named_source_s_entries_leave_after_it_attested() -> None:
    state = after((UP, given(MD)), (OP, ConsentAttested(consent_id=CONSENT, method="saw-original")))
    assert verdict_on(NEED, state, category=C.HOUSING) == Leaves(CONSENT)


def test_a_lifted_restriction_lets_entries_go_again() -> None:
    state = after((OP, given()), (OP, ProcessingRestricted()), (OP, ProcessingLifted()))
    assert verdict_on(NEED, state, category=C.HOUSING) == Leaves(CONSENT)


def test_content_in_clear_is_refused_outside_a_trial_before_it_is_signed() -> None:
    strict = replace(DIRECTORY, listed=DIRECTORY.listed.model_copy(update={"trial": False}))
    verdict = verdict_on(NEED, after((OP, given())), category=C.HOUSING, directory=strict, has_content=True)
    assert isinstance(verdict, Refuses)
    assert verdict.code is RefusalCode.CLEAR_NOT_ALLOWED


def test_without_a_trust_list_an_entry_waits() -> None:
    verdict = verdict_on(ClientEnrolled(), category=C.IDENTITY, directory=None)
    assert isinstance(verdict, Stays)
    assert verdict.reason == "no-trust-list"


@pytest.mark.parametrize(
    ("facts", "state", "code"),
    [
        (ConsentAttested(consent_id=CONSENT, method="saw-original"), EMPTY, RefusalCode.UNKNOWN_GROUND),
        (ConsentAttested(consent_id=CONSENT, method="saw-original"), after((UP, given(MD, sources=(VZ,)))), RefusalCode.NOT_ENTITLED),
        (ConsentWithdrawn(consent_id=CONSENT), EMPTY, RefusalCode.UNKNOWN_GROUND),
        (
            ConsentWithdrawn(consent_id=CONSENT),
            after((OP, given()), (UP, ConsentWithdrawn(consent_id=CONSENT))),
            RefusalCode.GROUND_ENDED,
        ),
        (ConsentNarrowed(consent_id=CONSENT, recipient=to_unit(MD)), after((UP, given(MD))), RefusalCode.NOT_ENTITLED),
        (given(UnitId("nobody")), EMPTY, RefusalCode.UNKNOWN_UNIT),
        (given(categories=(C.HEALTH,)), EMPTY, RefusalCode.CATEGORY_NOT_CONSENTABLE),
        (given(categories=(C.CRIMINAL,), explicit=True), EMPTY, RefusalCode.CATEGORY_NOT_CONSENTABLE),
        (given(), after((UP, given(MD))), RefusalCode.GROUND_EXISTS),
        (
            GroundRegistered(ground_id=CONSENT, basis=("A6-1-e",), statute="s", grants=given().grants),
            EMPTY,
            RefusalCode.NOT_ENTITLED,
        ),
    ],
)  # fmt: skip
def test_a_mistake_about_a_ground_shows_at_the_desk(facts: Facts, state: SubjectState, code: RefusalCode) -> None:
    verdict = verdict_on(facts, state)
    assert isinstance(verdict, Refuses)
    assert verdict.code is code


def test_a_referral_without_a_ground_for_its_target_is_kept() -> None:
    assert isinstance(verdict_on(SENT, after((OP, given(MD))), category=C.HOUSING), Stays)
    assert verdict_on(SENT, after((OP, given(UP))), category=C.HOUSING) == Leaves(CONSENT)


def test_a_referral_s_answer_rides_on_its_ground_without_an_attestation() -> None:
    state = after((OP, given(UP)), (OP, SENT), category=C.HOUSING)
    accepted = r.ReferralAccepted(referral_id=REFERRAL)
    assert verdict_on(accepted, state, category=C.HOUSING, own=UP) == Leaves(CONSENT)
    ended = after((OP, given(UP)), (OP, SENT), (OP, ConsentWithdrawn(consent_id=CONSENT)), category=C.HOUSING)
    assert isinstance(verdict_on(accepted, ended, category=C.HOUSING, own=UP), Stays)


@pytest.mark.parametrize(
    ("facts", "own", "category", "code"),
    [
        (r.ReferralAccepted(referral_id=REFERRAL), OP, C.HOUSING, RefusalCode.REFERRAL_MOVE_NOT_ALLOWED),
        (r.ReferralStarted(referral_id=REFERRAL), UP, C.HOUSING, RefusalCode.REFERRAL_MOVE_NOT_ALLOWED),
        (r.ReferralAccepted(referral_id=REFERRAL), UP, C.SKILLS, RefusalCode.INVALID_DATA),
        (r.QuestionAsked(referral_id=REFERRAL), OP, C.HOUSING, RefusalCode.REFERRAL_MOVE_NOT_ALLOWED),
        (r.QuestionAnswered(referral_id=REFERRAL, question_id=QUESTION), UP, C.HOUSING, RefusalCode.REFERRAL_MOVE_NOT_ALLOWED),
        (SENT, OP, C.HOUSING, RefusalCode.REFERRAL_EXISTS),
    ],
)  # fmt: skip
def test_a_move_that_is_not_this_unit_s_turn_is_refused(
    facts: Facts, own: UnitId, category: Category, code: RefusalCode
) -> None:
    state = after((OP, given(UP)), (OP, SENT), category=C.HOUSING)
    verdict = verdict_on(facts, state, category=category, own=own)
    assert isinstance(verdict, Refuses)
    assert verdict.code is code


def test_signposting_without_personal_data_needs_no_ground() -> None:
    facts = SENT.model_copy(update={"kind": "signposting"})
    assert verdict_on(facts, category=C.HOUSING) == Leaves()
    assert isinstance(verdict_on(facts, category=C.HOUSING, has_content=True), Stays)


def test_a_referral_to_itself_or_behind_one_that_still_runs_is_refused() -> None:
    to_itself = verdict_on(SENT.model_copy(update={"target": OP}), category=C.HOUSING)
    state = after((OP, given(UP)), (OP, SENT), category=C.HOUSING)
    other = GroundId("00000000-0000-4000-8000-0000000000a2")
    child = verdict_on(SENT.model_copy(update={"referral_id": other, "parent": REFERRAL}), state, category=C.HOUSING)
    assert [isinstance(one, Refuses) and one.code for one in (to_itself, child)] == [
        RefusalCode.UNKNOWN_UNIT,
        RefusalCode.UNKNOWN_REFERRAL,
    ]
