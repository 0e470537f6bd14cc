"""News reach another system signed, once or again under the same id, and never go where they have no business."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any

import pytest

from adapters.desk.actions.occasion import Occasion
from adapters.drafts import ClientKey
from adapters.followers.following import Following
from adapters.followers.webhooks import secrets_kept, set_up
from adapters.followers.webhooks.addresses import Network, permitted
from adapters.followers.webhooks.news import FOLLOWER, WebhookNews
from adapters.followers.webhooks.secrets_kept import WebhookError
from adapters.followers.webhooks.sending import WebhooksSending
from adapters.followers.webhooks.set_up import Wanted
from adapters.storage.journal import EntryKind, NewEntry, OwnState
from adapters.storage.webhooks import DeliveryState, KeptDelivery
from contracts.categories import Category
from contracts.envelope import parse
from contracts.messages.service import ServiceContent, ServiceDelivered
from tests.database_cells import cells
from tests.integration.api.api_rig import OP, UP, Place, place_in
from tests.integration.api.webhook_receiver import AT_ONCE, LOOPBACK, Receiver, answer
from tests.integration.kafka_rig import until
from tests.simulated_hub import NOON

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence
    from http.server import BaseHTTPRequestHandler
    from pathlib import Path

    from contracts.signed_bytes import SignedBytes

NOTE = ServiceDelivered(service="bednight", quantity="1", unit_of_quantity="nights")
BEGUN = datetime.now(UTC)
NEVER = (timedelta(days=1),) * 3


@dataclass
class Sender:
    """A unit with webhooks."""

    place: Place
    secrets: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, url: str, *types: str, content: bool = False) -> str:
        house = self.place.houses[OP]
        self.secrets[name] = secrets_kept.fresh()
        with house.store.write() as tx:
            wanted = Wanted(name, url, types, content)
            set_up.add(tx, house.folder, wanted, secret=self.secrets[name], at=BEGUN)
        return self.secrets[name]

    def happen(self, *clients: str, content_allowed: bool = False) -> None:
        """Clients are enrolled, and it is queued."""
        house = self.place.houses[OP]
        for client in clients:
            house.desk.enrol(ClientKey(client), occasion=Occasion())
        news = WebhookNews(house.store, unit=OP, content_allowed=content_allowed, now=lambda: BEGUN)
        Following(house.store, news, now=house.clock.now).catch_up()

    def deliveries(self, state: DeliveryState) -> Sequence[KeptDelivery]:
        with self.place.houses[OP].store.read() as tx:
            return tx.webhooks.in_state(state)

    @asynccontextmanager
    async def sending(
        self,
        *,
        networks: Sequence[Network] = LOOPBACK,
        pauses: Sequence[timedelta] = AT_ONCE,
        patience: float = 5.0,
    ) -> AsyncIterator[WebhooksSending]:
        house, stop = self.place.houses[OP], asyncio.Event()
        sending = WebhooksSending(
            house.store, house.folder, unit=OP, now=lambda: datetime.now(UTC), networks=networks, pauses=pauses, patience=patience,
        )  # fmt: skip
        task = asyncio.create_task(sending.run(stop))
        try:
            yield sending
        finally:
            stop.set()
            sending.wake()
            await task


def journal(sender: Sender, *messages: SignedBytes) -> None:
    """They stand in OP's journal: its own, and what others gave it."""
    read = [parse(one.payload) for one in messages]
    entries = [
        NewEntry(
            message_id=one.id, subject=one.subject, author=one.unit, type=one.type, category=one.category, time=one.time,
            payload=signed.payload, recorded_at=NOON,
            kind=EntryKind.OWN if one.unit == OP else EntryKind.GIVEN,
            state=OwnState.ACCEPTED if one.unit == OP else None,
        )
        for one, signed in zip(read, messages, strict=True)
    ]  # fmt: skip
    with sender.place.houses[OP].store.write() as tx:
        tx.journal.add(entries)


@pytest.fixture
def sender(tmp_path: Path) -> Iterator[Sender]:
    with place_in(tmp_path) as place:
        yield Sender(place)


async def test_a_receiver_verifies_what_came_and_learns_nothing_about_anybody(sender: Sender) -> None:
    with Receiver() as receiver:
        secret = sender.add("intranet", receiver.url)
        sender.happen("case-1", "case-2")
        async with sender.sending():
            await until(lambda: len(receiver.taken) == 2)
            await until(lambda: len(sender.deliveries(DeliveryState.SENT)) == 2)
        first, second = receiver.verified(secret)
    assert len(set(receiver.ids)) == 2
    assert first["type"] == "entry.own"
    assert first["data"]["entry_type"] == "eu.spojka.client.enrolled.v1"
    assert first["data"].keys() == {"unit", "message", "entry_type", "author", "state", "refusal", "link"}
    assert sender.place.get(first["data"]["link"].removeprefix("/v1/units/op")).json()["state"] == "held"
    for said in (first, second):
        assert "case-" not in json.dumps(said)
        assert "r1." not in json.dumps(said)


async def test_content_goes_along_only_where_settings_and_webhook_both_say_so(sender: Sender) -> None:
    with Receiver() as thin, Receiver() as whole:
        sender.add("thin", thin.url)
        sender.add("whole", whole.url, content=True)
        sender.happen("case-1")
        sender.happen("case-2", content_allowed=True)
        async with sender.sending():
            await until(lambda: len(thin.taken) == len(whole.taken) == 2)
    assert [b"case-" in body for _, body in thin.taken] == [False, False]
    assert [b"case-" in body for _, body in whole.taken] == [False, True]


def test_what_others_gave_and_what_is_conduct_never_goes_along_whole(sender: Sender) -> None:
    sender.add("whole", "https://r.example/", content=True)
    messages = [
        sender.place.hub.message_of(UP, 1, facts=NOTE, content=ServiceContent(notes="slept badly")),
        sender.place.hub.message_of(
            OP, 2, facts=NOTE, content=ServiceContent(notes="came late"), category=Category.CONDUCT
        ),
        sender.place.hub.message_of(OP, 3, facts=NOTE, content=ServiceContent(notes="our own")),
    ]
    journal(sender, *messages)
    sender.happen(content_allowed=True)
    bodies = [json.loads(one.body)["data"] for one in sender.deliveries(DeliveryState.WAITING)]
    assert [one.get("content", {}).get("notes") for one in bodies] == [None, None, "our own"]
    assert [one.keys() & {"facts", "content", "category"} for one in bodies[:2]] == [set(), set()]


async def test_only_the_types_that_were_asked_for_are_told_and_looks_never(sender: Sender) -> None:
    with Receiver() as receiver:
        sender.add("consents", receiver.url, "eu.spojka.consent.given.v1")
        sender.happen()
        sender.place.consented()
        sender.place.get("/timeline", client="case-1")
        sender.happen()
        async with sender.sending():
            await until(lambda: len(receiver.taken) == 2)
    assert {json.loads(body)["data"]["entry_type"] for _, body in receiver.taken} == {"eu.spojka.consent.given.v1"}


async def test_a_receiver_that_fails_gets_it_again_under_the_same_id(sender: Sender) -> None:
    statuses = iter((500, 429, 200))
    with Receiver(lambda handler: answer(handler, next(statuses))) as receiver:
        secret = sender.add("intranet", receiver.url)
        sender.happen("case-1")
        async with sender.sending():
            await until(lambda: sender.deliveries(DeliveryState.SENT))
        assert len(receiver.verified(secret)) == 3
    assert len(set(receiver.ids)) == 1


async def test_between_attempts_there_are_pauses(sender: Sender) -> None:
    with Receiver(lambda handler: answer(handler, 500)) as receiver:
        sender.add("intranet", receiver.url)
        sender.happen("case-1")
        async with sender.sending(pauses=NEVER):
            await until(lambda: (found := sender.deliveries(DeliveryState.WAITING)) and found[0].attempts == 1)
        (waiting,) = sender.deliveries(DeliveryState.WAITING)
    assert waiting.next_at > datetime.now(UTC) + timedelta(hours=23)
    assert waiting.problem == "answered 500"
    assert len(receiver.taken) == 1


async def test_what_never_gets_through_is_shown_dead_and_goes_again_when_told(sender: Sender) -> None:
    with Receiver(lambda handler: answer(handler, 500)) as receiver:
        sender.add("intranet", receiver.url)
        sender.happen("case-1")
        async with sender.sending() as sending:
            await until(lambda: sender.deliveries(DeliveryState.DEAD))
            assert len(receiver.taken) == len(AT_ONCE) + 1
            (dead,) = sender.place.get("/webhooks/dead").json()["items"]
            assert (dead["problem"], dead["webhook_id"]) == ("answered 500", receiver.ids[0])
            receiver.behave = lambda handler: answer(handler, 200)
            assert sender.place.post(f"/webhooks/dead/{dead['number']}/resend", {}).status_code == 201
            sending.wake()
            await until(lambda: sender.deliveries(DeliveryState.SENT))
    assert len(set(receiver.ids)) == 1
    assert sender.place.get("/webhooks/dead").json()["items"] == []


async def test_one_receiver_that_hangs_delays_no_other(sender: Sender) -> None:
    with Receiver() as well, Receiver() as hanging:

        def hang(_: BaseHTTPRequestHandler) -> None:
            hanging.closing.wait(60)

        hanging.behave = hang
        sender.add("a-hanging", hanging.url)
        sender.add("b-well", well.url)
        sender.happen(*(f"case-{number}" for number in range(5)))
        async with sender.sending(patience=60):
            await until(lambda: len(well.taken) == 5)
            assert len(hanging.taken) == 1
            assert not [one for one in sender.deliveries(DeliveryState.SENT) if one.webhook == "a-hanging"]


@pytest.mark.parametrize("slow", ["no status", "a byte at a time"])
async def test_a_receiver_that_is_too_slow_is_given_up_in_time(sender: Sender, slow: str) -> None:
    with Receiver() as receiver:

        def behave(handler: BaseHTTPRequestHandler) -> None:
            while not receiver.closing.wait(0.05):
                if slow != "no status":
                    handler.wfile.write(b"H")

        receiver.behave = behave
        sender.add("intranet", receiver.url)
        sender.happen("case-1")
        async with sender.sending(pauses=NEVER, patience=0.5):
            await until(lambda: (found := sender.deliveries(DeliveryState.WAITING)) and found[0].attempts == 1)
    (waiting,) = sender.deliveries(DeliveryState.WAITING)
    assert waiting.problem is not None


async def test_a_redirect_is_not_followed(sender: Sender) -> None:
    with Receiver() as other, Receiver() as receiver:
        receiver.behave = lambda handler: answer(handler, 307, Location=other.url)
        sender.add("intranet", receiver.url)
        sender.happen("case-1")
        async with sender.sending():
            await until(lambda: sender.deliveries(DeliveryState.DEAD))
    assert sender.deliveries(DeliveryState.DEAD)[0].problem == "answered 307"
    assert other.taken == []


async def test_an_address_of_this_machine_is_not_called_unless_the_settings_name_it(sender: Sender) -> None:
    with Receiver() as receiver:
        sender.add("intranet", receiver.url)
        sender.happen("case-1")
        async with sender.sending(networks=()):
            await until(lambda: sender.deliveries(DeliveryState.DEAD))
    assert "not public" in (sender.deliveries(DeliveryState.DEAD)[0].problem or "")
    assert receiver.taken == []


async def test_a_name_that_turns_to_this_machine_when_connected_is_not_called(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Receiver() as receiver:
        port = int(receiver.url.rpartition(":")[2].partition("/")[0])
        sender.add("outside", f"https://receiver.example:{port}/spojka")
        sender.happen("case-1")
        asked: list[Any] = []

        async def rebound(_self: object, host: str, port: int, **_more: object) -> list[Any]:
            asked.append(host)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

        monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", rebound)
        async with sender.sending(networks=()):
            await until(lambda: sender.deliveries(DeliveryState.DEAD))
    assert set(asked) == {"receiver.example"}
    assert receiver.taken == []
    assert "not public" in (sender.deliveries(DeliveryState.DEAD)[0].problem or "")


INSIDE = (
    "127.0.0.1", "10.0.0.1", "172.16.5.5", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.1.2.3", "224.0.0.1",
    "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
    "64:ff9b::7f00:1", "2002:7f00:1::", "2001:db8::1", "198.18.0.1", "192.0.2.1",
)  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_no_inner_address_is_taken_for_a_public_one(address: str) -> None:
    assert not permitted(ip_address(address), networks=(), clear=False)


def test_public_addresses_are_called_by_tls_only_and_named_networks_in_clear_too() -> None:
    for address in ("93.184.215.14", "2606:2800:21f::1"):
        assert permitted(ip_address(address), networks=(), clear=False)
        assert not permitted(ip_address(address), networks=(), clear=True)
    inner = ip_network("10.1.0.0/16")
    assert permitted(ip_address("10.1.2.3"), networks=[inner], clear=True)
    assert permitted(ip_address("::ffff:10.1.2.3"), networks=[inner], clear=True)
    assert not permitted(ip_address("10.2.0.1"), networks=[inner], clear=True)


def test_a_sender_that_is_killed_between_sending_and_noting_it_sends_again_under_the_same_id(sender: Sender) -> None:
    house = sender.place.houses[OP]
    children: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        command = [sys.executable, "-m", "tests.integration.api.webhook_receiver", str(house.folder), OP]
        children.append(subprocess.Popen(command))

    def kill(handler: BaseHTTPRequestHandler) -> None:
        children[-1].kill()
        children[-1].wait()
        answer(handler, 200)

    with Receiver(kill) as receiver:
        secret = sender.add("intranet", receiver.url)
        sender.happen("case-1")
        for _ in range(2):
            start()
            children[-1].wait()
        assert not sender.deliveries(DeliveryState.SENT)
        receiver.behave = lambda handler: answer(handler, 200)
        start()
        _wait(lambda: bool(sender.deliveries(DeliveryState.SENT)))
        children[-1].kill()
        children[-1].wait()
        assert len(receiver.verified(secret)) == 3
    assert len(set(receiver.ids)) == 1


def _wait(condition: Callable[[], bool]) -> None:
    async def waiting() -> None:
        await until(condition)

    asyncio.run(waiting())


async def test_what_happens_while_the_sender_runs_is_told_and_what_was_before_is_not(sender: Sender) -> None:
    house = sender.place.houses[OP]
    house.desk.enrol(ClientKey("before"))
    with Receiver() as receiver:
        async with sender.sending() as sending:
            sender.add("intranet", receiver.url)
            made = house.desk.enrol(ClientKey("after")).message_id
            sending.wake()
            await until(lambda: receiver.taken)
            sender.place.post("/webhooks/intranet/remove", {})
            house.desk.enrol(ClientKey("between"))
            sender.add("intranet", receiver.url)
            last = house.desk.enrol(ClientKey("again")).message_id
            sending.wake()
            await until(lambda: len(receiver.taken) == 2)
    assert [json.loads(body)["data"]["message"] for _, body in receiver.taken] == [made, last]


def test_a_unit_without_webhooks_writes_nothing_for_them(sender: Sender) -> None:
    house = sender.place.houses[OP]
    sending = WebhooksSending(house.store, house.folder, unit=OP, now=lambda: BEGUN)
    house.desk.enrol(ClientKey("case-1"))
    assert sending._with_something_due() == ()
    with house.store.read() as tx:
        assert tx.followers.find(FOLLOWER) is None


def test_the_follower_tells_each_item_once_whatever_is_repeated(sender: Sender) -> None:
    sender.add("intranet", "https://intranet.example/")
    sender.happen("case-1")
    sender.happen()
    assert len(sender.deliveries(DeliveryState.WAITING)) == 1


def test_a_secret_lies_in_a_file_that_only_its_owner_may_read_and_nowhere_else(sender: Sender) -> None:
    secret = sender.add("intranet", "https://intranet.example/")
    house = sender.place.houses[OP]
    file = house.folder / "webhooks" / "intranet.secret"
    assert file.stat().st_mode & 0o777 == 0o600
    held = list(cells(house.folder))
    assert held
    assert not any(secret.encode() in cell for cell in held)
    file.chmod(0o640)
    with pytest.raises(WebhookError, match="Others may read"):
        secrets_kept.read(house.folder, "intranet")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a.example/",
        "https://",
        "https://user:pw@a.example/",
        "https://a.example/#x",
        "javascript:x",
        "https://a b/",
    ],
)
def test_what_is_no_address_is_told_at_once(sender: Sender, url: str) -> None:
    with pytest.raises(WebhookError, match="no address"):
        sender.add("intranet", url)


async def test_nothing_goes_to_a_webhook_that_was_removed(sender: Sender) -> None:
    with Receiver() as receiver, Receiver() as other:
        sender.add("gone", receiver.url)
        sender.add("stays", other.url)
        sender.happen("case-1")
        assert sender.place.post("/webhooks/gone/remove", {}).status_code == 201
        sender.happen("case-2")
        async with sender.sending():
            await until(lambda: len(other.taken) == 2)
    assert receiver.taken == []
    assert not (sender.place.houses[OP].folder / "webhooks" / "gone.secret").exists()
