"""A running adapter gets everything to the hub and from it, whatever is lost between them."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING
from urllib.request import urlopen

import pytest

from adapters import keyring
from adapters.desk.actions.consents import Paper, Terms
from adapters.desk.recorded import RecordedState
from adapters.drafts import ClientKey
from adapters.process.runtime import run_units
from adapters.process.unit_health import state_of
from adapters.process.unit_house import KEYS, UnitHouse
from adapters.settings import AdapterSettings, load_settings, unit_folder
from adapters.storage.outbox import OutboxState
from contracts.categories import Category
from contracts.grants import to_unit
from contracts.messages.consent import ConsentGiven
from contracts.messages.referral import ReferralSent
from contracts.names import ReferralId, UnitId
from deploy.servers.ports import answers, free_port
from projections.worklist import incoming
from tests.integration.kafka_rig import until
from tests.integration.scripted_hub import ScriptedHub
from tests.simulated_hub import GROUND, NOON, PROGRAMME, SUBJECT, SimulatedHub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from contracts.signed_bytes import SignedBytes
    from deploy.servers.embedded_broker import EmbeddedBroker

OP, UP = UnitId("op"), UnitId("up")
KAREL = ClientKey("case-1")
TERMS = Terms(
    sources=[OP, UP],
    recipients=[to_unit(OP), to_unit(UP)],
    categories=[Category.IDENTITY, Category.HOUSING, Category.EMPLOYMENT],
    until=date(2027, 1, 31),
    history_from=date(2026, 2, 2),
)
PAPER = Paper(kinds=("consent", "release-from-secrecy"), evidence="signed in the office")


@dataclass
class Place:
    """An adapter's home and the hub that knows its keys."""

    home: Path
    signer: SimulatedHub
    settings: AdapterSettings

    @contextmanager
    def house(self, unit: UnitId) -> Iterator[UnitHouse]:
        """The unit as a command in another process opens it."""
        opened = UnitHouse.open(self.settings, unit)
        try:
            yield opened
        finally:
            opened.close()


@pytest.fixture
def place(tmp_path: Path, embedded_broker: EmbeddedBroker) -> Place:
    keys = {unit: keyring.create(unit_folder(tmp_path, unit) / KEYS, unit) for unit in (OP, UP)}
    signer = SimulatedHub(unit_keys=keys)
    (tmp_path / "trust-list-1.dsse.json").write_bytes(signer.envelopes[0])
    (tmp_path / "story").write_text(NOON.isoformat())
    (tmp_path / "adapter.toml").write_text(
        f'programme = "{PROGRAMME}"\nbootstrap = "file:{embedded_broker.state_file}"\nclock = "file:story"\n'
        "health_port = 0\n"
    )
    return Place(tmp_path, signer, load_settings(tmp_path))


@asynccontextmanager
async def running(place: Place, *units: UnitId) -> AsyncIterator[None]:
    stop = asyncio.Event()
    houses = [UnitHouse.open(place.settings, unit) for unit in units]
    task = asyncio.create_task(run_units(place.settings, houses, stop))
    try:
        yield
    finally:
        stop.set()
        await task
        for house in houses:
            house.close()


def count(house: UnitHouse, state: OutboxState) -> int:
    with house.store.read() as tx:
        return tx.outbox.counts()[state]


def consent_of(signer: SimulatedHub) -> SignedBytes:
    """OP's consent as UP is given it."""
    facts = ConsentGiven.model_validate(
        {
            "consent_id": GROUND,
            "recipient": to_unit(UP),
            "grants": (
                {
                    "sources": (OP,),
                    "recipient": to_unit(UP),
                    "categories": (Category.HOUSING,),
                    "until": NOON + timedelta(days=300),
                },
            ),
            "paper": ("consent",),
            "notice_version": "1",
            "evidence_hash": "0" * 64,
            "method": "signed-paper",
        }
    )
    return signer.message_of(OP, 1, facts=facts, category=None)


def referral_of(signer: SimulatedHub) -> SignedBytes:
    facts = ReferralSent(
        referral_id=ReferralId(GROUND), kind="referral", target=UP, answer_due=NOON + timedelta(days=9)
    )
    return signer.message_of(OP, 2, facts=facts)


async def test_what_a_command_records_is_receipted_within_moments(
    place: Place, embedded_broker: EmbeddedBroker
) -> None:
    async with ScriptedHub(embedded_broker, place.signer) as hub, running(place, OP):
        with place.house(OP) as desk_side:
            held = desk_side.desk.enrol(KAREL)
            assert held.state is RecordedState.HELD
            began = time.monotonic()
            desk_side.desk.take_consent(KAREL, TERMS, PAPER)
            await until(lambda: count(desk_side, OutboxState.ACCEPTED) == 3)
            assert time.monotonic() - began < 5
            assert [one.spec.name for one in hub.taken] == ["consent.given", "consent.given", "client.enrolled"]
            assert hub.taken[-1].id == held.message_id


async def test_a_referral_arrives_is_received_once_and_stands_on_the_worklist(
    place: Place, embedded_broker: EmbeddedBroker
) -> None:
    async with ScriptedHub(embedded_broker, place.signer) as hub, running(place, UP):
        referral = referral_of(place.signer)
        await hub.deliver(UP, consent_of(place.signer), referral)
        await until(lambda: hub.of_type("referral.received"))
        await hub.deliver(UP, place.signer.message_of(OP, 3))
        await hub.head(UP)
        with place.house(UP) as house:
            await until(lambda: state_of(house).others_hidden is None)
            with house.overviews().look() as connection:
                waiting = incoming(connection, UP)
        assert [one.state for one in waiting] == ["received"]
        assert len(hub.of_type("referral.received")) == 1


async def test_a_slot_that_never_came_is_asked_for_and_filled(place: Place, embedded_broker: EmbeddedBroker) -> None:
    async with ScriptedHub(embedded_broker, place.signer) as hub, running(place, UP):
        messages = [place.signer.message_of(OP, number) for number in range(1, 6)]
        await hub.deliver(UP, messages[0])
        await hub.lose(UP, messages[1])
        await hub.deliver(UP, *messages[2:])
        with place.house(UP) as house:
            await until(lambda: state_of(house).feed == {0: 5})
            with house.store.read() as tx:
                entries = [one for one in tx.journal.of_subject(SUBJECT) if one.author == OP]
        assert [one.feed_sequence for one in entries] == [1, 2, 3, 4, 5]
        assert len(hub.of_type("feed.replay-requested")) == 1


async def test_a_broker_that_lost_everything_costs_nothing(place: Place, embedded_broker: EmbeddedBroker) -> None:
    async with ScriptedHub(embedded_broker, place.signer) as hub, running(place, OP):
        with place.house(OP) as house:
            await hub.deliver(OP, place.signer.message_of(UP, 1))
            await until(lambda: state_of(house).feed == {0: 1})
            hub.mute = True  # the hub is away while the broker still is there
            house.desk.take_consent(KAREL, TERMS, PAPER)
            await until(lambda: count(house, OutboxState.SENT) > 0)
            await hub.lose(OP, place.signer.message_of(UP, 2))
            embedded_broker.kill()
            embedded_broker.start()
            hub.mute = False
            await hub.publish_lists()
            await until(lambda: count(house, OutboxState.ACCEPTED) >= 2 and count(house, OutboxState.SENT) == 0)
            await until(lambda: state_of(house).feed == {0: 2})
        given = [one for one in hub.taken if one.spec.name == "consent.given"]
        assert [one.sequence for one in given] == [1, 2]


async def test_a_restart_makes_up_for_what_was_recorded_while_it_was_down(
    place: Place, embedded_broker: EmbeddedBroker
) -> None:
    async with ScriptedHub(embedded_broker, place.signer) as hub:
        async with running(place, OP):
            pass
        with place.house(OP) as house:
            house.desk.take_consent(KAREL, TERMS, PAPER)
            async with running(place, OP):
                await until(lambda: count(house, OutboxState.ACCEPTED) == 2)
        assert len(hub.of_type("consent.given")) == 2


async def test_a_list_that_skips_a_version_is_refused_and_a_following_one_is_taken(
    place: Place, embedded_broker: EmbeddedBroker
) -> None:
    async with ScriptedHub(embedded_broker, place.signer) as hub, running(place, OP):
        with place.house(OP) as house:
            second, third = place.signer.publish_list(), place.signer.publish_list()
            await hub.publish("hub.directory", third)
            await until(lambda: state_of(house).suspicious == {"refused-trust-list": 1})
            await hub.publish("hub.directory", second, third)
            await until(lambda: house.book.reload() is not None and house.directory.version == 3)


async def test_the_endpoint_tells_how_the_units_are(place: Place, embedded_broker: EmbeddedBroker) -> None:
    settings = place.settings.model_copy(update={"health_port": free_port()})
    place.settings = settings
    async with ScriptedHub(embedded_broker, place.signer), running(place, OP):
        await until(lambda: answers(settings.health_port))
        body = await asyncio.to_thread(_ask, f"http://127.0.0.1:{settings.health_port}/health")
        assert '"own_key_valid": true' in body
        assert "r1." not in body
        metrics = await asyncio.to_thread(_ask, f"http://127.0.0.1:{settings.health_port}/metrics")
        assert "spojka_adapter_outbox" in metrics


async def test_the_command_runs_until_it_is_told_to_stop_and_logs_json(
    place: Place, embedded_broker: EmbeddedBroker
) -> None:
    port = free_port()
    environment = os.environ | {"SPOJKA_ADAPTER_HEALTH_PORT": str(port)}
    command = [sys.executable, "-c", "from adapters.commands import main; main()", "run", "--home", str(place.home)]
    async with ScriptedHub(embedded_broker, place.signer) as hub:
        process = await asyncio.to_thread(_start, command, environment)
        try:
            await until(lambda: process.poll() is not None or answers(port))
            with place.house(OP) as house:
                house.desk.take_consent(KAREL, TERMS, PAPER)
                await until(lambda: process.poll() is not None or count(house, OutboxState.ACCEPTED) == 2)
        finally:
            process.terminate()
            _, logged = await asyncio.to_thread(process.communicate, timeout=20)
    assert process.returncode == 0
    assert len(hub.of_type("consent.given")) == 2
    lines = [json.loads(line) for line in logged.splitlines()]
    assert {line["event"] for line in lines} >= {"adapter started", "adapter stopped"}
    assert "case-1" not in logged


def _start(command: list[str], environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)


def _ask(url: str) -> str:
    with urlopen(url, timeout=5) as answer:  # noqa: S310 - a fixed loopback address
        return str(answer.read().decode())
