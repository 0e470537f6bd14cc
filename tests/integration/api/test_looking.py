"""What a worker sees through a vendor's system: reported, in pages, and no more than the purpose allows."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from adapters.storage.feed import DeliveryItem, HeadItem, accept_feed
from adapters.storage.journal import EntryKind
from contracts.categories import Category, Purpose
from contracts.delivery import Delivery
from contracts.envelope import compose, parse
from contracts.feed_head import FeedHead
from contracts.feed_record import document, read
from contracts.messages.consent import ConsentGiven
from contracts.messages.need import NeedAssessed
from contracts.messages.referral import QuestionAsked, QuestionContent, ReferralAccepted, ReferralNotTakenUp
from contracts.messages.subject import SubjectMerged
from contracts.names import MergeId, ReferralId, SubjectId, UnitId, source_of
from contracts.pae import PayloadType
from contracts.signed_bytes import SignedBytes, sign_one
from tests.integration.api.api_rig import OP, READER, UP, Place
from tests.simulated_hub import NOON, PROGRAMME, SimulatedFeed, message_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from httpx import Response

    from contracts.facts import Facts

LATER = NOON + timedelta(days=8)


def given(place: Place, *purposes: Purpose) -> None:
    """UP's entries about OP's client arrive by the feed, and a head after them."""
    house = place.houses[OP]
    with house.store.read() as tx:
        subject = tx.clients.subject_of("case-1")  # type: ignore[arg-type] # a client key in a test
    assert subject is not None
    arrived(place, [_need(place, subject, number, purpose) for number, purpose in enumerate(purposes, 1)])


def arrived(place: Place, messages: Sequence[SignedBytes]) -> None:
    """They arrive by OP's feed, and a head after them."""
    feed = SimulatedFeed(place.hub, OP)
    slots = [feed.deliver(one) for one in messages]
    items = [read(slot) for slot in [*slots, feed.head(made_at=NOON)]]
    taken: list[Any] = []
    for one in items:
        if one.kind == "head":
            taken.append(HeadItem(document(one.signed, FeedHead)))
        else:
            message = None if one.message is None else parse(one.message.payload)
            taken.append(DeliveryItem(document(one.signed, Delivery), one.signed, one.message, message))
    accept_feed(place.houses[OP].store, taken, [], at=NOON)


def _need(place: Place, subject: SubjectId, number: int, purpose: Purpose) -> SignedBytes:
    raw = compose(
        NeedAssessed(dimension=Category.HOUSING, instrument="interview", level="high"),
        id=message_id(number), source=source_of(PROGRAMME, UP), time=NOON, programme=PROGRAMME, sequence=number,
        subject=subject, category=Category.HOUSING, purpose=purpose,
    )  # fmt: skip
    return sign_one(raw, place.hub.unit_keys[UP], PayloadType.CLOUDEVENT)


def seen(place: Place, **headers: str) -> list[str]:
    answer = place.get("/timeline", headers=headers, client="case-1")
    return [one["message"] for one in answer.json()["items"] if one["kind"] == "given"]


def test_what_was_shared_for_support_shows_to_no_other_purpose_and_the_look_is_reported(place: Place) -> None:
    place.consented()
    given(place, Purpose.SUPPORT, Purpose.ELIGIBILITY)
    assert seen(place) == [message_id(1)]
    assert seen(place, **{"Spojka-Purpose": "eligibility"}) == [message_id(2)]
    assert seen(place, **{"Spojka-Purpose": "control"}) == []
    reported = [(one["purpose_of_access"], one["entries"]) for one in place.looks()]
    assert reported == [("support", [message_id(1)]), ("eligibility", [message_id(2)]), ("control", [])]


def test_entries_of_others_show_only_within_the_lease(place: Place) -> None:
    place.consented()
    given(place, Purpose.SUPPORT)
    assert seen(place) == [message_id(1)]
    (place.home / "story").write_text(LATER.isoformat())
    answer = place.get("/timeline", client="case-1").json()
    assert answer["hidden"] == "lease-over"
    assert {one["kind"] for one in answer["items"]} == {"own"}


def test_a_look_without_saying_who_and_what_for_is_refused_and_shows_nothing(place: Place) -> None:
    consent = place.consented()
    token = {"Authorization": f"Bearer {place.tokens[OP]}"}
    assert consent
    for path, query in (("/timeline", {"client": "case-1"}), ("/grounds", {"client": "case-1"}), ("/worklist", {})):
        for left in READER:
            some = {name: value for name, value in READER.items() if name != left}
            answer = place.client.get(f"/v1/units/{OP}{path}", headers=token | some, params=query)
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid-request")
    assert place.looks() == []


def test_each_look_is_reported_with_reader_purpose_and_categories(place: Place) -> None:
    place.consented()
    place.post("/referrals", {"client": "case-1", "to": "up", "category": "housing", "answer_due": "2026-02-20"})
    referral = place.get("/worklist").json()["items"][0]["referral"]
    place.get("/timeline", client="case-1")
    place.get("/grounds", client="case-1")
    place.get(f"/referrals/{referral}")
    looks = place.looks()
    assert {one["reader"] for one in looks} == {"adviser/w12"}
    assert [one["categories"] for one in looks] == [
        ["housing"], ["housing", "identity"], ["employment", "housing", "identity"], ["housing"],
    ]  # fmt: skip


def test_who_has_it_already_gets_304_and_another_reader_never_by_the_firsts_tag(place: Place) -> None:
    place.consented()

    def ask(tag: str, **headers: str) -> Response:
        return place.get("/timeline", headers={"If-None-Match": tag, **headers}, client="case-1")

    tag = place.get("/timeline", client="case-1").headers["etag"]
    assert ask(tag).status_code == 304
    assert len(place.looks()) == 1
    assert ask(tag, **{"Spojka-Actor": "adviser/w2"}).status_code == 200
    assert ask(tag, **{"Spojka-Purpose": "statistics"}).status_code == 200
    place.post("/clients", {"client": "case-1"})
    assert ask(tag).status_code == 200
    (place.home / "story").write_text((NOON + timedelta(days=1)).isoformat())
    tag = place.get("/timeline", client="case-1").headers["etag"]
    before = len(place.looks())
    (place.home / "story").write_text((NOON + timedelta(days=2)).isoformat())
    assert ask(tag).status_code == 200
    assert len(place.looks()) == before + 1


def test_pages_show_everything_once_and_report_what_each_showed(place: Place) -> None:
    place.consented()
    given(place, *[Purpose.SUPPORT] * 7)
    found, cursor = [], None
    while True:
        onwards = "" if cursor is None else f"&cursor={cursor}"
        answer = place.get(f"/timeline?client=case-1&limit=3{onwards}").json()
        found += [one["message"] for one in answer["items"] if one["type"] != "eu.spojka.record.accessed.v1"]
        cursor = answer["next"]
        if cursor is None:
            break
    with place.houses[OP].store.read() as tx:
        there = {one.message_id for one in tx.journal.since(0, limit=500) if "accessed" not in one.type}
    assert len(found) == len(set(found))
    assert set(found) == there
    named = [entry for look in place.looks() for entry in look["entries"]]
    with place.houses[OP].store.read() as tx:
        came = [one.message_id for one in tx.journal.since(0, limit=500) if one.kind is EntryKind.GIVEN]
    assert sorted(named) == sorted(came)


def test_a_cursor_that_is_none_is_told(place: Place) -> None:
    assert place.get("/clients", cursor="////").status_code == 400
    assert place.get("/clients", cursor="_w==").status_code == 400
    assert place.get("/clients", limit=0).status_code == 400


def answered_by_the_other_unit(place: Place) -> str:
    """OP referred a client to UP, which asked something and then found that the client did not come; returns the referral."""
    place.consented()
    sent = place.post("/referrals", {"client": "case-1", "to": "up", "category": "housing", "answer_due": "2026-02-20"})
    referral = ReferralId(sent.json()["referral"])
    house = place.houses[OP]
    with house.store.read() as tx:
        subject = tx.clients.subject_of("case-1")  # type: ignore[arg-type] # a client key in a test
    assert subject is not None
    said: list[tuple[Facts, QuestionContent | None]] = [
        (QuestionAsked(referral_id=referral), QuestionContent(question="Has he a dog?")),
        (ReferralAccepted(referral_id=referral), None),
        (ReferralNotTakenUp(referral_id=referral, reason="did-not-come"), None),
    ]
    arrived(place, [
        place.hub.message_of(UP, number, facts=facts, content=content, subject=subject)
        for number, (facts, content) in enumerate(said, 1)
    ])  # fmt: skip
    return referral


def standing(place: Place, referral: str, **headers: str) -> tuple[str, str, list[str]]:
    """Its state in the worklist and by itself, and the texts that show."""
    (one,) = place.get("/worklist", headers=headers).json()["items"]
    alone = place.get(f"/referrals/{referral}", headers=headers).json()
    return one["state"], alone["referral"]["state"], [text["text"] for text in alone["texts"]]


def test_what_the_other_unit_asked_does_not_show_after_the_lease(place: Place) -> None:
    referral = answered_by_the_other_unit(place)
    assert standing(place, referral) == ("not-taken-up", "not-taken-up", ["Has he a dog?"])
    (place.home / "story").write_text(LATER.isoformat())
    assert standing(place, referral) == ("sent", "sent", [])


def test_that_a_client_did_not_come_to_support_shows_to_nobody_who_controls(place: Place) -> None:
    referral = answered_by_the_other_unit(place)
    assert standing(place, referral, **{"Spojka-Purpose": "control"}) == ("sent", "sent", [])


def test_reasons_that_another_unit_recorded_show_only_within_the_lease(place: Place) -> None:
    own = place.consented()
    house = place.houses[OP]
    with house.store.read() as tx:
        subject = tx.clients.subject_of("case-1")  # type: ignore[arg-type] # a client key in a test
        mine = next(
            one.facts for entry in tx.journal.since(0, limit=100)
            if entry.state is not None and isinstance((one := parse(entry.payload or b"")).facts, ConsentGiven)
        )  # fmt: skip
    other = mine.model_copy(update={"consent_id": message_id(77)})
    arrived(place, [place.hub.message_of(UP, 1, facts=other, subject=subject, category=None)])

    def known() -> set[str]:
        return {one["ground"] for one in place.get("/grounds", client="case-1").json()["items"]}

    assert known() == {own, message_id(77)}
    (place.home / "story").write_text(LATER.isoformat())
    assert known() == {own}


def test_two_files_of_one_person_show_together_each_under_its_own_number(place: Place) -> None:
    place.consented("case-1")
    place.consented("case-2")
    sent = {"client": "case-1", "to": "up", "category": "housing", "answer_due": "2026-03-20"}
    assert place.post("/referrals", sent).status_code == 201
    apart = {one["client"] for one in place.get("/timeline", client="case-1").json()["items"]}
    assert apart == {"case-1"}
    with place.houses[OP].store.read() as tx:
        subjects = dict(tx.clients.all())

    said = [(subject, author) for subject in subjects.values() for author in (OP, UP)]
    arrived(place, [_merged(place, subject, author, number) for number, (subject, author) in enumerate(said, 900)])

    assert {one["client"] for one in place.get("/timeline", client="case-1").json()["items"]} == {"case-1", "case-2"}
    assert {one["client"] for one in place.get("/grounds", client="case-2").json()["items"]} == {"case-1", "case-2"}
    (referral,) = place.get("/worklist").json()["items"]
    assert (referral["client"], referral["same_person"]) == ("case-1", ["case-2"])


def _merged(place: Place, subject: SubjectId, author: UnitId, number: int) -> SignedBytes:
    raw = compose(
        SubjectMerged(merge_id=MergeId("0" * 8 + "-0000-4000-8000-" + "0" * 12), method="asked-client", tell=(OP, UP)),
        id=message_id(number),
        source=source_of(PROGRAMME, author),
        time=NOON,
        programme=PROGRAMME,
        sequence=number,
        subject=subject,
    )
    return sign_one(raw, place.hub.unit_keys[author], PayloadType.CLOUDEVENT)
