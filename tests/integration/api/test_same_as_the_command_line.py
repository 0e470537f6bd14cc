"""A worker at the command line and a vendor's system by the API see the same, whoever recorded what, in whatever order."""

from __future__ import annotations

import json
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from typer.testing import CliRunner

from adapters import commands
from tests.integration.api.api_rig import CONSENT, OP, UP, Place, place_in

CLIENTS: Final = st.sampled_from(["case-1", "2026/117"])
BY: Final = st.sampled_from(["api", "commands"])
_OF_A_LOOK: Final = "eu.spojka.record.accessed.v1"


class TwoWays(RuleBasedStateMachine):
    """Records by both ways at random, and compares what both show."""

    def __init__(self) -> None:
        super().__init__()
        self.opened = ExitStack()
        folder = Path(self.opened.enter_context(tempfile.TemporaryDirectory()))
        self.place: Place = self.opened.enter_context(place_in(folder))
        self.consents: list[tuple[str, str]] = []
        self.referrals: list[str] = []
        self.known: set[str] = set()

    def teardown(self) -> None:
        self.opened.close()

    def type(self, *words: str) -> str:
        asked = [*words, "--home", str(self.place.home), "--unit", OP]
        result = CliRunner().invoke(commands.app, asked)
        assert result.exit_code in {0, 2}, (words, result.output, result.exception)
        return str(result.output)

    @rule(client=CLIENTS, by=BY)
    def enrol(self, client: str, by: str) -> None:
        self.known.add(client)
        if by == "api":
            self.place.post("/clients", {"client": client})
        else:
            self.type("client", "enrol", client)

    @rule(client=CLIENTS, by=BY)
    def consent(self, client: str, by: str) -> None:
        self.known.add(client)
        if by == "api":
            taken = self.place.post("/consents", {**CONSENT, "client": client}).json()["consent"]
        else:
            given = [word for one in CONSENT["sources"] for word in ("--source", one)]
            given += [word for one in CONSENT["recipients"] for word in ("--recipient", one)]
            given += [word for one in CONSENT["categories"] for word in ("--category", one)]
            taken = self.type("consent", "take", client, *given, "--until", str(CONSENT["until"])).splitlines()[0]
        self.consents.append((client, taken))

    @precondition(lambda self: self.consents)
    @rule(by=BY, which=st.integers(0, 9))
    def withdraw(self, by: str, which: int) -> None:
        client, consent = self.consents[which % len(self.consents)]
        if by == "api":
            self.place.post(f"/consents/{consent}/withdraw", {"client": client})
        else:
            self.type("consent", "withdraw", client, consent)

    @rule(client=CLIENTS, by=BY, to=st.sampled_from([UP, "nobody"]))
    def refer(self, client: str, by: str, to: str) -> None:
        self.known.add(client)
        body = {"client": client, "to": to, "category": "housing", "answer_due": "2026-02-20", "message": "a bed"}
        if by == "api":
            answer = self.place.post("/referrals", body).json()
            self.referrals += [answer["referral"]] if "referral" in answer else []
        else:
            said = self.type(
                "refer", client, "--to", to, "--category", "housing", "--answer-due", "2026-02-20", "--message", "a bed"
            )
            self.referrals += [said.splitlines()[0]] if to == UP and "to correct" not in said else []

    @precondition(lambda self: self.referrals)
    @rule(by=BY, which=st.integers(0, 9))
    def withdraw_referral(self, by: str, which: int) -> None:
        referral = self.referrals[which % len(self.referrals)]
        if by == "api":
            self.place.post(f"/referrals/{referral}/moves", {"move": "withdrawn", "reason": "client-request"})
        elif referral in {one["referral"] for one in json.loads(self.type("worklist", "--actor", "a/b", "--json"))}:
            self.type("answer", "withdraw", referral, "--reason", "client-request")

    @invariant()
    def both_show_the_same(self) -> None:
        for client in sorted(self.known):
            typed = json.loads(self.type("timeline", client, "--actor", "adviser/w1", "--json"))
            asked = self.place.get("/timeline", client=client, limit=500).json()["items"]
            assert _timeline(typed, "id") == _timeline(asked, "message")
        typed = json.loads(self.type("worklist", "--actor", "adviser/w1", "--json"))
        asked = self.place.get("/worklist", limit=500).json()["items"]
        names: tuple[str, ...] = ("referral", "client", "source", "target", "category", "state", "parent", "overdue")
        assert _sorted(typed, names) == _sorted(asked, names)
        typed = json.loads(self.type("quarantine", "list", "--json"))
        asked = self.place.get("/corrections", limit=500).json()["items"]
        names = ("number", "origin", "code", "explanation", "message", "row")
        assert _sorted(typed, names) == _sorted(asked, names)
        assert self.place.get("/clients").json()["items"] == self.type("client", "list").split()


def _timeline(entries: list[dict[str, Any]], named: str) -> list[Any]:
    names = (named, "author", "type", "category", "kind", "state", "facts", "content", "fault", "refusal", "corrected")
    return [[one[name] for name in names] for one in entries if one["type"] != _OF_A_LOOK]


def _sorted(items: list[dict[str, Any]], names: tuple[str, ...]) -> list[Any]:
    return sorted(([one[name] for name in names] for one in items), key=str)


TestRestAndCommandLine = TwoWays.TestCase
TestRestAndCommandLine.settings = settings(
    max_examples=6,
    stateful_step_count=8,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
