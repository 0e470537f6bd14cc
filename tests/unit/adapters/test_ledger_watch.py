"""A unit watches the hub's ledger: what follows it cosigns, what does not rings and stays, and its messages are proven under what others saw too."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from adapters.exchange.ledger_watch import UNPROVEN, LedgerWatch
from adapters.process.entry_proof_file import EntryProofError, check, proof_of
from adapters.storage.alarms import AlarmKind
from adapters.storage.outbox import Queued
from contracts import feed_record
from contracts.dsse import from_envelope, to_envelope
from contracts.envelope import parse_attributes
from contracts.keys import KeyUse, SigningKey
from contracts.ledger import policy, proof_file
from contracts.ledger.announcement import Announcement
from contracts.ledger.frontier import Frontier
from contracts.ledger.listed_keys import holding
from contracts.ledger.signed_note import NoteSigner, SignatureType
from contracts.names import HUB, RecordKey, UnitId
from contracts.pae import PayloadType
from contracts.receipt import Receipt
from contracts.signed_bytes import sign_one
from hub.audit.policy_text import policy_text
from tests.simulated_hub import NOON, SUBJECT, SimulatedHub, signed_list
from tests.simulated_ledger import SimulatedLedger
from tests.unit.adapters.reading_unit import OP, UP, ReadingUnit
from tests.unit.hub.test_announcing import announcer_over

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from contracts.ledger.announcement import Sighting
    from contracts.signed_bytes import SignedBytes

THIRD = UnitId("vz")


class Witness:
    """UP, who reads what a ledger announces."""

    def __init__(self, folder: Path) -> None:
        self.unit = ReadingUnit(folder, hub=SimulatedHub(units=(OP, UP, THIRD)))
        self.ledger = SimulatedLedger(self.unit.hub)
        self.take_list(self.ledger.list_with_keys())
        self.dismiss()  # its witness key came into the list: it knows
        self.watch = LedgerWatch(unit=UP, book=self.unit.book, signer=lambda: self.ledger.witness(UP))

    def take_list(self, envelope: bytes) -> None:
        with self.unit.store.write() as tx:
            added = self.unit.book.offer(tx, envelope, at=NOON)
        self.unit.book.keep(added)  # type: ignore[arg-type] # it follows, else the test fails right here

    def dismiss(self) -> None:
        with self.unit.store.write() as tx:
            for one in tx.alarms.open():
                tx.alarms.dismiss(one.number, at=NOON)

    def see(self, value: bytes) -> Sighting | None:
        (record,) = self.unit.records(value, topic="hub.ledger")
        with self.unit.store.write() as tx:
            return self.watch.take(tx, record, at=self.unit.clock.now())

    def size(self) -> int:
        with self.unit.store.read() as tx:
            return tx.ledger.sizes().get(0, 0)

    def alarms(self) -> list[AlarmKind]:
        with self.unit.store.read() as tx:
            return [one.kind for one in tx.alarms.open()]

    def sent(self, number: int) -> SignedBytes:
        """A message of UP on its way."""
        signed = self.unit.hub.message_of(UP, number)
        attributes, _ = parse_attributes(signed.payload)
        with self.unit.store.write() as tx:
            queued = Queued(attributes.id, RecordKey(SUBJECT), number, signed)
            tx.outbox.put([queued], at=self.unit.clock.now())
        return signed

    def receipt(self, message: SignedBytes, position: int, leaf: bytes) -> None:
        made = feed_record.document(
            feed_record.read(self.unit.feed.receipt(message, position=position)).signed, Receipt
        )
        signed = sign_one(
            feed_record.payload_of(made.model_copy(update={"leaf": leaf.hex()})),
            self.unit.hub.receipts,
            PayloadType.RECEIPT,
        )
        self.unit.intake.take(self.unit.records(feed_record.write("receipt", to_envelope(signed, PayloadType.RECEIPT))))

    def prove(self) -> int:
        with self.unit.store.write() as tx:
            return self.watch.prove(tx, 0, at=self.unit.clock.now())

    def stretches(self) -> int:
        with self.unit.store.read() as tx:
            return len(tx.ledger.stretches(0, below=self.size()))


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Witness]:
    witness = Witness(tmp_path)
    witness.ledger.grow(10)
    witness.see(witness.ledger.announce(0))
    yield witness
    witness.unit.store.close()


def test_what_follows_from_the_last_checkpoint_is_cosigned_and_nothing_twice(up: Witness) -> None:
    up.ledger.grow(25)
    said = up.see(up.ledger.announce(10))
    assert said is not None
    assert (said.size, said.root_hash, said.behind) == (25, up.ledger.checkpoint().root, False)
    signature = said.signature(up.ledger.checkpoint().text)
    assert signature is not None
    assert holding(signature, up.ledger.checkpoint().text, [up.ledger.witness(UP).key])
    assert up.see(up.ledger.announce(25, by=("op", "up"))) is None, "ours is on it already"
    assert up.see(up.ledger.announce(0, 10)) is None, "an older one again is no news"
    assert (up.size(), up.alarms()) == (25, [])


def test_a_fork_shown_to_one_unit_rings_there_and_what_it_signed_convicts_the_hub(up: Witness) -> None:
    other = SimulatedLedger(up.unit.hub)
    other.grow(5)
    other.grow(30, history="for UP alone")
    said = up.see(other.announce(5))
    assert up.alarms() == [AlarmKind.LEDGER_FORKED]
    assert up.size() == 10, "nothing moves on"
    up.ledger.grow(40)
    assert up.see(up.ledger.announce(10)) is None, "until a person looked, nothing of this ledger is cosigned"
    assert said is not None
    truth = announcer_over(other.leaves)
    truth.hear(said, {UP: [up.ledger.witness(UP).key]})
    assert truth.contradicted == {UP}, "the ledger that others see does not hold what this unit signed for"


def test_another_root_for_the_same_size_rings(up: Witness) -> None:
    other = SimulatedLedger(up.unit.hub)
    other.grow(10, history="another")
    up.see(other.announce(0))
    assert up.alarms() == [AlarmKind.LEDGER_FORKED]


def test_a_ledger_that_went_back_to_a_backup_rings_once_and_keeps_both_sides(up: Witness) -> None:
    up.ledger.grow(30)
    up.see(up.ledger.announce(10))
    restored = SimulatedLedger(up.unit.hub)
    restored.grow(12)
    up.see(restored.announce(10))
    up.see(restored.announce(10))
    with up.unit.store.read() as tx:
        (alarm,) = tx.alarms.open()
    assert (alarm.kind, alarm.shard, alarm.detail) == (AlarmKind.LEDGER_REWOUND, 0, "shard 0: 12 after 30")
    assert up.ledger.checkpoint().text.encode() in alarm.evidence
    assert restored.announce(10) in alarm.evidence


def test_after_a_person_looked_the_unit_begins_anew_and_the_evidence_stays(up: Witness) -> None:
    restored = SimulatedLedger(up.unit.hub)
    restored.grow(8)
    up.see(restored.announce(0, 8))
    assert up.alarms() == [AlarmKind.LEDGER_REWOUND]
    up.dismiss()
    with up.unit.store.write() as tx:
        tx.ledger.forget(0)
    restored.grow(20, history="after the restore")
    said = up.see(restored.announce(8))
    assert said is not None
    assert (up.size(), up.alarms()) == (20, [])
    with up.unit.store.read() as tx:
        assert AlarmKind.LEDGER_REWOUND in {one.kind for one in tx.alarms.all()}


def test_what_is_not_the_hub_s_or_does_not_add_up_is_kept_apart_and_is_no_alarm(up: Witness) -> None:
    forger = SimulatedLedger(SimulatedHub(), key=up.ledger.witness_keys[OP])
    forger.grow(20, history="forged")
    up.see(forger.announce(10))
    up.see(b"{}")
    up.ledger.grow(20)
    changed = Announcement.model_validate_json(up.ledger.announce(10))
    up.see(changed.model_copy(update={"leaves": "A" * 43 + "="}).document)
    assert (up.size(), up.alarms()) == (10, [])
    with up.unit.store.read() as tx:
        assert tx.suspicious.counts() == {UNPROVEN: 3}


@pytest.mark.parametrize("form", ["leaves", "proof"])
def test_a_unit_that_was_away_asks_to_be_met_where_it_stands(up: Witness, form: str) -> None:
    up.ledger.grow(90)
    said = up.see(up.ledger.announce(50))
    assert said is not None
    assert (said.size, said.behind) == (10, True)
    truth = announcer_over(up.ledger.leaves)
    before = Frontier().extended(up.ledger.leaves[:10])
    path = truth.tree(90).consistency(10)
    jump = Announcement.over(before, path, up.ledger.note()).document
    answer = up.see(up.ledger.announce(10) if form == "leaves" else jump)
    assert answer is not None
    assert (answer.size, answer.behind, up.alarms()) == (90, False, [])


@pytest.mark.parametrize("late", [False, True], ids=["receipt first", "checkpoint first"])
def test_a_sent_message_is_proven_once_enough_units_saw_the_ledger_that_holds_it(up: Witness, *, late: bool) -> None:
    message = up.sent(1)
    up.ledger.grow(25)
    leaf = up.ledger.leaves[17]
    if not late:
        up.receipt(message, 17, leaf)
    up.see(up.ledger.announce(10, by=("op",)))
    with up.unit.store.read() as tx, pytest.raises(EntryProofError, match="not proven yet"):
        proof_of(tx, parse_attributes(message.payload)[0].id)
    up.see(up.ledger.announce(25, by=("op", "up")))
    if late:
        up.receipt(message, 17, leaf)
        assert up.prove() == 1
    with up.unit.store.read() as tx:
        text = proof_of(tx, parse_attributes(message.payload)[0].id).text
    units = [up.ledger.witness(one).key for one in (OP, UP, THIRD)]
    trusted = policy.parse(policy_text(up.ledger.signer.key, units=units, outside=[]))
    receipt, head = check(proof_file.parse(text), trusted, up.unit.book.usable(NOON))
    assert (receipt.digest, receipt.position, head.size) == (message.digest.hex(), 17, 25)
    proof = proof_file.parse(text)
    changed = replace(proof, extra=(proof.extra or b"").replace(b'"sig":"', b'"sig":"AAAA', 1))
    for forged in (changed, replace(proof, extra=None), replace(proof, index=16)):
        with pytest.raises(EntryProofError):
            check(forged, trusted, up.unit.book.usable(NOON))
    signed, kind = from_envelope(proof.extra or b"")
    other = replace(signed, payload=signed.payload.replace(message.digest.hex().encode(), b"0" * 64))
    with pytest.raises(EntryProofError, match="does not hold"):
        check(replace(proof, extra=to_envelope(other, kind)), trusted, up.unit.book.usable(NOON))
    outsider = NoteSigner("witness.example", b"\x66" * 32, SignatureType.COSIGNATURE).key
    strict = policy.parse(policy_text(up.ledger.signer.key, units=units, outside=[outsider]))
    with pytest.raises(EntryProofError, match="too few witnesses"):
        check(proof_file.parse(text), strict, up.unit.book.usable(NOON))


def test_a_receipt_that_the_ledger_does_not_bear_out_rings_and_is_the_evidence(up: Witness) -> None:
    message = up.sent(1)
    up.ledger.grow(25)
    up.receipt(message, 17, b"\x07" * 32)
    up.see(up.ledger.announce(10, by=("op", "up")))
    with up.unit.store.read() as tx:
        (alarm,) = tx.alarms.open()
        receipt = tx.receipts.find(parse_attributes(message.payload)[0].id)
        assert receipt is not None
        assert (alarm.kind, alarm.evidence) == (
            AlarmKind.RECEIPT_CONTRADICTED,
            to_envelope(receipt, PayloadType.RECEIPT),
        )


def test_leaf_hashes_are_kept_as_long_as_a_message_may_need_them_and_no_longer(up: Witness) -> None:
    message = up.sent(1)
    for size in (20, 30, 40):
        before = len(up.ledger.leaves)
        up.ledger.grow(size)
        up.see(up.ledger.announce(before, by=("op", "up")))
    assert up.stretches() > 3, "the receipt may still name any of them"
    up.receipt(message, 12, up.ledger.leaves[12])
    assert up.prove() == 1
    up.unit.clock.at = NOON.replace(hour=13)
    up.ledger.grow(50)
    up.see(up.ledger.announce(40, by=("op", "up")))
    assert up.stretches() == 1
    with up.unit.store.read() as tx:
        proof_of(tx, parse_attributes(message.payload)[0].id)


def test_a_change_of_the_unit_s_own_entry_rings_until_a_person_dismisses_it_and_being_admitted_does_not(
    tmp_path: Path,
) -> None:
    unit = ReadingUnit(tmp_path, hub=SimulatedHub(units=(OP,)))
    newcomer = unit.hub.listed(units=(*unit.hub.listed().units, *SimulatedHub(units=(OP, UP)).listed().units[1:])).units
    stricter = tuple(one.model_copy(update={"can_sanction": True}) if one.unit == UP else one for one in newcomer)
    rung = []
    for units in (newcomer, stricter, stricter):
        with unit.store.write() as tx:
            unit.book.keep(unit.book.offer(tx, unit.hub.publish_list(units=units), at=NOON))  # type: ignore[arg-type] # each follows
            rung.append([one.kind for one in tx.alarms.open()])
    assert rung == [[], [AlarmKind.OWN_ENTRY_CHANGED], [AlarmKind.OWN_ENTRY_CHANGED]]
    unit.store.close()


def test_two_lists_under_one_number_ring_where_the_operator_signed_both(up: Witness) -> None:
    hub = up.unit.hub
    other = hub.listed(version=2, previous=hub.versions[0].digest.hex(), trial=False)
    with up.unit.store.write() as tx:
        up.unit.book.offer(tx, signed_list(other, SigningKey(b"\x55" * 32, unit=HUB, use=KeyUse.DIRECTORY)), at=NOON)
        assert tx.alarms.open() == []
        up.unit.book.offer(tx, signed_list(other, hub.root), at=NOON)
        assert [one.kind for one in tx.alarms.open()] == [AlarmKind.LIST_FORKED]
