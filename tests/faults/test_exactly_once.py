"""Whatever is killed, and however often a message comes, it has one effect and one answer, and feeds have neither gap nor repeat."""

import asyncio
import random
from pathlib import Path

import pytest

from tests.faults.district import OP, VZ, District
from tests.faults.ledger import check_feed_as_seen
from tests.faults.load import Load, under_load
from tests.faults.mortal_broker import MortalBroker, MortalEmbedded, MortalKafka
from tests.integration.hub_rig import FeedEnd

VICTIMS = ("intake", "dispatch", "op", "vz", "broker")


@pytest.fixture(
    params=[
        pytest.param((MortalEmbedded, 1), id="embedded-5-kills", marks=pytest.mark.embedded),
        pytest.param((MortalKafka, 1), id="kafka-5-kills", marks=pytest.mark.kafka),
        pytest.param((MortalEmbedded, 5), id="embedded-25-kills", marks=[pytest.mark.embedded, pytest.mark.long]),
        pytest.param((MortalKafka, 5), id="kafka-25-kills", marks=[pytest.mark.kafka, pytest.mark.long]),
    ]
)
def plan(request: pytest.FixtureRequest) -> tuple[MortalBroker, int]:
    kind, rounds = request.param
    return kind(request.getfixturevalue("embedded_broker" if kind is MortalEmbedded else "kafka_broker")), rounds


async def kill_at_random(district: District, load: Load, rounds: int, chosen: random.Random) -> None:
    """Each victim once a round, in any order, at any progress; the broker loses everything once at least."""
    total_loss = chosen.randrange(rounds)
    for number in range(rounds):
        for victim in chosen.sample(VICTIMS, len(VICTIMS)):
            await load.more(
                chosen.randint(1, 40), within=chosen.uniform(0.5, 4)
            )  # a standstill is a moment as good as any
            print(f"kill {victim} with {len(district.ledger.sent)} sent")  # noqa: T201 - the story of a failed run
            if victim == "broker":
                await asyncio.to_thread(district.broker_fails, loses_everything=number == total_loss)
            else:
                await asyncio.to_thread(district.kill_and_restart, victim)


@pytest.mark.timeout(900)
async def test_every_message_has_one_effect_and_one_receipt_whatever_is_killed(
    plan: tuple[MortalBroker, int], quick_database: str, tmp_path: Path
) -> None:
    broker, rounds = plan
    seed = random.randrange(10**6)
    print(f"seed {seed}")  # noqa: T201 - to play a failed run again
    chosen = random.Random(seed)
    with District(tmp_path, quick_database, broker) as district:
        await district.open_paths()
        async with FeedEnd(district.hub, OP) as op, FeedEnd(district.hub, VZ) as vz:
            async with under_load(district, chosen) as load:
                await kill_at_random(district, load, rounds, chosen)
            check_feed_as_seen(vz.records)
            seen = check_feed_as_seen(op.records)
        print(f"{len(district.ledger.sent)} sent, {sum(seen.values())} receipts of op")  # noqa: T201
        assert len(district.ledger.sent) > 20 * rounds
