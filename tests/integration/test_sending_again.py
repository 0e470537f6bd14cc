"""A hub that forgot what it had answered gets it from its units once more, in the bytes and the order of the first time."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from adapters.desk.actions.consents import Paper, Terms
from adapters.drafts import ClientKey
from adapters.exchange.sending_again import send_again
from adapters.storage.outbox import OutboxState
from contracts.categories import Category
from contracts.grants import to_unit
from contracts.names import UnitId
from projections.kafka.batch_producer import OutgoingRecord, SentAt
from tests.simulation.desks import Town
from tests.simulation.programme import PARTITIONS, START

KAREL = ClientKey("2026-017")
OP, UP = UnitId("op"), UnitId("up")


class Wire:
    """Takes records as the broker does."""

    def __init__(self) -> None:
        self.sent: list[OutgoingRecord] = []

    async def send(self, records: Sequence[OutgoingRecord]) -> list[SentAt]:
        self.sent += records
        return []


async def test_what_was_answered_since_then_goes_again_as_it_was_and_nothing_else_changes(tmp_path: Path) -> None:
    town = Town(tmp_path)
    clock = town.hub.clock
    clock.at = START + timedelta(days=30)
    desk, store = town["op"].desk, town["op"].store
    desk.enrol(KAREL)
    terms = Terms((OP,), [to_unit(UP)], (Category.HOUSING,), START + timedelta(days=300), START)
    desk.take_consent(KAREL, terms, Paper(kinds=("consent", "release-from-secrecy")))
    town.settle()
    clock.at += timedelta(days=1)
    since = clock.at
    desk.assess_need(KAREL, Category.HOUSING, level="high")
    town.settle()
    with store.read() as tx:
        before = tx.outbox.counts()
        wanted = [one for one in tx.outbox.answered(START, after=0, limit=1000) if one.queued_at >= since]
    assert before[OutboxState.ACCEPTED] > len(wanted) >= 1
    wire = Wire()
    assert await send_again(store, wire, partitions=PARTITIONS, since=since) == len(wanted)
    assert [one.value for one in wire.sent] == [one.signed.payload for one in wanted]
    with store.read() as tx:
        assert tx.outbox.counts() == before
    town.close()
