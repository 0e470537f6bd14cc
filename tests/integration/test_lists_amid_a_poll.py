"""A trust list that comes in the middle of what one poll brings: what stands behind it is judged by it, however the messages are signed."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import count, islice
from pathlib import Path

import pytest
from tenacity import retry, retry_if_result, stop_after_delay, wait_fixed

from contracts.categories import Category
from contracts.messages.need import NeedAssessed
from contracts.names import SubjectId
from contracts.pae import PayloadType
from contracts.partition import partition_of
from contracts.signed_bytes import sign_batch, sign_one
from deploy.servers.embedded_broker import EmbeddedBroker
from projections.kafka.batch_producer import OutgoingRecord
from tests.benchmarks.workload import subject
from tests.integration.hub_rig import HubRig
from tests.simulation.programme import PARTITIONS, START, Simulation

_BEHIND = 250
"""All of a test come in one poll, the programme's first list before them or in a poll of its own; one transaction decides 500. So the new list stands
within a transaction, or is its last."""


@pytest.fixture
def rig(tmp_path: Path, quick_database: str, embedded_broker: EmbeddedBroker) -> Iterator[HubRig]:
    with HubRig(tmp_path, quick_database, embedded_broker.bootstrap, roles=()) as rig:
        rig.simulation.clock.at = START + timedelta(days=39)
        yield rig


def _messages(hub: Simulation, clients: list[SubjectId], *, batched: bool, rig: HubRig) -> list[OutgoingRecord]:
    key = hub.units["op"].key
    payloads = [
        hub.unsigned("op", NeedAssessed(dimension="skills"), category=Category.SKILLS, subject=client)[1]
        for client in clients
    ]
    if batched:
        signed = [
            one for start in range(0, len(payloads), 100) for one in sign_batch(payloads[start : start + 100], key)
        ]
    else:
        signed = [sign_one(one, key, PayloadType.CLOUDEVENT) for one in payloads]
    return [rig.outgoing(one, client) for one, client in zip(signed, clients, strict=True)]


@pytest.mark.parametrize("batched", [True, False], ids=["batch-signed", "each-signed"])
@pytest.mark.parametrize("before", [300, 498, 499])
async def test_what_stands_behind_a_revocation_speaks_for_nobody(rig: HubRig, before: int, *, batched: bool) -> None:
    hub = rig.simulation
    hub_key = hub.hub_record_key
    partition = partition_of(hub_key, PARTITIONS)
    beside = (client for client in map(subject, count()) if partition_of(client, PARTITIONS) == partition)
    clients = list(islice(beside, before + _BEHIND))
    ahead = _messages(hub, clients[:before], batched=batched, rig=rig)
    behind = _messages(hub, clients[before:], batched=batched, rig=rig)
    listed = hub.revocation(hub.units["op"].key.key_id)
    await rig.send(
        [
            *ahead,
            OutgoingRecord(listed.topic, partition, listed.key, listed.value, listed.headers),
            *behind,
        ]
    )
    rig.start("intake")
    assert _dead(rig) == _BEHIND
    decided = rig.log("SELECT count(*) FROM message_index WHERE source LIKE '%:op'")
    assert decided == [(before,)]
    assert rig.log("SELECT DISTINCT reason FROM dead_letter") == [("revoked-key",)]
    assert rig.stop("intake") == 0


@retry(retry=retry_if_result(lambda found: found < _BEHIND), stop=stop_after_delay(60), wait=wait_fixed(0.1))
def _dead(rig: HubRig) -> object:
    ((found,),) = rig.log("SELECT count(*) FROM dead_letter")
    return found
