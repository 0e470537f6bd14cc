"""Auditors' tokens: nobody who reads the hub's disk can sign in with what lies there, and what was ended lets nobody in."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from contracts.dsse import to_envelope
from contracts.pae import PayloadType
from hub.audit import commands
from hub.audit.page.tokens import AuditorTokens, TokenError
from hub.entrypoints.house import FIRST_LIST
from tests.simulation.programme import Simulation, StoryClock

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def clock() -> StoryClock:
    return StoryClock()


@pytest.fixture
def tokens(tmp_path: Path, clock: StoryClock) -> AuditorTokens:
    return AuditorTokens(tmp_path / "auditors", clock)


def test_what_lies_on_disk_lets_nobody_in_and_is_for_its_owner_alone(tokens: AuditorTokens, tmp_path: Path) -> None:
    issued = tokens.issue("dpo-1")
    (file,) = (tmp_path / "auditors").iterdir()
    assert issued.text.rpartition(".")[2] not in file.read_text()
    assert file.stat().st_mode & 0o077 == 0
    assert (tmp_path / "auditors").stat().st_mode & 0o077 == 0
    assert tokens.checked(json.loads(file.read_text())["digest"]) is None
    found = tokens.checked(issued.text)
    assert found is not None
    assert found.reader == "auditor/dpo-1"


def test_what_is_no_token_lets_nobody_in(tokens: AuditorTokens) -> None:
    text = tokens.issue("dpo-1").text
    head, _, secret = text.rpartition(".")
    for wrong in (
        "",
        text[:-1],
        f"{head}.{'A' * 43}",
        f"{text}A",
        text.upper(),
        f"../{text}",
        f"{head}.{secret}\n",
        "ü",
    ):
        assert tokens.checked(wrong) is None, wrong


def test_a_token_ends_when_it_is_ended_replaced_or_has_run_out(tokens: AuditorTokens, clock: StoryClock) -> None:
    ended, replaced, short = tokens.issue("a"), tokens.issue("b"), tokens.issue("c", valid=timedelta(days=1))
    tokens.end(ended.kept.token_id)
    new = tokens.rotate(replaced.kept.token_id)
    assert [tokens.checked(one.text) is not None for one in (ended, replaced, short, new)] == [False, False, True, True]
    assert not tokens.still(ended.kept)
    assert tokens.still(short.kept)
    clock.at += timedelta(days=1)
    assert tokens.checked(short.text) is None
    assert [one.name for one in tokens.all()].count("b") == 2, "who once was let in stays on the list"


def test_a_token_made_for_a_time_does_not_become_one_for_ever_when_it_is_replaced(
    tokens: AuditorTokens, clock: StoryClock
) -> None:
    old = tokens.issue("a", valid=timedelta(days=30))
    clock.at += timedelta(days=29)
    new = tokens.rotate(old.kept.token_id)
    assert new.kept.ends_at == clock.at + timedelta(days=30)
    with pytest.raises(TokenError, match="has ended"):
        tokens.rotate(old.kept.token_id)


@pytest.mark.parametrize("name", ["", "Jana Nová", "a/b", "x" * 61, "é"])
def test_a_name_that_cannot_stand_in_the_log_is_refused(tokens: AuditorTokens, name: str) -> None:
    with pytest.raises(TokenError, match="pseudonym"):
        tokens.issue(name)


@pytest.mark.parametrize("token_id", ["0123456789", "../../keys", ""])
def test_a_token_that_there_is_not_cannot_be_ended(tokens: AuditorTokens, token_id: str) -> None:
    with pytest.raises(TokenError, match="token list"):
        tokens.end(token_id)


def test_the_operator_makes_lists_replaces_and_ends_tokens_by_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / FIRST_LIST).write_bytes(to_envelope(Simulation().signed_list, PayloadType.TRUST_LIST))
    monkeypatch.setenv("SPOJKA_HUB_HOME", str(tmp_path))

    def typed(*words: str) -> str:
        done = CliRunner().invoke(commands.app, ["token", *words])
        assert done.exit_code == 0, done.output
        return done.stdout.strip()

    text = typed("new", "dpo-1", "--days", "30")
    (kept,) = json.loads(typed("list", "--json"))
    assert (kept["name"], "digest" in kept) == ("dpo-1", False)
    again = typed("rotate", kept["token_id"])
    assert again != text
    assert text not in typed("list")
    for one in json.loads(typed("list", "--json")):
        typed("end", one["token_id"])
    assert all(one["ends_at"] is not None for one in json.loads(typed("list", "--json")))
