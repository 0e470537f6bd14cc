"""Two units of one adapter behind the local API, in one process."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from adapters import keyring
from adapters.api.app import THEMES, create_app
from adapters.api.served_unit import ServedUnit
from adapters.drafts import ClientKey
from adapters.process import tokens
from adapters.process.tokens import Scope
from adapters.process.unit_house import KEYS, UnitHouse
from adapters.reports.flow import Reporting
from adapters.settings import AdapterSettings, load_settings, unit_folder
from contracts.envelope import parse
from contracts.messages.access import RecordAccessed
from contracts.names import ActorId, UnitId
from tests.simulated_hub import NOON, PROGRAMME, SimulatedHub

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fastapi import FastAPI
    from httpx import Response

OP, UP = UnitId("op"), UnitId("up")
READER = {"Spojka-Actor": "adviser/w12", "Spojka-Purpose": "support"}


@dataclass
class Place:
    """The home, its units, and the API over them."""

    home: Path
    hub: SimulatedHub
    settings: AdapterSettings
    houses: dict[UnitId, UnitHouse]
    app: FastAPI
    client: TestClient
    tokens: dict[UnitId, str] = field(default_factory=dict)

    def token(self, unit: UnitId, *scopes: Scope) -> str:
        """A new token of a unit."""
        return tokens.issue(self.houses[unit], label="a test", scopes=scopes or tuple(Scope)).text

    def headers(self, unit: UnitId = OP) -> dict[str, str]:
        """Those of a system that may do everything at its unit."""
        return {"Authorization": f"Bearer {self.tokens[unit]}", **READER}

    def get(
        self, path: str, unit: UnitId = OP, *, headers: dict[str, str] | None = None, **query: str | int
    ) -> Response:
        """Ask as that system."""
        asked = self.headers(unit) | (headers or {})
        answer: Response = self.client.get(f"/v1/units/{unit}{path}", headers=asked, params=query or None)
        return answer

    def post(
        self,
        path: str,
        body: dict[str, Any],
        unit: UnitId = OP,
        *,
        key: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Response:
        """Send as that system, under a key of its own unless one is given."""
        asked = self.headers(unit) | {"Idempotency-Key": key or str(uuid4())} | (headers or {})
        answer: Response = self.client.post(f"/v1/units/{unit}{path}", headers=asked, json=body)
        return answer

    def consented(self, client: str = "case-1", unit: UnitId = OP) -> str:
        """A client with a consent; returns its id."""
        assert self.post("/clients", {"client": client, "given_name": "Karel"}, unit).status_code == 201
        taken = self.post("/consents", {**CONSENT, "client": client}, unit)
        assert taken.status_code == 201, taken.text
        return str(taken.json()["consent"])

    def looks(self, unit: UnitId = OP) -> list[dict[str, Any]]:
        """What the unit reported of looks, as it stands in its outbox."""
        with self.houses[unit].store.read() as tx:
            queued = [parse(one.signed.payload) for one in tx.outbox.next_to_send(500)]
        return [one.facts.model_dump(mode="json") for one in queued if isinstance(one.facts, RecordAccessed)]


def reviewed_report(place: Place, client: str = "case-1", unit: UnitId = OP) -> int:
    """A report about a client that somebody went through; returns its number."""
    house = place.houses[unit]
    with house.store.read() as tx:
        subject = tx.clients.subject_of(ClientKey(client))
    assert subject is not None
    doing = Reporting(house, ActorId("adviser/w1"))
    number = doing.draft(subject)
    doing.leave_the_rest(number)
    doing.reviewed(number)
    return number


CONSENT = {
    "sources": ["op", "up"],
    "recipients": ["unit:op", "unit:up"],
    "categories": ["identity", "employment", "housing"],
    "until": "2027-01-31",
    "history_from": "2026-02-02",
}


@contextmanager
def place_in(folder: Path) -> Iterator[Place]:
    """Everything, opened; closed at the end."""
    keys = {unit: keyring.create(unit_folder(folder, unit) / KEYS, unit) for unit in (OP, UP)}
    hub = SimulatedHub(unit_keys=keys)
    (folder / "trust-list-1.dsse.json").write_bytes(hub.envelopes[0])
    (folder / "story").write_text(NOON.isoformat())
    (folder / "adapter.toml").write_text(
        f'programme = "{PROGRAMME}"\nbootstrap = "localhost:1"\nclock = "file:story"\n'
    )
    settings = load_settings(folder)
    houses = {unit: UnitHouse.open(settings, unit) for unit in (OP, UP)}
    served = [ServedUnit(house) for house in houses.values()]
    app = create_app(served)
    with TestClient(app) as client:
        place = Place(folder, hub, settings, houses, app, client)
        place.tokens = {unit: place.token(unit) for unit in houses}
        yield place
    for one in served:
        one.close()
    for house in houses.values():
        house.close()


def routes_of(app: FastAPI) -> list[APIRoute]:
    """Every route that the application has: nothing is in it but the routers of its themes."""
    routers = [theme.routes.router for theme in THEMES]
    assert [getattr(one, "original_router", None) for one in app.routes] == routers
    return [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
