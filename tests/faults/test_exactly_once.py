"""Whatever is killed, and however often a message comes, it has one effect and one answer, and feeds have neither gap nor repeat."""

import asyncio
import random
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from projections.kafka.batch_producer import BatchProducer
from projections.kafka.errors import TransportError
from tests.faults.district import OP, PATIENCE, VZ, District, until
from tests.faults.ledger import check_feed_as_seen, read_log
from tests.faults.mortal_broker import MortalBroker, MortalEmbedded, MortalKafka
from tests.integration.hub_rig import FeedEnd

VICTIMS = ("intake", "dispatch", "op", "vz", "broker")
OPEN_AT_MOST = 60
ECHO = 12


@pytest.fixture(
    params=[
        pytest.param((MortalEmbedded, 1), id="embedded-5-kills"),
        pytest.param((MortalKafka, 1), id="kafka-5-kills"),
        pytest.param((MortalEmbedded, 5), id="embedded-25-kills", marks=pytest.mark.long),
        pytest.param((MortalKafka, 5), id="kafka-25-kills", marks=pytest.mark.long),
    ]
)
def plan(request: pytest.FixtureRequest) -> tuple[MortalBroker, int]:
    kind, rounds = request.param
    return kind(request.getfixturevalue("embedded_broker" if kind is MortalEmbedded else "kafka_broker")), rounds


class Load:
    """Entries at both desks while kills go on, and old messages again in any order beside them."""

    def __init__(self, district: District, chosen: random.Random) -> None:
        self._district = district
        self._chosen = chosen
        self.over = asyncio.Event()

    async def record(self) -> None:
        """Both units record, as fast as answers come."""
        while not self.over.is_set():
            for unit in (OP, VZ):
                await asyncio.to_thread(self._district.record, unit, self._chosen.randint(1, 9), chosen=self._chosen)
            await until(self._room)

    def _room(self) -> bool:
        busiest = max(self._district.open_at(unit) for unit in (OP, VZ))
        return busiest < OPEN_AT_MOST or self.over.is_set()

    async def echo(self) -> None:
        """Somebody sends what was sent, and what is about to be, again and out of order."""
        async with BatchProducer(connection=self._district.hub.connection) as producer:
            while not self.over.is_set():
                known = self._district.ledger.all()
                again = self._chosen.sample(known[-4 * ECHO :], min(len(known), ECHO))
                with suppress(TransportError):
                    await producer.send([self._district.hub.outgoing(one.signed, one.key) for one in again])
                grown = len(known) + ECHO
                await until(partial(self._has_grown, grown))

    def _has_grown(self, wanted: int) -> bool:
        return self.over.is_set() or len(self._district.ledger.sent) >= wanted


def _reached(district: District, wanted: int) -> bool:
    return len(district.ledger.sent) >= wanted


async def kill_at_random(district: District, rounds: int, chosen: random.Random) -> None:
    """Each victim once a round, in any order, at any progress; the broker loses everything once at least."""
    total_loss = chosen.randrange(rounds)
    for number in range(rounds):
        for victim in chosen.sample(VICTIMS, len(VICTIMS)):
            more = len(district.ledger.sent) + chosen.randint(1, 40)
            with suppress(TimeoutError):  # where nobody gets on, that is a moment as good as any
                await until(partial(_reached, district, more), within=chosen.uniform(0.5, 4))
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
        load = Load(district, chosen)
        async with FeedEnd(district.hub, OP) as op, FeedEnd(district.hub, VZ) as vz:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(load.record())
                tasks.create_task(load.echo())
                await kill_at_random(district, rounds, chosen)
                load.over.set()
            await until(district.settled, within=2 * PATIENCE)
            log = read_log(quick_database)
            log.check(district.ledger)
            district.check_unit(VZ, OP, log.feeds[VZ])
            district.check_unit(OP, VZ, log.feeds[OP])
            check_feed_as_seen(vz.records)
            seen = check_feed_as_seen(op.records)
        print(f"{len(log.positions)} events, {len(district.ledger.sent)} sent, {sum(seen.values())} receipts of op")  # noqa: T201
        assert len(district.ledger.sent) > 20 * rounds
