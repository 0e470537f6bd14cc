"""An adapter that is slow, forgets or believes too much: nothing is lost, nothing comes twice, nobody else waits for it."""

import asyncio
import random
import shutil
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select

from adapters.process.unit_databases import UnitDatabases
from adapters.storage.outbox import OutboxState, Sending
from adapters.storage.tables import OUTBOX, RECEIPT
from contracts.categories import Category
from contracts.codes import RefusalCode
from contracts.envelope import parse
from contracts.names import MessageId, UnitId
from contracts.partition import partition_of
from deploy.servers.embedded_broker import EmbeddedBroker
from projections.encrypted_file import connect
from tests.faults.district import CLIENTS, OP, VZ, District, until
from tests.faults.kinds import EMBEDDED
from tests.faults.ledger import Sent, read_log
from tests.faults.mortal_broker import MortalEmbedded
from tests.simulation.programme import PARTITIONS, START

pytestmark = pytest.mark.timeout(600)
on_embedded = pytest.mark.parametrize("district", [EMBEDDED], indirect=True)


@on_embedded
async def test_an_adapter_that_does_not_read_holds_up_nobody_else(district: District) -> None:
    district.hub.pause(VZ)
    try:
        for _ in range(4):
            await asyncio.to_thread(district.record, OP, 20, chosen=random.Random(4))
            await until(lambda: district.open_at(OP) == 0)
    finally:
        district.hub.resume(VZ)
    await district.check()


@on_embedded
async def test_a_hole_that_the_broker_made_is_filled_by_sending_again(district: District) -> None:
    await district.check()
    district.hub.pause(OP)  # so that the adapter finds the broken memory when it goes on
    try:
        desk, store = district.houses[OP].desk, district.houses[OP].store
        lost, *_ = [desk.assess_need(CLIENTS[0], Category.SKILLS, finding=f"hole {n}").message_id for n in range(4)]
        assert lost is not None
        partition = partition_of(district.subjects[CLIENTS[0]], PARTITIONS)
        places = district.hub.log("SELECT partition, next_offset, incarnation FROM input_position")
        ((reached, incarnation),) = [rest for number, *rest in places if number == partition]
        believed = Sending(lost, partition, int(str(reached)), str(incarnation))
        with store.write() as tx:
            tx.outbox.mark_sent([believed], at=district.houses[OP].clock.now())
    finally:
        district.hub.resume(OP)
    await until(lambda: district.open_at(OP) == 0)
    log = read_log(district.dsn, district.hub.mapper())
    assert log.accepted[lost] == 1
    await district.check()


def backup(database: Path, to: Path) -> None:
    """As an operator's nightly job makes it, while the adapter runs."""
    databases = UnitDatabases.as_they_lie(database.parent, UnitId(database.parent.name))
    with closing(databases.look_into("store")) as live, closing(connect(to, databases.store)) as copy:
        live.backup(copy)


def restore(database: Path, copy: Path) -> None:
    """The backup in place of what is there."""
    for old in database.parent.glob("unit.db*"):
        old.unlink()
    shutil.copy(copy, database)


def final_id(district: District, message_id: MessageId) -> MessageId:
    """The message that stands for another one after it was numbered again."""
    with district.houses[OP].store.read() as tx:
        found = tx.outbox.find(message_id)
        while found is not None and found.state is OutboxState.REPLACED and found.replacement is not None:
            found = tx.outbox.find(found.replacement)
    assert found is not None
    assert found.state is OutboxState.ACCEPTED
    return found.message_id


@pytest.mark.parametrize("told", [False, True], ids=["database-put-back", "restored"])
async def test_an_adapter_restored_from_an_old_backup_goes_on_behind_what_the_hub_has(
    tmp_path: Path,
    database: str,
    embedded_broker: EmbeddedBroker,
    told: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    chosen = random.Random(7)
    with District(tmp_path, database, MortalEmbedded(embedded_broker)) as district:
        await district.open_paths()
        district.record(OP, 12, chosen=chosen)
        await until(district.settled)
        with district.stopped(OP) as place:
            backup(place, tmp_path / "old.db")
        district.record(OP, 25, chosen=chosen)
        district.record(VZ, 25, chosen=chosen)
        await until(district.settled)
        with district.stopped(OP) as place:
            restore(place, tmp_path / "old.db")
            if told:
                say_restored(place)
        district.record(OP, 20, chosen=chosen)
        since = [one.message_id for one in district.ledger.all()][-20:]
        async with asyncio.timeout(120):
            await until(lambda: all_answered(district))
        stands_for = {one: final_id(district, one) for one in since}
        assert any(new != old for old, new in stands_for.items()), "no number was taken already"
        if told:
            assert numbers_sent_twice(district) == set()
        district.ledger.replace({old: sent_by(district, new) for old, new in stands_for.items() if new != old})
        await until(
            lambda: district.given(VZ) >= district.ledger.of(OP) and district.given(OP) >= district.ledger.of(VZ)
        )
        log = read_log(database, district.hub.mapper())
        log.check(district.ledger)
        district.check_unit(VZ, OP, log.feeds[VZ])
        with district.houses[OP].store.read() as tx:
            here = {one.message_id for one in tx.journal.since(0, limit=10_000)}
        assert here >= district.given(OP) | set(stands_for.values())
        if told:
            assert here >= district.ledger.of(OP), "an own message of before did not come back"


def say_restored(place: Path) -> None:
    databases = UnitDatabases.as_they_lie(place.parent, UnitId(place.parent.name))
    with closing(databases.open_store()) as store, store.write() as tx:
        tx.recovery.begin([0], at=START)


def numbers_sent_twice(district: District) -> set[MessageId]:
    """Messages about a client that the hub refused for their number."""
    chosen = select(OUTBOX.c.message_id).join_from(OUTBOX, RECEIPT, OUTBOX.c.message_id == RECEIPT.c.message_id)
    about_clients = chosen.where(OUTBOX.c.record_key.startswith("r1."), RECEIPT.c.code == RefusalCode.SEQUENCE_CONFLICT)
    with district.houses[OP].store.read() as tx:
        return {MessageId(found) for found in tx.connection.execute(about_clients).scalars()}


def all_answered(district: District) -> bool:
    """Nothing waits for a receipt or to be numbered again: seen at one moment, since the one becomes the other."""
    with district.houses[OP].store.read() as tx:
        counts = tx.outbox.counts()
        return not (
            counts[OutboxState.WAITING]
            or counts[OutboxState.SENT]
            or tx.outbox.to_remake()
            or tx.numbers.renumberings()
        )


def sent_by(district: District, message_id: MessageId) -> Sent:
    with district.houses[OP].store.read() as tx:
        found = tx.outbox.find(message_id)
    assert found is not None
    return Sent(OP, parse(found.signed.payload).id, found.record_key, found.signed)
