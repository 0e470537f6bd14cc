"""A client has what is shared about them erased, across all institutions: nobody gets it again, and everyone who has it is told to erase it."""

from datetime import timedelta

import pytest

from adapters.conformance.on_paper import on_paper
from contracts.categories import Category
from contracts.codes import RefusalCode
from contracts.envelope import parse
from contracts.grants import Grant, to_unit
from contracts.messages.consent import ConsentWithdrawn
from contracts.messages.entry import EntryCorrected
from contracts.messages.erasure import ErasureCarriedOut, ErasureRequested
from contracts.messages.feed import ReplayRequested
from contracts.messages.hub import ObligationOpened
from contracts.messages.need import NeedAssessed
from contracts.messages.obligation import ObligationAnswered
from contracts.messages.referral import ReferralAccepted, ReferralDetached, ReferralSent, ReferralWithdrawn
from contracts.names import GroundId, MessageId, ReferralId, UnitId
from hub.domain.events import MessageAccepted
from tests.simulation.programme import KAREL, START, Simulation

HOUSING, SKILLS = Category.HOUSING, Category.SKILLS


@pytest.fixture
def hub() -> Simulation:
    made = Simulation()
    made.publish_trust_list()
    made.clock.at = START + timedelta(days=10)
    return made


def consent(hub: Simulation, *recipients: str) -> dict[str, GroundId]:
    """OP takes a consent for each of these units, with all that was before."""
    taken = {}
    for recipient in recipients:
        grant = Grant(
            sources=(UnitId("op"),),
            recipient=to_unit(UnitId(recipient)),
            categories=(HOUSING, SKILLS),
            history_from=START,
            until=hub.clock.at + timedelta(days=90),
        )
        taken[recipient] = GroundId(hub.next_id())
        facts = on_paper(taken[recipient], grant)
        hub.say("op", facts)
    return taken


def entry(hub: Simulation, category: Category = HOUSING) -> MessageId:
    return hub.say("op", NeedAssessed(dimension="housing"), category=category)


def erase(hub: Simulation, unit: str = "op", *categories: Category) -> MessageId:
    return hub.say(unit, ErasureRequested(categories=categories))


def duties(hub: Simulation) -> dict[str, set[MessageId]]:
    """What each unit was told to erase because the client asked."""
    told: dict[str, set[MessageId]] = {}
    for event in hub.shard.log:
        facts = parse(event.message.payload).facts if isinstance(event, MessageAccepted) else None
        if isinstance(facts, ObligationOpened) and facts.because == "erasure":
            told.setdefault(facts.unit, set()).update(facts.entries)
    return told


def given_again(hub: Simulation, unit: str) -> list[MessageId]:
    """What a unit is given when it asks for its whole feed once more."""
    hub.relay_all()
    before = len(hub.feeds.get(UnitId(unit), []))
    hub.say(unit, ReplayRequested(shard=0, generation=1, from_sequence=1), subject=None)
    hub.relay_all()
    records = hub.feeds.get(UnitId(unit), [])[before:]
    return [parse(one.message.payload).id for one in records if one.kind == "delivery" and one.message is not None]


def answer(hub: Simulation, unit: str, message_id: MessageId) -> RefusalCode | None:
    hub.relay_all()
    return hub.receipt(unit, message_id).code


def test_everyone_who_was_given_an_entry_is_told_to_erase_it_and_gets_it_no_more(hub: Simulation) -> None:
    consent(hub, "up", "vz")
    old = entry(hub)
    hub.relay_all()
    erase(hub)
    assert duties(hub) == {"up": {old}, "vz": {old}}
    assert old not in given_again(hub, "up")


def test_what_waits_to_be_given_when_the_client_asks_is_not_given(hub: Simulation) -> None:
    consent(hub, "up")
    waiting = entry(hub)
    erase(hub)
    hub.relay_all()
    assert hub.given_to(waiting) == set()
    assert duties(hub) == {"up": {waiting}}


def test_a_consent_that_comes_later_brings_nothing_back(hub: Simulation) -> None:
    consent(hub, "up")
    old = entry(hub)
    hub.relay_all()
    erase(hub)
    consent(hub, "vz")
    new = entry(hub)
    hub.relay_all()
    assert "vz" not in hub.given_to(old)
    assert hub.given_to(new) == {"up", "vz"}


def test_only_the_categories_that_the_client_named_are_erased(hub: Simulation) -> None:
    consent(hub, "up")
    housing, skills = entry(hub), entry(hub, SKILLS)
    hub.relay_all()
    erase(hub, "op", HOUSING)
    assert duties(hub) == {"up": {housing}}
    again = given_again(hub, "up")
    assert skills in again
    assert housing not in again


def test_who_still_holds_something_under_a_consent_that_ended_is_told_too(hub: Simulation) -> None:
    taken = consent(hub, "up", "vz")
    old = entry(hub)
    hub.relay_all()
    hub.say("op", ConsentWithdrawn(consent_id=taken["vz"]))
    erase(hub)
    assert duties(hub) == {"up": {old}, "vz": {old}}


def test_what_a_back_fill_brought_is_erased_as_well(hub: Simulation) -> None:
    consent(hub, "up")
    old = entry(hub)
    consent(hub, "vz")
    hub.relay_all()
    assert hub.given_to(old) == {"up", "vz"}
    erase(hub)
    assert duties(hub) == {"up": {old}, "vz": {old}}


def test_asked_twice_nobody_is_told_twice(hub: Simulation) -> None:
    consent(hub, "up")
    entry(hub)
    hub.relay_all()
    erase(hub)
    before = duties(hub)
    named = [one for one in hub.shard.log if isinstance(one, MessageAccepted)]
    erase(hub)
    assert duties(hub) == before
    assert len([one for one in hub.shard.log if isinstance(one, MessageAccepted)]) == len(named) + 1


def test_a_stranger_to_the_client_may_not_ask(hub: Simulation) -> None:
    consent(hub, "up")
    entry(hub)
    assert answer(hub, "md", erase(hub, "md")) is RefusalCode.NOT_ENTITLED
    assert duties(hub) == {}


@pytest.mark.parametrize("unit", ["op", "up"])
def test_author_and_recipient_may_ask_for_the_client(hub: Simulation, unit: str) -> None:
    consent(hub, "up")
    old = entry(hub)
    hub.relay_all()
    assert answer(hub, unit, erase(hub, unit)) is None
    assert duties(hub) == {"up": {old}}


def test_referrals_about_what_is_erased_end_and_both_sides_learn_it(hub: Simulation) -> None:
    consent(hub, "up")
    referrals = [ReferralId(hub.next_id()) for _ in range(2)]
    for one in referrals:
        sent = ReferralSent(
            referral_id=one, kind="referral", target=UnitId("up"), answer_due=hub.clock.at + timedelta(days=9)
        )
        hub.say("op", sent, category=HOUSING)
    hub.say("up", ReferralAccepted(referral_id=referrals[0]), category=HOUSING)
    erase(hub)
    hub.relay_all()
    said = [parse(one.message.payload) for one in hub.shard.log if isinstance(one, MessageAccepted)]
    ended = {one.facts.referral_id: one for one in said if isinstance(one.facts, ReferralDetached | ReferralWithdrawn)}
    assert {name: type(one.facts) for name, one in ended.items()} == {
        referrals[0]: ReferralDetached,
        referrals[1]: ReferralWithdrawn,
    }
    assert all(hub.given_to(one.id) == {"op", "up"} for one in ended.values())


def test_an_erased_entry_cannot_come_back_as_a_correction(hub: Simulation) -> None:
    consent(hub, "up")
    old = entry(hub)
    erase(hub)
    time = next(
        parse(one.message.payload).time
        for one in hub.shard.log
        if isinstance(one, MessageAccepted) and parse(one.message.payload).id == old
    )
    again = hub.say("op", EntryCorrected(reason="typing-error"), category=HOUSING, corrects=old, time=time)
    assert answer(hub, "op", again) is RefusalCode.UNKNOWN_ENTRY


def test_a_recipient_answers_and_is_no_longer_in_debt(hub: Simulation) -> None:
    consent(hub, "up")
    entry(hub)
    hub.relay_all()
    erase(hub)
    (duty,) = [
        facts
        for event in hub.shard.log
        if isinstance(event, MessageAccepted)
        and isinstance(facts := parse(event.message.payload).facts, ObligationOpened)
    ]
    assert duty.ground_id is None
    erased = ObligationAnswered(obligation_id=duty.obligation_id, statement="erased", entries=1, digest="0" * 64)
    assert answer(hub, "up", hub.say("up", erased)) is None


def test_the_certificate_reaches_who_asked_and_who_had_to_erase_and_nobody_else(hub: Simulation) -> None:
    consent(hub, "up")
    entry(hub)
    hub.relay_all()
    asked = erase(hub)
    done = ErasureCarriedOut(
        request_id=asked, entries=1, keys=1, live_at=hub.clock.at, beyond_at=hub.clock.at + timedelta(days=30)
    )
    voice = hub.relay.programme.voice
    certificate, signed = voice.say(done, name=f"erasure/{asked}", at=hub.clock.at, subject=KAREL)
    hub.take([hub.record(signed, KAREL)])
    hub.relay_all()
    assert hub.given_to(certificate) == {"op", "up"}
