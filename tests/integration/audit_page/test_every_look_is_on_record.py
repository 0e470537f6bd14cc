"""Whatever the hub shows of a client is on record before it shows: judged on every route of the auditor's page and on every command there is.

Routes come from the router and commands from the command trees, so one that is new is in none of the lists below and turns this red.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pytest
from fastapi.routing import APIRoute
from typer.testing import CliRunner

from hub.audit import commands as audit
from hub.audit.page.app import create_app
from hub.entrypoints import commands as operator
from hub.entrypoints import operators_looks
from hub.entrypoints.keys import commands as keys
from hub.entrypoints.operators_looks import LookNotRecordedError, UnknownClientError
from tests.command_tree import leaves, names_in
from tests.simulation.programme import KAREL

if TYPE_CHECKING:
    from typer.testing import Result

    from contracts.messages.access import RecordAudited
    from tests.integration.audit_page.page_rig import Page

pytestmark = pytest.mark.embedded
BY: Final = ("--by", "novak", "--purpose", "incident")
CLIENT: Final = re.compile(r"\b[rh]1\.[a-z2-7]{26}")
LOOKS: Final = {"/search": "accesses", "/clients/{client}": "path", "/duties": "duties"}
"""Pages that show something about a client, with what the log says was shown."""
NO_LOOKS: Final = {
    "/": "leads on to the search",
    "/sign-in": "a form",
    "/sign-out": "ends the session",
    "/alarms": "codes and counts",
    "/proof-record": "sizes, roots and witnesses",
    "/page.css": "colours",
    "/replay.js": "a script",
}
"""They show nobody, each because of what it is."""
COMMANDS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "access": ("accesses", (KAREL,)),
    "obligations": ("duties", ()),
}
"""Commands of the operator that show something about a client, with what is typed."""
NO_LOOKS_OF_THE_OPERATOR: Final = names_in(
    """
    init, migrate, run, settings, settings-change, trust-list show, trust-list admit, trust-list add-key, trust-list add-key-service,
    trust-list revoke-key, trust-list dismiss, trust-list publish, transport apply, transport database, transport rotate, transport retire,
    transport load, transport show, restore begin, restore check, restore resume, dead-letters list, parked list, parked retry, parked refuse,
    ledger alarms, ledger acknowledge, projections lag, projections rebuild, metrics, rotate-kek
    """
)
"""Keys, lists of institutions, states and faults. A fault that parked a message names its pseudonym, and nothing that it says."""
NO_LOOKS_OF_THE_KEY_SERVICE: Final = names_in("init, run, status, rotate-deposit-key, rotate-kek, settings")
AWAY_FROM_THE_HUB: Final = names_in("verify, replay, accesses, diff, watch")
"""They work offline, from an export that was handed over: no log is there that could hold the look."""
HANDING_OVER: Final = names_in("export")
"""The operator hands the evidence to somebody outside, running hub or not: on paper, by the page for auditors (hub/audit/README.md)."""
THE_PAGES_OWN: Final = names_in("policy, serve, token new, token rotate, token end, token list")


def looks(page: Page) -> list[RecordAudited]:
    return page.looks(KAREL)


def paths(page: Page) -> dict[str, set[str]]:
    app = create_app(page.house, page.evidence, None, page.tokens)  # type: ignore[arg-type] # only asked for its routes
    found: dict[str, set[str]] = {}
    for one in app.routes:
        assert isinstance(one, APIRoute)
        found.setdefault(one.path, set()).update(one.methods or ())
    return found


def typed(page: Page, *words: str) -> Result:
    return CliRunner().invoke(operator.app, words, env=page.hub.environment)


def test_every_page_and_every_command_is_in_one_list(page: Page) -> None:
    assert sorted([*LOOKS, *NO_LOOKS]) == sorted(paths(page))
    assert sorted([*COMMANDS, *NO_LOOKS_OF_THE_OPERATOR]) == sorted(leaves(operator.app))
    assert set(leaves(keys.app)) == NO_LOOKS_OF_THE_KEY_SERVICE
    assert sorted([*AWAY_FROM_THE_HUB, *HANDING_OVER, *THE_PAGES_OWN]) == sorted(leaves(audit.app))


@pytest.mark.parametrize("path", LOOKS)
def test_a_page_shows_a_client_only_after_the_log_holds_who_looked(page: Page, path: str) -> None:
    browser = page.signed_in(purpose="incident")
    before = len(looks(page))
    answer = browser.get(path.format(client=KAREL), params={"client": KAREL} if path == "/search" else {})
    assert KAREL in answer.text
    (look,) = looks(page)[before:]
    assert (look.reader, look.purpose_of_audit, look.shown) == ("auditor/dpo-1", "incident", LOOKS[path])


@pytest.mark.parametrize("path", NO_LOOKS)
def test_a_page_that_is_no_look_names_no_client(page: Page, path: str) -> None:
    browser = page.signed_in()
    before = len(looks(page))
    for method in paths(page)[path]:
        assert CLIENT.search(browser.request(method, path).text) is None
    assert len(looks(page)) == before


@pytest.mark.parametrize("command", COMMANDS)
def test_the_operators_look_is_on_record_before_it_shows(page: Page, command: str) -> None:
    shown, subject = COMMANDS[command]
    for by, more in (("novak", ()), ("svoboda", ("--json",))):
        before = len(looks(page))
        result = typed(page, command, *subject, "--by", by, "--purpose", "incident", *more)
        assert result.exit_code == 0, result.output
        (look,) = looks(page)[before:]
        assert (look.reader, look.purpose_of_audit, look.shown) == (f"operator/{by}", "incident", shown)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_operator_looks_at_nobody_without_saying_who_and_what_for(page: Page, command: str) -> None:
    subject = COMMANDS[command][1]
    for words in ((), BY[:2], BY[2:], ("--by", "a/b", *BY[2:]), (*BY[:2], "--purpose", "curiosity")):
        before = len(looks(page))
        assert typed(page, command, *subject, *words).exit_code == 2
        assert len(looks(page)) == before


@pytest.mark.parametrize("command", COMMANDS)
def test_while_no_writer_runs_the_operator_is_shown_nobody(
    page: Page, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operators_looks, "PATIENCE", 0.0)
    page.hub.stop("intake")
    try:
        result = typed(page, command, *COMMANDS[command][1], "--by", "dvorak", "--purpose", "incident")
    finally:
        page.hub.start("intake")
    assert isinstance(result.exception, LookNotRecordedError)
    assert KAREL not in result.output


def test_a_mistyped_pseudonym_begins_nobodys_history(page: Page) -> None:
    assert isinstance(typed(page, "access", "r1." + "z" * 26, *BY).exception, UnknownClientError)
