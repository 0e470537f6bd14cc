"""Settings that decide something: changed by a message in the log, in versions, and used by what is decided after it."""

from datetime import timedelta

import pytest

from contracts.categories import Category
from contracts.codes import RefusalCode
from contracts.envelope import parse
from contracts.messages.consent import ConsentWithdrawn
from contracts.messages.hub import ObligationOpened, SettingsChanged
from contracts.messages.need import NeedAssessed
from hub.application.programme import notice_name
from hub.domain.events import MessageAccepted, MessageRefused
from tests.simulation.programme import START, Simulation
from tests.unit.hub.test_hostile_records import consent
from tests.unit.hub.test_reports_of_deliveries import consented


@pytest.fixture
def hub() -> Simulation:
    hub = Simulation()
    hub.publish_trust_list()
    hub.clock.at = START + timedelta(days=39)
    hub.say("op", consent(hub))
    hub.say("op", NeedAssessed(dimension="skills"), category=Category.SKILLS)
    return hub


def change(hub: Simulation, version: int, *, obligation_days: int) -> None:
    facts = SettingsChanged(
        version=version,
        obligation_days=obligation_days,
        close_after_days=14,
        reopen_within_days=60,
        waitlist_grace_days=14,
    )
    _, signed = hub.programme.voice.say(facts, name=notice_name(facts), at=hub.clock.now())
    hub.take([hub.record(signed, hub.hub_record_key)])


def duty(hub: Simulation) -> ObligationOpened:
    """What follows when the consent is withdrawn now."""
    hub.say("op", ConsentWithdrawn(consent_id=consented(hub)))
    facts = [parse(event.message.payload).facts for event in hub.shard.log if isinstance(event, MessageAccepted)]
    return next(one for one in facts if isinstance(one, ObligationOpened))


def test_a_shorter_time_to_answer_counts_for_duties_opened_after_it(hub: Simulation) -> None:
    change(hub, 1, obligation_days=5)
    assert duty(hub).due == hub.clock.at + timedelta(days=5)


def test_a_new_writer_knows_the_last_settings(hub: Simulation) -> None:
    change(hub, 1, obligation_days=5)
    change(hub, 2, obligation_days=7)
    hub.intake = hub.new_intake()
    assert duty(hub).due == hub.clock.at + timedelta(days=7)


def test_a_version_that_does_not_follow_changes_nothing(hub: Simulation) -> None:
    change(hub, 2, obligation_days=5)
    (refused,) = [event for event in hub.shard.log if isinstance(event, MessageRefused)]
    assert refused.code is RefusalCode.INVALID_DATA
    assert duty(hub).due == hub.clock.at + timedelta(days=30)


def test_every_decision_names_the_settings_that_it_was_made_by(hub: Simulation) -> None:
    change(hub, 1, obligation_days=5)
    hub.say("op", NeedAssessed(dimension="skills"), category=Category.SKILLS)
    assert [event.basis.settings for event in hub.shard.log if isinstance(event, MessageAccepted)][-2:] == [0, 1]
