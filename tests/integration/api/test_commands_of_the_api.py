"""What an IT person types to give access and to send news, and what the screen says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from adapters import commands
from adapters.storage.webhooks import NewDelivery
from adapters.words import LANGUAGES
from tests.integration.api.api_rig import OP, Place
from tests.simulated_hub import NOON
from tests.unit.adapters.test_commands import FORBIDDEN

if TYPE_CHECKING:
    from typer.testing import Result


def typed(place: Place, *words: str, code: int = 0) -> str:
    result: Result = CliRunner().invoke(commands.app, [*words, "--home", str(place.home), "--unit", OP])
    assert result.exit_code == code, (result.output, result.exception)
    return str(result.output)


def status(place: Place, token: str) -> int:
    return place.get("/line", headers={"Authorization": f"Bearer {token}"}).status_code


def test_a_token_works_from_the_moment_it_is_printed_to_the_moment_it_is_revoked(place: Place) -> None:
    first = typed(place, "token", "new", "case system", "--scope", "line:read").strip()
    assert status(place, first) == 200
    number = first.split(".")[2]
    second = typed(place, "token", "rotate", number).strip()
    assert (status(place, first), status(place, second)) == (401, 200)
    typed(place, "token", "revoke", second.split(".")[2])
    assert status(place, second) == 401


def test_the_list_of_tokens_tells_everything_but_the_token(place: Place) -> None:
    token = typed(place, "token", "new", "case system", "--scope", "line:read", "--days", "30").strip()
    (listed,) = [one for one in json.loads(typed(place, "token", "list", "--json")) if one["label"] == "case system"]
    assert (listed["scopes"], listed["valid"]) == (["line:read"], True)
    for said in (json.dumps(listed), typed(place, "token", "list")):
        assert token.rpartition(".")[2] not in said
        assert not FORBIDDEN.search(said)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_webhooks_are_listed_with_what_did_not_get_through(place: Place, lang: str) -> None:
    secret = typed(place, "webhook", "add", "intranet", "https://intranet.example/spojka").strip()
    assert secret.startswith("whsec_")
    with place.houses[OP].store.write() as tx:
        tx.webhooks.put([NewDelivery("intranet", "intranet.1", b"{}")], at=NOON)
        tx.webhooks.failed(1, problem="answered 500", next_at=None)
    assert "intranet.example" in typed(place, "webhook", "list", "--lang", lang)
    assert secret not in typed(place, "webhook", "list", "--json")
    assert "answered 500" in typed(place, "webhook", "dead", "--lang", lang)
    typed(place, "webhook", "resend", "1")
    assert json.loads(typed(place, "webhook", "dead", "--json")) == []
    typed(place, "webhook", "remove", "intranet")
    assert json.loads(typed(place, "webhook", "list", "--json")) == []


def test_the_document_is_printed_without_any_settings(place: Place) -> None:
    result = CliRunner().invoke(commands.app, ["api", "--document"])
    assert json.loads(result.output)["openapi"].startswith("3.1")
    assert place.home.exists()
