"""Nothing is decided under a trust list that is not evidence: the configured one enters a shard's log before the first message."""

from dataclasses import replace
from datetime import timedelta

import pytest

from contracts.dsse import to_envelope
from contracts.envelope import parse
from contracts.messages.hub import TrustListPublished
from contracts.names import UnitId
from contracts.pae import PayloadType
from hub.application.ports import UnusableListError
from hub.application.programme import as_told, notice_name
from hub.domain.events import MessageAccepted
from tests.simulation.programme import START, Simulation
from tests.unit.hub.test_hostile_records import consent, need


def configured(hub: Simulation) -> TrustListPublished:
    """What the operator's home folder holds, taken over by a new writer."""
    told = as_told(to_envelope(hub.signed_list, PayloadType.TRUST_LIST))
    hub.programme = replace(hub.programme, configured=told)
    return told


@pytest.fixture
def hub() -> Simulation:
    hub = Simulation()
    hub.clock.at = START + timedelta(days=39)
    configured(hub)
    hub.intake = hub.new_intake()
    return hub


def said(hub: Simulation) -> list[object]:
    return [parse(one.message.payload).facts for one in hub.shard.log if isinstance(one, MessageAccepted)]


def test_the_list_stands_before_the_first_message_that_is_judged_by_it(hub: Simulation) -> None:
    hub.say("op", consent(hub))
    hub.say("op", consent(hub))
    assert isinstance(said(hub)[0], TrustListPublished)
    assert [one.basis.trust_list for one in hub.shard.log if isinstance(one, MessageAccepted)] == [1, 1, 1]
    hub.relay_all()
    assert {unit for unit, records in hub.feeds.items() if records[0].message is not None} == {*map(UnitId, hub.units)}


def test_the_operator_who_publishes_it_too_and_the_next_writer_change_nothing(hub: Simulation) -> None:
    told = configured(hub)
    _, signed = hub.programme.voice.say(told, name=notice_name(told), at=hub.directory.listed.issued_at)
    for _ in range(2):
        (taken,) = hub.take([hub.record(signed, hub.hub_record_key)])
        assert (taken.counts.repeated, taken.counts.refused) == (1, 0)
        hub.intake = hub.new_intake()
    assert said(hub) == [told]


def test_a_list_that_has_expired_decides_nothing() -> None:
    hub = Simulation()
    configured(hub)
    hub.clock.at = START + timedelta(days=801)
    with pytest.raises(UnusableListError, match="expired"):
        hub.new_intake()
    assert hub.shard.log == []


def test_a_programme_that_has_its_list_in_the_log_goes_on_with_a_first_one_that_has_expired_since(
    hub: Simulation,
) -> None:
    hub.clock.at = START + timedelta(days=801)
    hub.intake = hub.new_intake()
    _, signed = need(hub)
    hub.take([hub.record(signed, "r1." + "k" * 26)])
    assert len(said(hub)) == 1
