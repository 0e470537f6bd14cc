"""What a unit takes from its feed is the hub's and its authors', in order; everything else is kept apart with a reason."""

from __future__ import annotations

from datetime import timedelta

import pytest

from adapters.exchange.feed_chain import ChainTip, Gap, Recipient
from adapters.exchange.feed_check import (
    Delivered,
    FeedCheck,
    HeadSeen,
    Receipted,
    Repeated,
    Suspicion,
    Suspicious,
    Verdict,
)
from contracts.codes import RefusalCode
from contracts.envelope import parse
from contracts.keys import KeyUse, SigningKey
from contracts.names import HUB, InstitutionId, UnitId
from contracts.signed_bytes import sign_batch
from contracts.trust_list import Revocation, UnitEntry
from tests.simulated_hub import NOON, PROGRAMME, SimulatedFeed, SimulatedHub

OP, UP = UnitId("op"), UnitId("up")
READER = Recipient(PROGRAMME, UP)


class Reading:
    """A reader that keeps its tips."""

    def __init__(self, hub: SimulatedHub) -> None:
        self.hub = hub
        self.tips: dict[int, ChainTip] = {}
        self.check = FeedCheck(READER)

    def read(self, value: bytes | None) -> Verdict:
        verdict = self.check.judge(value, tips=self.tips, directory=self.hub.directory)
        tip = getattr(verdict, "tip", None)
        if isinstance(tip, ChainTip):
            self.tips[tip.shard] = tip
        return verdict


@pytest.fixture
def hub() -> SimulatedHub:
    return SimulatedHub()


@pytest.fixture
def feed(hub: SimulatedHub) -> SimulatedFeed:
    return SimulatedFeed(hub, UP)


@pytest.fixture
def reading(hub: SimulatedHub) -> Reading:
    return Reading(hub)


def test_slots_in_order_are_taken_and_each_message_is_its_authors(
    hub: SimulatedHub, feed: SimulatedFeed, reading: Reading
) -> None:
    for number in (1, 2, 3):
        verdict = reading.read(feed.deliver(hub.message_of(OP, number)))
        assert isinstance(verdict, Delivered)
        assert verdict.doubt is None
        assert verdict.message == feed.given[-1]
    assert reading.tips[0].sequence == 3
    assert reading.tips[0].link == feed.link


def test_a_batch_signed_message_and_one_of_the_hub_are_taken_too(
    hub: SimulatedHub, feed: SimulatedFeed, reading: Reading
) -> None:
    payloads = [hub.message_of(OP, n).payload for n in (1, 2)]
    for signed in (*sign_batch(payloads, hub.unit_keys[OP]), hub.message_of(HUB, 9)):
        verdict = reading.read(feed.deliver(signed))
        assert isinstance(verdict, Delivered)
        assert verdict.doubt is None


def test_a_repeated_slot_changes_nothing(hub: SimulatedHub, feed: SimulatedFeed, reading: Reading) -> None:
    first, second = (feed.deliver(hub.message_of(OP, n)) for n in (1, 2))
    reading.read(first)
    reading.read(second)
    assert reading.read(first) == Repeated()
    assert reading.read(second) == Repeated()


def test_a_lost_slot_is_asked_for_from_where_it_is_missing(
    hub: SimulatedHub, feed: SimulatedFeed, reading: Reading
) -> None:
    reading.read(feed.deliver(hub.message_of(OP, 1)))
    feed.deliver(hub.message_of(OP, 2))
    assert reading.read(feed.deliver(hub.message_of(OP, 3))) == Gap(0, 1, 2)
    assert all(isinstance(reading.read(record), Delivered) for record in feed.replay(2))


def test_a_head_tells_of_slots_lost_at_the_end(hub: SimulatedHub, feed: SimulatedFeed, reading: Reading) -> None:
    reading.read(feed.deliver(hub.message_of(OP, 1)))
    reached = reading.read(feed.head())
    assert isinstance(reached, HeadSeen)
    assert reached.caught_up
    feed.deliver(hub.message_of(OP, 2))
    ahead = reading.read(feed.head(made_at=NOON + timedelta(minutes=1)))
    assert isinstance(ahead, HeadSeen)
    assert not ahead.caught_up
    assert ahead.gap == Gap(0, 1, 2)


def test_a_higher_generation_starts_again_and_the_old_one_is_past(
    hub: SimulatedHub, feed: SimulatedFeed, reading: Reading
) -> None:
    reading.read(feed.deliver(hub.message_of(OP, 1)))
    restored = SimulatedFeed(hub, UP, generation=2)
    restored.deliver(hub.message_of(OP, 1))
    assert reading.read(restored.deliver(hub.message_of(OP, 2))) == Gap(0, 2, 1)
    assert all(isinstance(reading.read(record), Delivered) for record in restored.replay(1))
    assert reading.read(feed.deliver(hub.message_of(OP, 5))) == Repeated()


def test_another_history_under_the_same_numbers_is_found_out(hub: SimulatedHub, reading: Reading) -> None:
    shown, other = SimulatedFeed(hub, UP), SimulatedFeed(hub, UP)
    reading.read(shown.deliver(hub.message_of(OP, 1)))
    at_the_tip = other.deliver(hub.message_of(OP, 2))
    behind_it = other.deliver(hub.message_of(OP, 3))
    for record in (at_the_tip, behind_it):
        assert reading.read(record) == Suspicious(Suspicion.FORKED)
    other.given.pop()
    other.given.pop()
    other.deliver(hub.message_of(OP, 4))
    assert reading.read(other.head()) == Suspicious(Suspicion.FORKED)
    assert reading.tips[0].link == shown.link


def test_a_withheld_slot_takes_its_number_and_brings_nothing(
    hub: SimulatedHub, feed: SimulatedFeed, reading: Reading
) -> None:
    verdict = reading.read(feed.deliver(hub.message_of(OP, 1), withheld=True))
    assert isinstance(verdict, Delivered)
    assert verdict.message is None
    assert isinstance(reading.read(feed.deliver(hub.message_of(OP, 2))), Delivered)


def test_another_message_beside_a_delivery_is_not_taken_and_the_slot_is_asked_for_again(
    hub: SimulatedHub, feed: SimulatedFeed, reading: Reading
) -> None:
    swapped = feed.deliver(hub.message_of(OP, 1), beside=hub.message_of(OP, 2))
    assert reading.read(swapped) == Suspicious(Suspicion.DIGEST_MISMATCH, Gap(0, 1, 1))
    assert 0 not in reading.tips


def test_a_delivery_stripped_of_its_message_is_asked_for_again(
    hub: SimulatedHub, feed: SimulatedFeed, reading: Reading
) -> None:
    whole = feed.deliver(hub.message_of(OP, 1))
    stripped = whole[: whole.index(b',"message":')] + b"}"
    assert reading.read(stripped) == Suspicious(Suspicion.MESSAGE_MISSING, Gap(0, 1, 1))


def test_a_message_of_an_unknown_key_takes_its_slot_and_is_settled_by_a_newer_list(
    hub: SimulatedHub, feed: SimulatedFeed, reading: Reading
) -> None:
    stranger = UnitId("vz")
    key = SigningKey(b"\x77" * 32, unit=stranger, use=KeyUse.MESSAGES)
    signed = hub.message_of(stranger, 1, key=key)
    verdict = reading.read(feed.deliver(signed))
    assert isinstance(verdict, Delivered)
    assert verdict.doubt is Suspicion.UNKNOWN_AUTHOR_KEY
    listed = hub.listed()
    entry = UnitEntry(unit=stranger, institution=InstitutionId("all"), name="VZ", keys=(hub.entry(key),))
    hub.publish_list(units=(*listed.units, entry))
    assert reading.check.opened(signed, hub.directory, with_subject=True) == parse(signed.payload)


def test_a_message_signed_before_its_key_was_revoked_still_counts(
    hub: SimulatedHub, feed: SimulatedFeed, reading: Reading
) -> None:
    units = tuple(
        unit.model_copy(
            update={"keys": tuple(k.model_copy(update={"revoked": Revocation(at=NOON)}) for k in unit.keys)}
        )
        for unit in hub.listed().units
    )
    hub.publish_list(units=units)
    verdict = reading.read(feed.deliver(hub.message_of(OP, 1)))
    assert isinstance(verdict, Delivered)
    assert verdict.doubt is None


def test_a_unit_cannot_speak_for_another(hub: SimulatedHub, feed: SimulatedFeed, reading: Reading) -> None:
    verdict = reading.read(feed.deliver(hub.message_of(OP, 1, key=hub.unit_keys[UP])))
    assert isinstance(verdict, Delivered)
    assert verdict.doubt is Suspicion.NOT_THE_AUTHOR


def test_a_revoked_key_of_the_hub_gives_nothing_any_more(
    hub: SimulatedHub, feed: SimulatedFeed, reading: Reading
) -> None:
    keys = tuple(
        one.model_copy(update={"revoked": Revocation(at=NOON)}) if one.key_id == hub.deliveries.key_id else one
        for one in hub.listed().hub_keys
    )
    hub.publish_list(hub_keys=keys)
    assert reading.read(feed.deliver(hub.message_of(OP, 1))) == Suspicious(Suspicion.UNKNOWN_HUB_KEY)


@pytest.mark.parametrize("use", [KeyUse.RECEIPTS, KeyUse.MESSAGES])
def test_a_delivery_signed_with_the_hubs_key_for_another_use_is_refused(use: KeyUse, reading: Reading) -> None:
    hub = SimulatedHub()
    impostor = {KeyUse.RECEIPTS: hub.receipts, KeyUse.MESSAGES: hub.messages}[use]
    feed = SimulatedFeed(hub, UP)
    whole = feed.deliver(hub.message_of(OP, 1))
    renamed = whole.replace(hub.deliveries.key_id.encode(), impostor.key_id.encode())
    assert reading.read(renamed) == Suspicious(Suspicion.BAD_HUB_SIGNATURE)


def test_a_unit_that_signs_deliveries_is_not_the_hub(hub: SimulatedHub, feed: SimulatedFeed, reading: Reading) -> None:
    whole = feed.deliver(hub.message_of(OP, 1))
    renamed = whole.replace(hub.deliveries.key_id.encode(), hub.unit_keys[OP].key_id.encode())
    assert reading.read(renamed) == Suspicious(Suspicion.UNKNOWN_HUB_KEY)


def test_the_feed_of_another_unit_is_not_read(hub: SimulatedHub, reading: Reading) -> None:
    other = SimulatedFeed(hub, OP)
    assert reading.read(other.deliver(hub.message_of(UP, 1))) == Suspicious(Suspicion.FOR_ANOTHER)
    assert reading.read(other.head()) == Suspicious(Suspicion.FOR_ANOTHER)
    assert reading.read(other.receipt(hub.message_of(OP, 1))) == Suspicious(Suspicion.FOR_ANOTHER)


def test_receipts_are_taken_outside_the_chain(hub: SimulatedHub, feed: SimulatedFeed, reading: Reading) -> None:
    verdict = reading.read(feed.receipt(hub.message_of(UP, 1), code=RefusalCode.NO_GROUND))
    assert isinstance(verdict, Receipted)
    assert verdict.receipt.code is RefusalCode.NO_GROUND
    assert reading.tips == {}


@pytest.mark.parametrize("value", [None, b"", b"{}", b"[]", b'{"head":1}', b'{"head":{},"receipt":{}}', b"\xff" * 40])
def test_rubbish_on_the_topic_is_kept_apart(value: bytes | None, reading: Reading) -> None:
    assert reading.read(value) == Suspicious(Suspicion.UNREADABLE)
