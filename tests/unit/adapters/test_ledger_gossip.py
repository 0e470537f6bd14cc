"""Two units that were shown different heads of the ledger find out from each other's messages, without the hub's help."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

import pytest

from adapters.storage.alarms import AlarmKind
from contracts.dsse import from_envelope
from contracts.pae import PayloadType
from tests.simulated_hub import SUBJECT
from tests.simulated_ledger import SimulatedLedger
from tests.unit.adapters.reading_unit import OP
from tests.unit.adapters.test_ledger_watch import THIRD, Witness

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from contracts.names import UnitId
    from contracts.signed_bytes import SignedBytes


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Witness]:
    witness = Witness(tmp_path)
    witness.ledger.grow(10)
    witness.see(witness.ledger.announce(0))
    yield witness
    witness.unit.store.close()


@pytest.fixture
def other(up: Witness) -> SimulatedLedger:
    """What the hub shows OP: the same up to 5 entries."""
    shown = SimulatedLedger(up.unit.hub)
    shown.grow(5)
    shown.grow(30, history="for OP alone")
    return shown


def says(up: Witness, number: int, seen: SimulatedLedger, size: int, *, author: UnitId = OP) -> SignedBytes:
    """A message reaches UP, whose author had seen so much of that ledger."""
    checkpoint = f"0:{size}:{b64encode(seen.checkpoint(size).root).decode()}"
    signed = up.unit.hub.message_of(author, number, subject=SUBJECT, checkpoint=checkpoint)
    up.unit.intake.take(up.unit.records(up.unit.feed.deliver(signed)))
    return signed


def test_who_saw_another_head_of_the_same_size_is_noticed_with_its_own_signed_word(
    up: Witness, other: SimulatedLedger
) -> None:
    message = says(up, 1, other, 10)
    with up.unit.store.read() as tx:
        (alarm,) = tx.alarms.open()
    assert (alarm.kind, alarm.detail) == (AlarmKind.LEDGER_SHOWN_DIFFERENTLY, f"{OP}: shard 0, 10 entries")
    own, _, theirs = alarm.evidence.partition(b"\n{")
    assert own.decode() == up.ledger.checkpoint(10).text
    assert from_envelope(b"{" + theirs) == (message, PayloadType.CLOUDEVENT)


def test_a_head_between_two_that_were_announced_here_is_compared_too(up: Witness, other: SimulatedLedger) -> None:
    says(up, 1, up.ledger, 7)
    says(up, 2, other, 5)
    assert up.alarms() == []
    says(up, 3, other, 7)
    assert up.alarms() == [AlarmKind.LEDGER_SHOWN_DIFFERENTLY]


def test_a_hub_that_shows_this_unit_less_is_found_out_once_it_shows_as_much(
    up: Witness, other: SimulatedLedger
) -> None:
    says(up, 1, other, 20)
    assert up.alarms() == []
    up.ledger.grow(25)
    up.see(up.ledger.announce(10))
    assert up.alarms() == [AlarmKind.LEDGER_SHOWN_DIFFERENTLY]


def test_who_sees_the_same_ledger_rings_nothing_whether_it_is_ahead_or_behind(up: Witness) -> None:
    up.ledger.grow(25)
    for number, size in enumerate((3, 10, 20), start=1):
        says(up, number, up.ledger, size)
    up.see(up.ledger.announce(10))
    says(up, 4, up.ledger, 25)
    assert up.alarms() == []


def test_a_unit_that_goes_on_saying_so_rings_once_and_another_unit_beside_it(
    up: Witness, other: SimulatedLedger
) -> None:
    for number, size in enumerate((6, 8, 10), start=1):
        says(up, number, other, size)
    assert up.alarms() == [AlarmKind.LEDGER_SHOWN_DIFFERENTLY]
    says(up, 1, other, 10, author=THIRD)
    assert len(up.alarms()) == 2
    up.ledger.grow(40)
    assert up.see(up.ledger.announce(10)) is not None, "a unit's word does not stop the witness"


def test_what_one_unit_claims_of_the_future_does_not_push_out_anothers(up: Witness, other: SimulatedLedger) -> None:
    says(up, 1, other, 20)
    for number in range(1, 30):
        says(up, number, other, 30 - number % 3, author=THIRD)
    with up.unit.store.write() as tx:
        assert OP in {one.author for one in tx.gossip.take(0, up_to=30)}
