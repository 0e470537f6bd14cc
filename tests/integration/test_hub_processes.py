"""One signed message from the outbox's edge to log, delivery and receipt, through the hub's real processes."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.conformance.on_paper import on_paper
from contracts.categories import Category
from contracts.codes import RefusalCode
from contracts.grants import Grant, to_unit
from contracts.messages.need import NeedAssessed
from contracts.names import GroundId, MessageId, UnitId
from contracts.signed_bytes import SignedBytes
from deploy.servers.embedded_broker import EmbeddedBroker
from tests.integration.hub_rig import FeedEnd, HubRig
from tests.simulation.programme import KAREL, START, Simulation


@pytest.fixture
def rig(tmp_path: Path, quick_database: str, embedded_broker: EmbeddedBroker) -> Iterator[HubRig]:
    with HubRig(tmp_path, quick_database, embedded_broker.bootstrap) as rig:
        rig.simulation.clock.at = START + timedelta(days=39)
        yield rig


def consent(hub: Simulation, recipient: str = "vz") -> tuple[MessageId, SignedBytes]:
    grant = Grant(
        sources=(UnitId("op"),),
        recipient=to_unit(UnitId(recipient)),
        categories=(Category.SKILLS,),
        until=START + timedelta(days=300),
        history_from=START,
    )
    facts = on_paper(GroundId(hub.next_id()), grant)
    return hub.message("op", facts)


async def test_a_consented_entry_reaches_the_other_unit_and_its_author_gets_a_receipt(rig: HubRig) -> None:
    hub = rig.simulation
    given, paper = consent(hub)
    skills, first = hub.message("op", NeedAssessed(dimension="skills"), category=Category.SKILLS)
    debt, second = hub.message("op", NeedAssessed(dimension="income-debt"), category=Category.INCOME_DEBT)
    await rig.send([rig.outgoing(signed, KAREL) for signed in (paper, first, second)])
    async with FeedEnd(rig, "op") as op, FeedEnd(rig, "vz") as vz:
        receipts = await op.receipts_of([given, skills, debt])
        assert [receipts[one].code for one in (given, skills, debt)] == [None, None, RefusalCode.NO_GROUND]
        await vz.deliveries_of([skills])
        assert debt not in vz.delivered()


async def test_one_process_with_all_roles_does_the_same_and_ends_when_it_is_asked_to(
    tmp_path: Path, quick_database: str, embedded_broker: EmbeddedBroker
) -> None:
    with HubRig(tmp_path, quick_database, embedded_broker.bootstrap, roles=()) as rig:
        rig.start_whole("all")
        hub = rig.simulation
        hub.clock.at = START + timedelta(days=39)
        given, paper = consent(hub)
        skills, first = hub.message("op", NeedAssessed(dimension="skills"), category=Category.SKILLS)
        await rig.send([rig.outgoing(signed, KAREL) for signed in (paper, first)])
        async with FeedEnd(rig, "op") as op, FeedEnd(rig, "vz") as vz:
            assert {one.code for one in (await op.receipts_of([given, skills])).values()} == {None}
            await vz.deliveries_of([skills])
        assert rig.stop("all") == 0
        said = (tmp_path / "all.log").read_text()
        assert "hub.stopped" in said
        assert "Traceback" not in said
