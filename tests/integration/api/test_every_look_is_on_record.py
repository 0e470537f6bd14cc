"""Whatever the API shows of what others recorded about a client is on record before it is answered: judged on every route there is, from the router.

A route that is new is in neither list below and turns this red.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from adapters.process.tokens import Scope
from tests.integration.api.api_rig import OP, UP, Place, place_in, reviewed_report, routes_of
from tests.integration.api.test_looking import answered_by_the_other_unit
from tests.integration.api.test_who_is_let_in import ROUTES
from tests.simulated_hub import message_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi.routing import APIRoute
    from httpx import Response

READS: Final = {route.path.partition("{unit}")[2]: route for route in ROUTES if "GET" in (route.methods or ())}
LOOKS: Final = frozenset(
    {
        "/timeline",
        "/grounds",
        "/worklist",
        "/referrals/{referral_id}",
        "/reports/{number}",
        "/reports/{number}/portable-copy",
        "/accesses",
    }
)
"""They show something about a client."""
NO_LOOKS: Final = {
    "/clients": "the unit's own case numbers",
    "/entries/{message_id}": "how far an own entry is, nothing that it says",
    "/outbox": "what the unit itself sends, by type and case number",
    "/corrections": "what the unit itself recorded and nobody was given",
    "/corrections/{number}": "the same",
    "/erasures": "what the unit itself asked for",
    "/line": "counts and states",
    "/webhooks": "addresses",
    "/webhooks/dead": "addresses and faults",
}
"""They show nothing that others recorded about a client, each because of what it is."""
ASKED_BY_THE_OTHER: Final = "Has he a dog?"
OF_OTHERS: Final = (ASKED_BY_THE_OTHER, "did-not-come", message_id(1), message_id(2), message_id(3))
"""What only UP said about OP's client."""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Place, dict[str, str]]]:
    """A place in which every route has something to show, and what the addresses name."""
    with place_in(tmp_path_factory.mktemp("filled")) as place:
        referral = answered_by_the_other_unit(place)
        sent = {"client": "case-1", "to": "nobody", "category": "housing", "answer_due": "2026-02-20"}
        place.post("/referrals", sent)
        message = place.post("/clients", {"client": "case-2"}).json()["message"]
        place.post("/erasures", {"client": "case-2"})
        hook = {"name": "intranet", "url": "https://intranet.example/", "secret": "whsec_" + "A" * 44}
        place.post("/webhooks", hook)
        reviewed_report(place)
        yield place, {"referral_id": referral, "message_id": message, "number": "1", "name": "intranet"}


def asked(filled: tuple[Place, dict[str, str]], path: str, token: str | None = None) -> Response:
    place, named = filled
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    query = {"client": "case-1"} if "client" in {one.alias for one in READS[path].dependant.query_params} else {}
    return place.get(path.format(**named), OP, headers=headers, **query)


def reported(filled: tuple[Place, dict[str, str]]) -> list[dict[str, Any]]:
    return filled[0].looks(OP)


def test_every_route_that_shows_something_is_in_one_list(filled: tuple[Place, dict[str, str]]) -> None:
    every: list[APIRoute] = routes_of(filled[0].app)
    assert len(READS) == sum("GET" in (route.methods or ()) for route in every)
    assert sorted([*LOOKS, *NO_LOOKS]) == sorted(READS)
    assert {method for route in every for method in route.methods or ()} == {"GET", "POST"}


@pytest.mark.parametrize("path", sorted(LOOKS))
def test_a_look_is_on_record_with_who_looked(filled: tuple[Place, dict[str, str]], path: str) -> None:
    before = len(reported(filled))
    answer = asked(filled, path)
    assert answer.status_code == 200, answer.text
    new = reported(filled)[before:]
    assert {(one["reader"], one["outcome"], one["purpose_of_access"]) for one in new} == {
        ("adviser/w12", "read", "support")
    }


@pytest.mark.parametrize("path", sorted(NO_LOOKS))
def test_what_is_no_look_shows_nothing_that_others_recorded(filled: tuple[Place, dict[str, str]], path: str) -> None:
    before = len(reported(filled))
    answer = asked(filled, path)
    assert answer.status_code == 200, answer.text
    assert not [mark for mark in OF_OTHERS if mark in answer.text]
    assert len(reported(filled)) == before


@pytest.mark.parametrize("path", sorted(LOOKS - {"/worklist"}))
def test_whoever_tries_to_look_with_a_token_that_opens_nothing_is_on_record_too(
    filled: tuple[Place, dict[str, str]], path: str
) -> None:
    """The worklist is left out: who asks for it names nobody, and is shown nobody."""
    place = filled[0]
    for token, reason, unit in (
        (place.tokens[UP], "other-unit", UP),
        (place.token(OP, Scope.LINE_READ), "no-scope", OP),
    ):
        before = len(reported(filled))
        assert asked(filled, path, token).status_code == 403
        (one,) = reported(filled)[before:]
        assert (one["reader"], one["outcome"], one["reason"], one["reader_unit"]) == (
            "adviser/w12", "refused", reason, unit,
        )  # fmt: skip
