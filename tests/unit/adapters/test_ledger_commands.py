"""At the command line: a person reads alarms in their language and dismisses them, and hands out proofs that stand alone."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from adapters import commands, keyring
from adapters.exchange.ledger_reader import LedgerReader
from adapters.exchange.ledger_watch import LedgerWatch
from adapters.process.unit_house import KEYS
from adapters.settings import unit_folder
from adapters.storage.feed_places import ChainState
from adapters.storage.outbox import OutboxState
from contracts import feed_record
from contracts.ledger.announcement import Sighting, read_sighting
from contracts.pae import PayloadType
from contracts.receipt import Receipt
from contracts.signed_bytes import sign_one
from hub.audit.policy_text import policy_text
from projections.kafka.batch_producer import OutgoingRecord, SentAt
from projections.kafka.errors import TransportError
from projections.kafka.positions import RawRecord
from tests.simulated_hub import NOON, SimulatedFeed, SimulatedHub
from tests.simulated_ledger import SimulatedLedger
from tests.unit.adapters.reading_unit import OP, UP
from tests.unit.adapters.test_commands import Office, consented, office_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from adapters.process.unit_house import UnitHouse
    from contracts.names import MessageId
    from contracts.signed_bytes import SignedBytes


class Line:
    """What would go to the broker; away while the test says so."""

    def __init__(self) -> None:
        self.sent: list[Sighting] = []
        self.away = False

    async def send(self, records: Sequence[OutgoingRecord]) -> list[SentAt]:
        if self.away:
            raise TransportError("nobody answers")
        self.sent += [read_sighting(one.value or b"") for one in records]
        return [SentAt(one.topic, one.partition, 0, "first") for one in records]


class Desk:
    """OP's office, that reads a ledger."""

    def __init__(self, home: Path) -> None:
        keys = unit_folder(home, OP) / KEYS
        self.hub = SimulatedHub(unit_keys={OP: keyring.create(keys, OP)})
        self.ledger = SimulatedLedger(self.hub)
        self.ledger.witness_keys[OP] = keyring.witness_or_new(keys, OP)
        self.office: Office = office_of(home, self.hub)
        self.house: UnitHouse = self.office.house()
        with self.house.store.write() as tx:
            added = self.house.book.offer(tx, self.ledger.list_with_keys(), at=NOON)
        self.house.book.keep(added)  # type: ignore[arg-type] # it follows
        self.line = Line()
        self.now = 0.0
        self.reader = LedgerReader(
            store=self.house.store,
            watch=LedgerWatch(unit=OP, book=self.house.book, signer=self.house.keys.witness),
            sender=self.line,
            unit=OP,
            shards=1,
            clock=self.house.clock,
            monotonic=lambda: self.now,
        )
        self._offset = 0

    async def read(self, value: bytes) -> None:
        self._offset += 1
        await self.reader.handle([RawRecord("hub.ledger", 0, self._offset, "first", None, value, (), 0)])

    def answered(self, position: int) -> tuple[MessageId, SignedBytes]:
        """The first message that waits, with a receipt that names a place in the ledger."""
        with self.house.store.write() as tx:
            message = tx.outbox.next_to_send(1)[0]
            plain = feed_record.read(SimulatedFeed(self.hub, OP).receipt(message.signed, position=position)).signed
            receipt = feed_record.document(plain, Receipt)
            receipt = receipt.model_copy(update={"leaf": self.ledger.leaves[position].hex()})
            signed = sign_one(feed_record.payload_of(receipt), self.hub.receipts, PayloadType.RECEIPT)
            tx.receipts.mark(receipt, signed, journal=tx.journal, at=NOON)
        return message.message_id, message.signed


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    found = Desk(tmp_path)
    yield found
    found.house.close()


async def test_a_sent_entry_is_listed_saved_and_checked_by_a_policy_of_one_s_own(desk: Desk, tmp_path: Path) -> None:
    consented(desk.office)
    desk.ledger.grow(20)
    message, signed = desk.answered(13)
    await desk.read(desk.ledger.announce(0, by=("op", "up")))
    (listed,) = [one for one in json.loads(desk.office.type("proof", "list", "case-1", "--json")) if one["proven"]]
    assert listed["id"] == message
    proof, policy = tmp_path / "entry.proof", tmp_path / "policy.txt"
    desk.office.type("proof", "save", message, str(proof))
    keys = [desk.ledger.witness(unit).key for unit in (OP, UP)]
    policy.write_text(policy_text(desk.ledger.signer.key, units=keys, outside=[]))
    said = desk.office.type("proof", "check", str(proof), "--policy", str(policy), "--lang", "cs")
    assert signed.digest.hex() in said.replace("\n", "")
    raw = proof.read_text(encoding="utf-8").splitlines(keepends=True)
    proof.write_text("".join([*raw[:3], *raw[4:]]), encoding="utf-8")
    shorter = ["proof", "check", str(proof), "--policy", str(policy), "--home", str(tmp_path)]
    assert "path is too short" in str(CliRunner().invoke(commands.app, shorter).exception)


async def test_what_was_signed_stays_whole_beside_its_proof(desk: Desk) -> None:
    consented(desk.office)
    desk.ledger.grow(20)
    message, signed = desk.answered(13)
    await desk.read(desk.ledger.announce(0, by=("op", "up")))
    with desk.house.store.read() as tx:
        kept = tx.outbox.find(message)
    assert kept is not None
    assert (kept.state, kept.signed) == (OutboxState.ACCEPTED, signed)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "compare with another institution"),
        ("cs", "porovnejte s jinou institucí"),
        ("pl", "porównaj z inną instytucją"),
    ],
)
def test_a_fork_is_told_in_the_person_s_language_wherever_they_look_until_they_dismiss_it(
    desk: Desk, tmp_path: Path, language: str, words: str
) -> None:
    desk.office.type("alarm", "dismiss", "1")
    desk.ledger.grow(10)
    asyncio.run(desk.read(desk.ledger.announce(0)))
    other = SimulatedLedger(desk.hub)
    other.grow(12, history="another")
    asyncio.run(desk.read(other.announce(0)))
    shown = desk.office.type("alarm", "list", "--lang", language).replace("│", " ")
    assert words in " ".join(shown.split())
    health = json.loads(desk.office.type("health", "--json"))
    assert (health["status"], health["alarms"]) == ("warn", {"2": "ledger-forked"})
    result = CliRunner().invoke(commands.app, ["doctor", "--json", "--home", str(tmp_path)])
    checks = {one["check"]: one["status"] for found in json.loads(result.output)["units"].values() for one in found}
    assert checks["alarms"] == "warn"
    evidence = tmp_path / "evidence"
    desk.office.type("alarm", "evidence", "2", str(evidence))
    assert other.announce(0) in evidence.read_bytes()
    desk.office.type("alarm", "dismiss", "2")
    assert json.loads(desk.office.type("health", "--json"))["alarms"] == {}
    assert len(json.loads(desk.office.type("alarm", "list", "--all", "--json"))) == 2


async def test_a_cosignature_that_did_not_get_through_is_sent_later_and_only_the_last_one(desk: Desk) -> None:
    desk.line.away = True
    for size in (5, 9):
        desk.ledger.grow(size)
        await desk.read(desk.ledger.announce(0))
    await desk.reader.tick()
    desk.line.away = False
    await desk.reader.tick()
    assert desk.line.sent == [], "not at once: the broker is given time"
    desk.now = 60.0
    await desk.reader.tick()
    await desk.reader.tick()
    assert [one.size for one in desk.line.sent] == [9]


async def test_what_a_unit_writes_names_what_it_has_seen_of_the_ledger(desk: Desk) -> None:
    consented(desk.office)
    desk.ledger.grow(7)
    await desk.read(desk.ledger.announce(0))
    desk.house.desk.acknowledge_feed(ChainState(0, 1, 0, b"\x00" * 32))
    with desk.house.store.read() as tx:
        said = [json.loads(one.signed.payload).get("checkpoint") for one in tx.outbox.next_to_send(99)]
    root = desk.ledger.checkpoint().text.split("\n")[2]
    assert said[-1] == f"0:7:{root}"
    assert said[0] is None, "what was written before anything was seen"
