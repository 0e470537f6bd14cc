"""A vendor's system records by the API: once, whatever the network does, and knows what became of it."""

from __future__ import annotations

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest

from adapters.api import recording
from adapters.api.moves import MOVE
from adapters.process.unit_house import UnitHouse
from adapters.settings import load_settings
from contracts.messages.referral import STATUS_MESSAGES
from projections.process.logs import set_up_logs
from tests.integration.api.api_rig import CONSENT, OP, Place
from tests.simulated_hub import NOON

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "one-request-0001"
NEED: dict[str, Any] = {
    "type": "eu.spojka.need.assessed.v1",
    "client": "case-1",
    "category": "housing",
    "facts": {"dimension": "housing", "instrument": "interview", "level": "high"},
    "content": {"finding": "sleeps at friends"},
}
REFER = {"client": "case-1", "to": "up", "category": "housing", "answer_due": "2026-02-20"}


def journal(place: Place) -> list[str]:
    with place.houses[OP].store.read() as tx:
        return [one.type for one in tx.journal.since(0, limit=500)]


def test_the_same_request_sent_again_is_done_once_and_answered_alike(place: Place) -> None:
    first = place.post("/entries", NEED, key=KEY)
    again = place.post("/entries", NEED, key=KEY)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert (first.headers.get("idempotency-replayed"), again.headers["idempotency-replayed"]) == (None, "true")
    assert journal(place).count("eu.spojka.need.assessed.v1") == 1


def test_the_same_key_with_another_body_or_address_or_worker_is_refused_and_does_nothing(place: Place) -> None:
    place.post("/entries", NEED, key=KEY)
    before = journal(place)
    for answer in (
        place.post("/entries", {**NEED, "category": "employment"}, key=KEY),
        place.post("/clients", {"client": "case-9"}, key=KEY),
        place.post("/entries", NEED, key=KEY, headers={"Spojka-Actor": "adviser/w99"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (422, "key-reused")
    assert journal(place) == before


def test_a_key_belongs_to_one_token(place: Place) -> None:
    place.post("/entries", NEED, key=KEY)
    other = place.token(OP)
    assert place.post("/entries", NEED, key=KEY, headers={"Authorization": f"Bearer {other}"}).status_code == 201
    assert journal(place).count("eu.spojka.need.assessed.v1") == 2


def test_what_was_refused_is_told_alike_again_and_kept_once(place: Place) -> None:
    place.consented()
    nobody = {**REFER, "to": "nobody"}
    first, again = (place.post("/referrals", nobody, key=KEY) for _ in range(2))
    assert first.status_code == 422
    assert first.content == again.content
    assert first.headers["content-type"] == "application/problem+json"
    assert first.json()["code"] == "unknown-unit"
    assert [one["number"] for one in place.get("/corrections").json()["items"]] == [first.json()["item"]]


def test_a_crash_before_the_answer_leaves_neither_entry_nor_key(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(recording, "KeptAnswer", _broken)
        assert place.post("/entries", NEED, key=KEY).status_code == 500
    assert journal(place) == []
    assert place.post("/entries", NEED, key=KEY).status_code == 201
    assert journal(place) == ["eu.spojka.need.assessed.v1"]


def _broken(*_: object) -> None:
    raise RuntimeError("case-1 sleeps at friends")


def test_one_request_sent_ten_times_at_once_is_done_once(place: Place) -> None:
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: place.post("/entries", NEED, key=KEY), range(10)))
    assert {one.status_code for one in answers} == {201}
    assert len({one.content for one in answers}) == 1
    assert journal(place) == ["eu.spojka.need.assessed.v1"]


def test_answers_are_forgotten_after_their_time(place: Place) -> None:
    place.post("/entries", NEED, key=KEY)
    (place.home / "story").write_text((NOON + recording.KEPT + timedelta(days=1)).isoformat())
    place.post("/entries", NEED)
    with place.houses[OP].store.read() as tx:
        assert tx.connection.exec_driver_sql("SELECT count(*) FROM api_answer").scalar_one() == 1


def test_a_row_that_changed_becomes_a_correction(place: Place) -> None:
    place.consented()
    row: dict[str, Any] = {**NEED, "local_key": "vendor/needs/17"}
    assert place.post("/entries", row).json()["repeated"] is False
    assert place.post("/entries", row).json()["repeated"] is True
    changed = {**row, "facts": {**NEED["facts"], "level": "low"}}
    assert place.post("/entries", changed).status_code == 201
    (need,) = [one for one in timeline(place) if one["type"] == NEED["type"]]
    assert (need["facts"]["level"], need["corrected"]) == ("low", 1)


def timeline(place: Place) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = place.get("/timeline", client="case-1").json()["items"]
    return found


def test_the_state_of_an_entry_can_be_asked_for(place: Place) -> None:
    held = place.post("/entries", NEED).json()
    assert held["state"] == "held"
    standing = place.get(f"/entries/{held['message']}").json()
    assert (standing["state"], standing["reason"]) == ("held", "no-ground")
    place.post("/consents", {**CONSENT, "client": "case-1"})
    assert place.get(f"/entries/{held['message']}").json()["state"] == "waiting"
    assert not place.looks()


def test_every_change_of_a_consent_can_be_recorded(place: Place) -> None:
    consent = place.consented()
    added = {**CONSENT, "client": "case-1", "categories": ["skills"]}
    assert place.post(f"/consents/{consent}/extend", added).status_code == 201
    kept = {"client": "case-1", "recipients": ["unit:up"], "categories": ["housing"]}
    assert place.post(f"/consents/{consent}/narrow", kept).status_code == 201
    (ground,) = place.get("/grounds", client="case-1").json()["items"]
    (opening,) = ground["openings"]
    assert (opening["recipient"], opening["categories"], opening["opened"]) == ("unit:up", ["housing"], ["op"])
    assert place.post(f"/consents/{consent}/withdraw", {"client": "case-1"}).status_code == 201
    (ground,) = place.get("/grounds", client="case-1").json()["items"]
    assert ground["ended_at"] is not None
    assert place.post("/consents/refused", {"client": "case-1"}).status_code == 201
    other = place.post("/consents", {**CONSENT, "client": "case-1", "sources": ["up"]}).json()
    attested = place.post(f"/consents/{other['consent']}/attest", {"client": "case-1"})
    assert attested.status_code in {201, 422}, attested.text


def test_a_client_can_have_sharing_stopped_and_what_was_shared_erased(place: Place) -> None:
    place.consented()
    assert place.post("/entries", NEED).json()["state"] == "waiting"
    assert place.post("/restrictions", {"client": "case-1", "categories": ["housing"]}).status_code == 201
    held = place.post("/entries", NEED).json()
    assert held["state"] == "held"
    assert place.post("/restrictions/lift", {"client": "case-1"}).status_code == 201
    assert place.get(f"/entries/{held['message']}").json()["state"] == "waiting"
    asked = place.post("/erasures", {"client": "case-1", "categories": ["housing"]})
    assert asked.status_code == 201, asked.text
    (shown,) = place.get("/erasures").json()["items"]
    assert (shown["client"], shown["categories"], shown["live_at"]) == ("case-1", ["housing"], None)


def test_every_move_that_a_unit_makes_is_offered(place: Place) -> None:
    by_others = {"sent", "received", "info-requested", "info-given", "expired", "detached"}
    offered = MOVE.adapter.json_schema()["discriminator"]["mapping"]
    assert set(offered) == (set(STATUS_MESSAGES) - by_others) | {"ask", "answer"}
    place.consented()
    outside = {**REFER, "to": None, "external_target": "a lawyer"}
    referral = place.post("/referrals", {k: v for k, v in outside.items() if v}).json()["referral"]
    for body in (
        {"move": "accepted", "as_reported": True},
        {"move": "started", "as_reported": True, "first_contact": "2026-02-09T10:00:00Z"},
        {"move": "paused", "as_reported": True, "reason": "illness"},
        {"move": "resumed", "as_reported": True},
        {"move": "completed", "as_reported": True, "outcome": "goal-reached"},
        {"move": "closed"},
    ):
        moved = place.post(f"/referrals/{referral}/moves", body)
        if moved.status_code != 201:
            pytest.fail(f"{body}: {moved.text}")
    assert place.get(f"/referrals/{referral}").json()["referral"]["state"] == "closed"


def test_a_move_on_what_is_no_longer_so_is_refused_before_anything_is_recorded(place: Place) -> None:
    place.consented()
    referral = place.post("/referrals", REFER).json()["referral"]
    seen = place.get(f"/referrals/{referral}").headers["etag"]
    withdraw = {"move": "withdrawn", "reason": "client-request"}
    place.post(f"/referrals/{referral}/moves", withdraw, headers={"If-Match": seen})
    before = journal(place)
    late = place.post(f"/referrals/{referral}/moves", {"move": "closed"}, headers={"If-Match": seen})
    assert (late.status_code, late.json()["code"]) == (412, "changed-meanwhile")
    assert journal(place) == before


def test_what_is_to_correct_is_read_corrected_and_sent_once(place: Place) -> None:
    place.consented()
    item = place.post("/referrals", {**REFER, "to": "nobody"}).json()["item"]
    shown = place.get(f"/corrections/{item}")
    corrected = json.loads(json.dumps(shown.json()["draft"]).replace("nobody", "up"))
    tag = {"If-Match": shown.headers["etag"]}
    assert place.post(f"/corrections/{item}/resend", corrected, headers=tag).status_code == 201
    assert place.post(f"/corrections/{item}/resend", corrected, headers=tag).status_code == 404
    assert place.get("/corrections").json()["items"] == []
    assert place.get("/worklist").json()["items"][0]["target"] == "up"


WRONG: dict[str, Callable[[Place], Any]] = {
    "twice the same member": lambda place: raw(place, b'{"client": "a", "client": "b"}'),
    "no object": lambda place: raw(place, b"[]"),
    "bad UTF-8": lambda place: raw(place, b'{"client": "\xff"}'),
    "half a character": lambda place: raw(place, b'{"client": "\\ud800"}'),
    "an unknown member": lambda place: raw(place, b'{"client": "a", "colour": "red"}'),
    "a number for text": lambda place: raw(place, b'{"client": 7}'),
    "a null character": lambda place: raw(place, b'{"client": "a\\u0000"}'),
    "year one": lambda place: raw(place, b'{"client": "a", "time": "0001-01-01T00:00:00+14:00"}'),
}


def raw(place: Place, body: bytes, content_type: str = "application/json") -> Any:  # noqa: ANN401 - an httpx answer
    headers = place.headers(OP) | {"Idempotency-Key": KEY, "Content-Type": content_type}
    return place.client.post(f"/v1/units/{OP}/clients", headers=headers, content=body)


@pytest.mark.parametrize("why", WRONG)
def test_a_wrong_body_is_explained_without_being_quoted(place: Place, why: str) -> None:
    answer = WRONG[why](place)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request")
    assert answer.json()["faults"]
    assert "red" not in answer.text.replace("required", "")
    assert journal(place) == []


def test_a_body_of_another_type_or_too_large_is_refused_unread(place: Place) -> None:
    assert raw(place, b"client=a", "application/x-www-form-urlencoded").json()["code"] == "not-json"
    huge = raw(place, b'{"client": "' + b"a" * 300_000 + b'"}')
    assert (huge.status_code, huge.json()["code"]) == (413, "too-large")


def test_logs_name_no_client_and_quote_no_body(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    logged = StringIO()
    set_up_logs("adapter", stream=logged)
    monkeypatch.setattr(logging.getLogger("httpx"), "level", logging.WARNING)  # the test's own client
    with monkeypatch.context() as patched:
        patched.setattr(recording, "KeptAnswer", _broken)
        place.post("/entries", NEED)
    place.consented()
    place.get("/timeline", client="case-1")
    place.post("/entries", {**NEED, "facts": {"dimension": "sleeps at friends"}})
    text = logged.getvalue()
    assert "request failed" in text
    assert "/v1/units/{unit}/entries" in text
    for secret in ("case-1", "sleeps", "Karel", place.tokens[OP]):
        assert secret not in text


def test_what_the_api_recorded_is_there_for_the_command_line(place: Place) -> None:
    place.consented()
    settings = load_settings(place.home)
    house = UnitHouse.open(settings, OP)
    with house.store.read() as tx:
        assert [client for client, _ in tx.clients.all()] == ["case-1"]
    house.close()
