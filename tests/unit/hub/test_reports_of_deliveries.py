"""What dispatch delivered comes back into the log, each slot once, whenever a relay dies."""

from collections import Counter
from datetime import timedelta

import pytest

from contracts.categories import Category
from contracts.envelope import parse
from contracts.facts import Facts
from contracts.kafka_record import MAX_VALUE
from contracts.messages.consent import ConsentGiven, ConsentWithdrawn
from contracts.messages.feed import ReplayRequested
from contracts.messages.hub import DeliveryReported, ReportedDelivery
from contracts.messages.need import NeedAssessed
from contracts.names import GroundId, UnitId
from hub.application import reporting
from hub.application.reporting import AT_ONCE, Told
from hub.domain.events import MessageAccepted
from tests.simulation.programme import START, Simulation
from tests.unit.hub.test_hostile_records import consent


@pytest.fixture
def hub() -> Simulation:
    hub = Simulation()
    hub.publish_trust_list()
    hub.clock.at = START + timedelta(days=39)
    hub.say("op", consent(hub))
    return hub


def deliver(hub: Simulation, count: int = 1) -> None:
    for _ in range(count):
        hub.say("op", NeedAssessed(dimension="skills"), category=Category.SKILLS)
    hub.relay_all()


def take(hub: Simulation, told: Told) -> None:
    hub.take([hub.record(told.signed, hub.hub_record_key)])


def facts_of(hub: Simulation) -> list[Facts]:
    return [parse(event.message.payload).facts for event in hub.shard.log if isinstance(event, MessageAccepted)]


def consented(hub: Simulation) -> GroundId:
    return next(one.consent_id for one in facts_of(hub) if isinstance(one, ConsentGiven))


def reported(hub: Simulation) -> list[tuple[str, int, str]]:
    """Unit, number in its feed and verdict of every slot that the log names, in its order."""
    slots = [slot for one in facts_of(hub) if isinstance(one, DeliveryReported) for slot in one.deliveries]
    return [(slot.unit, slot.feed_sequence, slot.verdict) for slot in slots]


def given(hub: Simulation) -> list[tuple[str, int, str]]:
    return sorted((row.unit, row.sequence, "given") for row in hub.shard.deliveries.values())


def test_every_slot_is_told_once_and_then_nothing_more(hub: Simulation) -> None:
    deliver(hub, 3)
    assert hub.report_all() > 0
    hub.relay_all()
    assert hub.report_all() == 0
    assert sorted(reported(hub)) == given(hub)


def test_a_relay_killed_between_delivery_and_report_loses_no_report(hub: Simulation) -> None:
    deliver(hub, 2)
    hub.relay = hub.new_relay()
    hub.report_all()
    assert sorted(reported(hub)) == given(hub)


def test_a_relay_killed_between_sending_and_learning_of_it_tells_the_same_again(hub: Simulation) -> None:
    deliver(hub, 2)
    told = hub.relay.report()
    assert told is not None
    deliver(hub, 2)
    hub.clock.at += timedelta(hours=1)
    hub.relay = hub.new_relay()
    again = hub.relay.report()
    assert again is not None
    assert (again.message_id, again.signed.payload) == (told.message_id, told.signed.payload)
    take(hub, told)
    (taken,) = hub.take([hub.record(again.signed, hub.hub_record_key)])
    assert taken.counts.repeated == 1
    hub.report_all()
    assert sorted(reported(hub)) == given(hub)


def test_a_report_that_the_broker_lost_is_told_until_the_log_holds_it(hub: Simulation) -> None:
    deliver(hub)
    lost = hub.relay.report()
    assert lost is not None
    assert hub.relay.report() == lost
    take(hub, lost)
    assert hub.relay.report() is None


def test_a_relay_killed_before_it_produced_reports_its_slots_once(hub: Simulation) -> None:
    hub.say("op", NeedAssessed(dimension="skills"), category=Category.SKILLS)
    hub.relay.step()
    hub.relay = hub.new_relay()
    hub.relay_all()
    hub.report_all()
    assert sorted(reported(hub)) == given(hub)


def test_a_slot_withheld_on_a_replay_is_told_after_it_was_given(hub: Simulation) -> None:
    deliver(hub, 2)
    hub.report_all()
    before = Counter(reported(hub))
    hub.say("op", ConsentWithdrawn(consent_id=consented(hub)))
    hub.say("vz", ReplayRequested(shard=0, generation=1, from_sequence=1), subject=None)
    hub.relay_all()
    hub.report_all()
    more = Counter(reported(hub)) - before
    assert {(unit, verdict) for unit, _, verdict in more if verdict == "withheld"} == {("vz", "withheld")}
    assert len([one for one in more if one[2] == "withheld"]) == 2
    assert max(more.values()) == 1


def test_a_unit_that_asks_twice_before_it_is_answered_is_given_each_slot_once(hub: Simulation) -> None:
    deliver(hub, 3)
    for first in (2, 1):
        hub.say("vz", ReplayRequested(shard=0, generation=1, from_sequence=first), subject=None)
    again = hub.relay.step()
    assert again is not None
    slots = Counter((row.unit, row.sequence) for row in again.commit.deliveries)
    assert slots[UnitId("vz"), 1] == slots[UnitId("vz"), 2] == 1, "PostgreSQL refuses a row that is written twice"
    assert max(slots.values()) == 1


def test_more_than_fits_is_told_in_several_reports(hub: Simulation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reporting, "AT_ONCE", 3)
    deliver(hub, 5)
    hub.report_all()
    sizes = [len(one.deliveries) for one in facts_of(hub) if isinstance(one, DeliveryReported)]
    assert max(sizes) <= 3
    assert len(sizes) > 1
    assert sorted(reported(hub)) == given(hub)


def test_the_largest_report_fits_into_a_record(hub: Simulation) -> None:
    slot = ReportedDelivery(unit=UnitId("u" * 40), feed_sequence=10**12, position=10**12, verdict="withheld")
    facts = DeliveryReported(shard=10**3, generation=10**3, deliveries=(slot,) * AT_ONCE)
    _, signed = hub.programme.voice.say(facts, name="largest", at=hub.clock.now())
    assert len(signed.payload) <= MAX_VALUE
