"""Nobody gets anything from the API but who was given it: judged on every route there is, from the router itself."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from adapters.api.app import THEMES
from adapters.api.routing import SCOPE
from adapters.process import tokens
from adapters.process.tokens import Scope
from tests.database_cells import cells
from tests.integration.api.api_rig import OP, READER, UP, Place, routes_of
from tests.simulated_hub import NOON

if TYPE_CHECKING:
    from fastapi.routing import APIRoute
    from httpx import Response

ROUTES = [route for theme in THEMES for route in theme.routes.router.routes]
EVERY = pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{min(route.methods)} {route.path}")
IDS = {
    "referral_id": uuid4(),
    "consent_id": uuid4(),
    "message_id": uuid4(),
    "number": 1,
    "name": "w",
}


def asked(place: Place, route: APIRoute, token: str | None, unit: str = OP, **headers: str) -> Response:
    path = route.path.format(**{"unit": unit, **{name: str(value) for name, value in IDS.items()}})
    sent = {**READER, "Idempotency-Key": str(uuid4()), "Content-Type": "application/json", **headers}
    if token is not None:
        sent["Authorization"] = f"Bearer {token}"
    method = min(route.methods or {""})
    answer: Response = place.client.request(method, path, headers=sent, params={"client": "case-1"}, content=b"{}")
    return answer


def refused(answer: Response, status: int, code: str) -> bool:
    told = answer.json()
    return (answer.status_code, told["code"], told["status"]) == (status, code, status)


def test_every_route_is_among_those_that_are_tried_and_needs_a_scope(place: Place) -> None:
    assert routes_of(place.app) == ROUTES
    assert {Scope((route.openapi_extra or {})[SCOPE]) for route in routes_of(place.app)} == set(Scope)


@EVERY
def test_without_a_good_token_no_route_answers(place: Place, route: APIRoute) -> None:
    good = place.tokens[OP]
    head, dot, secret = good.rpartition(".")
    for bad in (None, "", "x", head, f"{head}{dot}{secret[:-1]}", f"{head}{dot}{'A' * len(secret)}", good + "A"):
        assert refused(asked(place, route, bad), 401, "no-token")
    assert asked(place, route, None).headers["www-authenticate"] == "Bearer"


@EVERY
def test_another_units_token_opens_no_route(place: Place, route: APIRoute) -> None:
    before = asked(place, route, place.tokens[UP], unit=OP)
    assert refused(before, 403, "not-allowed")
    nowhere = asked(place, route, place.tokens[UP], unit="no-such-unit")
    assert nowhere.json() == before.json(), "whether a unit is there must not be told"


@EVERY
def test_a_token_without_the_scope_opens_no_route_and_with_it_alone_it_does(place: Place, route: APIRoute) -> None:
    needed = Scope((route.openapi_extra or {})[SCOPE])
    others = [one for one in Scope if one is not needed]
    assert refused(asked(place, route, place.token(OP, *others)), 403, "not-allowed")
    assert asked(place, route, place.token(OP, needed)).status_code not in {401, 403, 500}


@EVERY
def test_a_token_that_was_revoked_or_has_ended_opens_no_route(place: Place, route: APIRoute) -> None:
    house = place.houses[OP]
    revoked = tokens.issue(house, label="old", scopes=tuple(Scope))
    short = tokens.issue(house, label="short", scopes=tuple(Scope), valid=timedelta(hours=1))
    assert asked(place, route, revoked.text).status_code not in {401, 403}
    tokens.revoke(house, revoked.kept.token_id)
    assert refused(asked(place, route, revoked.text), 401, "no-token")
    (place.home / "story").write_text((NOON + timedelta(hours=1)).isoformat())
    assert refused(asked(place, route, short.text), 401, "no-token")


def test_a_consent_cannot_be_smuggled_in_as_an_entry(place: Place) -> None:
    place.consented()
    token = place.token(OP, Scope.ENTRIES_WRITE)
    withdrawn = {"type": "eu.spojka.consent.withdrawn.v1", "client": "case-1", "facts": {"consent_id": str(uuid4())}}
    closed = {"type": "eu.spojka.referral.closed.v1", "client": "case-1", "facts": {"referral_id": str(uuid4())}}
    for body in (withdrawn, closed):
        answer = place.post("/entries", body, headers={"Authorization": f"Bearer {token}"})
        assert refused(answer, 403, "not-allowed")


def test_a_rotated_token_works_at_once_and_the_old_one_as_long_as_was_said(place: Place) -> None:
    house = place.houses[OP]
    old = tokens.issue(house, label="x", scopes=(Scope.LINE_READ,))
    new = tokens.rotate(house, old.kept.token_id, overlap=timedelta(hours=1))

    def status(text: str) -> int:
        return place.get("/line", headers={"Authorization": f"Bearer {text}"}).status_code

    assert (status(old.text), status(new.text)) == (200, 200)
    (place.home / "story").write_text((NOON + timedelta(hours=1)).isoformat())
    assert (status(old.text), status(new.text)) == (401, 200)


def test_a_token_that_was_made_for_a_time_does_not_become_one_for_ever_when_it_is_rotated(place: Place) -> None:
    house = place.houses[OP]
    old = tokens.issue(house, label="x", scopes=(Scope.LINE_READ,), valid=timedelta(days=30))
    (place.home / "story").write_text((NOON + timedelta(days=29)).isoformat())
    new = tokens.rotate(house, old.kept.token_id)
    (place.home / "story").write_text((NOON + timedelta(days=58)).isoformat())
    assert tokens.checked(house, new.text) is not None
    (place.home / "story").write_text((NOON + timedelta(days=59)).isoformat())
    assert tokens.checked(house, new.text) is None


def test_no_token_is_in_the_database(place: Place) -> None:
    secret = place.tokens[OP].rpartition(".")[2].encode()
    held = list(cells(place.houses[OP].folder))
    assert held
    assert not any(secret in cell for cell in held)


def test_an_attempt_by_another_unit_is_reported_to_the_client(place: Place) -> None:
    place.consented()
    headers = {"Authorization": f"Bearer {place.tokens[UP]}", "Spojka-Actor": "clerk/claims-3"}
    assert place.get("/timeline", headers=headers, client="case-1").status_code == 403
    (look,) = place.looks(OP)
    assert {name: look[name] for name in ("reader", "reader_unit", "outcome", "reason")} == {
        "reader": "clerk/claims-3", "reader_unit": UP, "outcome": "refused", "reason": "other-unit",
    }  # fmt: skip


def test_two_units_of_one_adapter_never_see_each_others_clients(place: Place) -> None:
    place.consented("of-op", OP)
    place.consented("of-up", UP)
    for unit, own, other in ((OP, "of-op", "of-up"), (UP, "of-up", "of-op")):
        shown: list[Any] = [
            place.get(path, unit).json() for path in ("/clients", "/worklist", "/outbox", "/corrections")
        ]
        shown.append(place.get("/timeline", unit, client=own).json())
        assert own in json.dumps(shown)
        assert other not in json.dumps(shown)
        for path in ("/timeline", "/grounds"):
            unknown = place.get(path, unit, client="nobody-here")
            assert place.get(path, unit, client=other).json() == unknown.json()
            assert unknown.status_code == 404
