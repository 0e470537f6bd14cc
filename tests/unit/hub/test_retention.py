"""What is shared is erased by itself once it was kept for as long as the programme keeps it, and never before."""

from datetime import timedelta

import pytest

from adapters.conformance.on_paper import on_paper
from contracts.categories import Category
from contracts.codes import RefusalCode
from contracts.envelope import parse
from contracts.grants import Grant, to_unit
from contracts.messages.erasure import RetentionEnded
from contracts.messages.hub import ObligationOpened, RetentionPeriod, SettingsChanged
from contracts.messages.need import NeedAssessed
from contracts.names import GroundId, MessageId, SubjectId, UnitId
from hub.application.programme import notice_name
from hub.domain.events import MessageAccepted, MessageRefused
from tests.simulation.programme import KAREL, START, Simulation

HALINA = SubjectId("r1." + "h" * 26)
HOUSING, SKILLS = Category.HOUSING, Category.SKILLS


@pytest.fixture
def hub() -> Simulation:
    """OP shares housing and skills of two clients with UP."""
    made = Simulation()
    made.publish_trust_list()
    made.clock.at = START + timedelta(days=10)
    for client in (KAREL, HALINA):
        grant = Grant(
            sources=(UnitId("op"),),
            recipient=to_unit(UnitId("up")),
            categories=(HOUSING, SKILLS),
            until=made.clock.at + timedelta(days=300),
        )
        given = on_paper(GroundId(made.next_id()), grant)
        made.say("op", given, subject=client)
    return made


def keep(hub: Simulation, version: int = 1, **days: int) -> None:
    """The operator sets how long categories are kept."""
    facts = SettingsChanged(
        version=version,
        obligation_days=30,
        close_after_days=14,
        reopen_within_days=60,
        waitlist_grace_days=14,
        retention=tuple(RetentionPeriod(category=Category(one), days=number) for one, number in days.items()),
    )
    _, signed = hub.programme.voice.say(facts, name=notice_name(facts), at=hub.clock.now())
    hub.take([hub.record(signed, hub.hub_record_key)])


def entry(hub: Simulation, category: Category = HOUSING, client: SubjectId = KAREL) -> MessageId:
    return hub.say("op", NeedAssessed(dimension="housing"), category=category, subject=client)


def retain(hub: Simulation) -> int:
    """What the relay says about retention reaches the log; returns how much it had to say."""
    hub.relay_all()
    ended = hub.relay.retain()
    hub.take([hub.record(one.signed, one.key) for one in ended])
    return len(ended)


def to_erase(hub: Simulation) -> dict[str, set[MessageId]]:
    told: dict[str, set[MessageId]] = {}
    for event in hub.shard.log:
        facts = parse(event.message.payload).facts if isinstance(event, MessageAccepted) else None
        if isinstance(facts, ObligationOpened):
            assert facts.because == "retention"
            told.setdefault(facts.unit, set()).update(facts.entries)
    return told


def test_what_was_kept_long_enough_is_erased_and_what_is_newer_stays(hub: Simulation) -> None:
    keep(hub, housing=30)
    old = entry(hub)
    hub.clock.at += timedelta(days=20)
    new = entry(hub)
    hub.clock.at += timedelta(days=12)
    assert retain(hub) == 1
    assert to_erase(hub) == {"up": {old}}
    hub.clock.at += timedelta(days=20)
    retain(hub)
    assert to_erase(hub) == {"up": {old, new}}


def test_nothing_is_erased_a_day_too_early(hub: Simulation) -> None:
    keep(hub, housing=30)
    entry(hub)
    hub.clock.at += timedelta(days=29, hours=23)
    assert retain(hub) == 0


def test_a_category_without_a_period_is_kept(hub: Simulation) -> None:
    keep(hub, housing=30)
    entry(hub, SKILLS)
    hub.clock.at += timedelta(days=200)
    assert retain(hub) == 0


def test_a_period_set_later_counts_for_what_is_there_already(hub: Simulation) -> None:
    old = entry(hub)
    hub.clock.at += timedelta(days=100)
    assert retain(hub) == 0
    keep(hub, housing=30)
    assert retain(hub) == 1
    assert to_erase(hub) == {"up": {old}}


def test_every_client_is_looked_after(hub: Simulation) -> None:
    keep(hub, housing=30)
    entries = {entry(hub, client=client) for client in (KAREL, HALINA)}
    hub.clock.at += timedelta(days=40)
    assert retain(hub) == 2
    assert to_erase(hub) == {"up": entries}


def test_what_the_broker_lost_is_said_again_until_the_log_holds_it(hub: Simulation) -> None:
    keep(hub, housing=30)
    entry(hub)
    hub.clock.at += timedelta(days=40)
    hub.relay_all()
    lost = hub.relay.retain()
    again = hub.relay.retain()
    assert [one.signed.payload for one in lost] == [one.signed.payload for one in again]
    assert retain(hub) == 1
    assert retain(hub) == 0


def test_a_relay_that_takes_over_goes_on_where_the_last_one_was(hub: Simulation) -> None:
    keep(hub, housing=30)
    entry(hub)
    hub.clock.at += timedelta(days=40)
    retain(hub)
    retain(hub)
    place = hub.shard.retention[HOUSING]
    assert place > 0
    hub.relay = hub.new_relay()
    assert retain(hub) == 0
    assert hub.shard.retention[HOUSING] == place


def test_not_even_the_hub_erases_before_the_period_is_over(hub: Simulation) -> None:
    keep(hub, housing=30)
    entry(hub)
    hub.clock.at += timedelta(days=10)
    facts = RetentionEnded(category=HOUSING, recorded_before=hub.clock.at)
    _, signed = hub.programme.voice.say(facts, name="too-early", at=hub.clock.at, subject=KAREL)
    hub.take([hub.record(signed, KAREL)])
    refused = [one.code for one in hub.shard.log if isinstance(one, MessageRefused)]
    assert refused == [RefusalCode.NOT_ENTITLED]
    assert to_erase(hub) == {}
