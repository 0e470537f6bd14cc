"""Grounds as messages change them: what opens, for whom, from when; and that closing only ever shuts."""

from datetime import UTC, datetime, timedelta

from contracts.categories import Category, Purpose
from contracts.facts import Facts
from contracts.grants import Grant, Recipient
from contracts.grounds import Ground, Grounds, apply
from contracts.messages.consent import ConsentAttested, ConsentExtended, ConsentGiven, ConsentNarrowed, ConsentWithdrawn
from contracts.messages.ground import GroundEnded, GroundRegistered
from contracts.messages.hub import ConsentExpired, GroundExpired
from contracts.messages.session import SessionHeld
from contracts.names import GroundId, UnitId

ADVICE, LABOUR = UnitId("advice"), UnitId("labour")
CONSENT = GroundId("018f9c1e-5b1a-7c3d-8e4f-0123456789ab")
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
UNTIL = NOW + timedelta(days=90)
TO_LABOUR, TO_TRAINING = Recipient("unit:labour"), Recipient("unit:training")


def grant(recipient: Recipient = TO_LABOUR, *categories: Category, until: datetime = UNTIL) -> Grant:
    return Grant(
        sources=(ADVICE, LABOUR), recipient=recipient, categories=categories or (Category.HOUSING,), until=until
    )


def given(recipient: Recipient = TO_LABOUR, *categories: Category) -> ConsentGiven:
    return ConsentGiven(
        consent_id=CONSENT,
        recipient=recipient,
        grants=(grant(recipient, *categories),),
        paper=("consent",),
        notice_version="1",
        evidence_hash="0" * 64,
        method="signed-paper",
    )


def after(*messages: tuple[UnitId, Facts]) -> Grounds:
    grounds: Grounds = {}
    for author, facts in messages:
        grounds = apply(grounds, facts, author=author, recorded=NOW)
    return grounds


def ground(*messages: tuple[UnitId, Facts]) -> Ground:
    return after((ADVICE, given()), *messages)[CONSENT]


def test_a_consent_opens_its_collectors_entries_at_once_and_others_after_they_attest() -> None:
    assert ground().opens_entries_of(ADVICE)
    assert not ground().opens_entries_of(LABOUR)
    attested = ConsentAttested(consent_id=CONSENT, method="saw-original")
    assert ground((LABOUR, attested)).opens_entries_of(LABOUR)


def test_history_begins_when_the_grant_was_recorded_unless_the_paper_says_otherwise() -> None:
    earlier = NOW - timedelta(days=30)
    wider = ConsentExtended(
        consent_id=CONSENT,
        recipient=TO_LABOUR,
        grants=(grant().model_copy(update={"history_from": earlier}),),
        evidence_hash="0" * 64,
    )
    assert [one.history_from for one in ground((ADVICE, wider)).openings] == [NOW, earlier]


def test_one_consent_id_joins_the_messages_to_several_recipients() -> None:
    both = ground((ADVICE, given(TO_TRAINING)))
    assert [one.recipient for one in both.openings] == [TO_LABOUR, TO_TRAINING]
    assert both.collector == ADVICE


def test_narrowing_takes_from_one_recipient_and_leaves_the_others() -> None:
    narrowed = ConsentNarrowed(consent_id=CONSENT, recipient=TO_LABOUR)
    left = ground((ADVICE, given(TO_TRAINING)), (ADVICE, narrowed))
    assert [one.recipient for one in left.openings] == [TO_TRAINING]
    assert left.active(NOW)
    assert not ground((ADVICE, narrowed)).active(NOW)


def test_narrowing_can_never_add_a_category_a_later_end_or_an_earlier_history() -> None:
    wide = grant(TO_LABOUR, Category.HOUSING, Category.LEGAL, until=UNTIL + timedelta(days=9))
    wide = wide.model_copy(update={"history_from": NOW - timedelta(days=99)})
    (left,) = ground((ADVICE, ConsentNarrowed(consent_id=CONSENT, recipient=TO_LABOUR, grants=(wide,)))).openings
    assert left.categories == {Category.HOUSING}
    assert (left.until, left.history_from) == (UNTIL, NOW)
    other = grant().model_copy(update={"purpose": Purpose.STATISTICS})
    assert ground((ADVICE, ConsentNarrowed(consent_id=CONSENT, recipient=TO_LABOUR, grants=(other,)))).openings == ()


def test_a_withdrawn_consent_is_over_at_that_instant_and_stays_for_the_record() -> None:
    over = ground((ADVICE, ConsentWithdrawn(consent_id=CONSENT)))
    assert not over.active(NOW)
    assert over.active(NOW - timedelta(microseconds=1))
    assert over.openings


def test_a_statutory_ground_opens_its_sources_by_law_until_it_is_ended() -> None:
    by_law = GroundRegistered(ground_id=CONSENT, basis=("A6-1-e",), statute="act-1", grants=(grant(),))
    registered = after((LABOUR, by_law))[CONSENT]
    assert registered.statutory
    assert registered.opens_entries_of(ADVICE)
    assert not after((LABOUR, by_law), (LABOUR, GroundEnded(ground_id=CONSENT)))[CONSENT].active(NOW)


def test_what_names_no_known_ground_or_is_about_none_changes_nothing() -> None:
    held = after((ADVICE, given()))
    other = GroundId("018f9c1e-5b1a-7c3d-8e4f-0123456789ff")
    for facts in (
        ConsentWithdrawn(consent_id=other),
        ConsentAttested(consent_id=other, method="saw-copy"),
        GroundEnded(ground_id=other),
        GroundExpired(ground_id=other, expired=1, due=NOW),
        SessionHeld(kind="debt", form="phone"),
    ):
        assert apply(held, facts, author=ADVICE, recorded=NOW) is held
    for expired in (
        ConsentExpired(consent_id=CONSENT, expired=1, due=NOW),
        GroundExpired(ground_id=CONSENT, expired=1, due=NOW),
    ):
        assert apply(held, expired, author=ADVICE, recorded=NOW) == held
