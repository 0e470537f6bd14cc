"""The import that `test_killed_import` kills: the same rows each time, for clients with a consent."""

from collections.abc import Iterator

from adapters.desk.actions.consents import Paper, Terms
from adapters.desk.desk import Desk
from adapters.desk.signer import Signer
from adapters.drafts import ClientKey, Draft
from adapters.storage.unit_store import UnitStore
from contracts.categories import Category
from contracts.grants import to_unit
from contracts.messages.service import ServiceDelivered
from contracts.names import UnitId
from tests.simulated_hub import FOR_EVER, NOON, PROGRAMME, SimulatedHub
from tests.simulation.programme import StoryClock

OP, UP = UnitId("op"), UnitId("up")
CLIENTS = [ClientKey(f"c-{number}") for number in range(5)]


def import_rows(where: str, rows: int) -> None:
    """Record all rows; what was recorded before is found again."""
    hub = SimulatedHub()
    signer = Signer(PROGRAMME, hub.unit_keys[OP])
    desk = Desk(UnitStore.open(where), signer=signer, directory=lambda: hub.directory, clock=StoryClock(NOON))
    terms = Terms((OP,), [to_unit(UP)], (Category.HOUSING,), FOR_EVER[1], FOR_EVER[0])
    for client in CLIENTS:
        with desk.store.read() as tx:
            known = tx.clients.subject_of(client)
        if known is None:
            desk.take_consent(client, terms, Paper())
    for _ in desk.record_many(_drafts(rows)):
        pass


def _drafts(rows: int) -> Iterator[Draft]:
    for number in range(rows):
        facts = ServiceDelivered(service="bednight", quantity=str(number), unit_of_quantity="nights")
        client = CLIENTS[number % len(CLIENTS)]
        yield Draft(client, facts, NOON, category=Category.HOUSING, local_key=f"csv/services/{number}")
