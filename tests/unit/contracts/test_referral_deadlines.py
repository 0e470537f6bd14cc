"""By when an answer is due, as each move changes it; who may move at all is in tests/property/test_referral_machine.py."""

from datetime import UTC, datetime, timedelta

from contracts.messages.referral import (
    ReferralAccepted,
    ReferralInfoRequested,
    ReferralReceived,
    ReferralSent,
    ReferralWaitlisted,
)
from contracts.names import HUB, MessageId, ReferralId, UnitId
from contracts.referral_table import ReferralParties, Role, deadline_of, role_of

R = ReferralId("01953a10-0000-7000-8000-0000000000f0")
DUE = datetime(2026, 3, 16, tzinfo=UTC)
EXPECTED = datetime(2026, 5, 1, tzinfo=UTC)
PARTIES = ReferralParties(UnitId("advice"), UnitId("labour"))


def test_the_deadline_is_the_sources_until_a_place_is_expected_and_then_that_date_plus_grace() -> None:
    sent = ReferralSent(referral_id=R, kind="referral", target=UnitId("labour"), answer_due=DUE)
    assert deadline_of(sent, current=None, grace_days=14) == DUE
    waitlisted = ReferralWaitlisted(referral_id=R, expected=EXPECTED)
    assert deadline_of(waitlisted, current=DUE, grace_days=14) == EXPECTED + timedelta(days=14)


def test_questions_do_not_move_the_deadline_and_an_answer_ends_it() -> None:
    question = ReferralInfoRequested(referral_id=R, question_id=MessageId(R))
    assert deadline_of(ReferralReceived(referral_id=R), current=DUE, grace_days=14) == DUE
    assert deadline_of(question, current=DUE, grace_days=14) == DUE
    assert deadline_of(ReferralAccepted(referral_id=R), current=DUE, grace_days=14) is None


def test_the_part_follows_from_who_signed() -> None:
    signers = ("advice", "labour", "training", HUB)
    assert [role_of(UnitId(one), PARTIES) for one in signers] == [Role.SOURCE, Role.TARGET, Role.OTHER, Role.HUB]
    assert role_of(UnitId("labour"), ReferralParties(UnitId("advice"), None)) is Role.OTHER
