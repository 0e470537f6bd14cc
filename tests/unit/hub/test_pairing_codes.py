"""A pairing code at the hub: good once, for 30 days, for another unit; and no answer tells one that never was from one that is used up."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from contracts.codes import RefusalCode
from contracts.envelope import parse
from contracts.messages.subject import PairingOffered, PairingOpened, SubjectPaired
from contracts.names import MessageId, SubjectId, UnitId
from contracts.pairing import Meeting, meeting_of, new_code, unwrap, wrap
from tests.simulation.programme import DECIN, KAREL, Simulation

OP, UP = UnitId("op"), UnitId("up")
TAKE = SubjectPaired(method="pairing-code")
MEETING = meeting_of(new_code(bytes(12)), DECIN)


@pytest.fixture
def hub() -> Simulation:
    made = Simulation()
    made.publish_trust_list()
    return made


def offer(hub: Simulation, meeting: Meeting = MEETING, *, days: int = 30) -> MessageId:
    wrapped = wrap(KAREL, meeting=meeting, issuer=OP, nonce=bytes(12))
    facts = PairingOffered(until=hub.clock.at + timedelta(days=days), wrapped=wrapped)
    return hub.say("op", facts, subject=meeting.subject)


def answer(hub: Simulation, unit: str, message_id: MessageId) -> RefusalCode | None:
    hub.relay_all()
    return hub.receipt(unit, message_id).code


def handed_over(hub: Simulation, unit: str) -> list[PairingOpened]:
    records = [one.message for one in hub.feeds.get(UnitId(unit), []) if one.kind == "delivery" and one.message]
    facts = [parse(one.payload).facts for one in records]
    return [one for one in facts if isinstance(one, PairingOpened)]


def test_the_first_to_enter_the_code_is_handed_the_subject_while_the_issuer_is_away(hub: Simulation) -> None:
    offered = offer(hub)
    taken = hub.say("up", TAKE, subject=MEETING.subject)
    assert answer(hub, "op", offered) is None
    assert answer(hub, "up", taken) is None
    (opened,) = handed_over(hub, "up")
    assert unwrap(opened.wrapped, meeting=MEETING, issuer=opened.issuer) == KAREL
    assert hub.given_to(taken) == {"op"}
    assert hub.given_to(offered) == set()
    assert not any(handed_over(hub, unit) for unit in ("op", "md", "vz"))


def never_offered(hub: Simulation) -> None:
    del hub


def used_by_another(hub: Simulation) -> None:
    offer(hub)
    hub.say("md", TAKE, subject=MEETING.subject)


def run_out(hub: Simulation) -> None:
    offer(hub)
    hub.clock.at += timedelta(days=30)


def used_by_oneself(hub: Simulation) -> None:
    offer(hub)
    hub.say("up", TAKE, subject=MEETING.subject)


@pytest.mark.parametrize("before", [never_offered, used_by_another, run_out, used_by_oneself])
def test_an_unknown_a_used_and_a_run_out_code_are_answered_alike(
    hub: Simulation, before: Callable[[Simulation], None]
) -> None:
    before(hub)
    assert answer(hub, "up", hub.say("up", TAKE, subject=MEETING.subject)) is RefusalCode.PAIRING_NOT_OPEN
    assert len(handed_over(hub, "up")) == (before is used_by_oneself)


def test_a_unit_cannot_use_up_its_own_code(hub: Simulation) -> None:
    offer(hub)
    assert answer(hub, "op", hub.say("op", TAKE, subject=MEETING.subject)) is RefusalCode.PAIRING_NOT_OPEN
    assert answer(hub, "up", hub.say("up", TAKE, subject=MEETING.subject)) is None


def test_a_code_is_good_up_to_its_last_day(hub: Simulation) -> None:
    offer(hub)
    hub.clock.at += timedelta(days=30) - timedelta(seconds=1)
    assert answer(hub, "up", hub.say("up", TAKE, subject=MEETING.subject)) is None


def test_a_code_cannot_be_made_to_last_longer_nor_be_offered_again(hub: Simulation) -> None:
    assert answer(hub, "op", offer(hub, days=31)) is RefusalCode.INVALID_DATA
    offer(hub)
    assert answer(hub, "op", offer(hub)) is RefusalCode.PAIRING_NOT_OPEN


def test_the_issuer_notes_under_its_own_subject_who_joined_and_only_that_unit_is_told(hub: Simulation) -> None:
    noted = hub.say("op", SubjectPaired(method="pairing-code", joined=UP))
    assert answer(hub, "op", noted) is None
    assert hub.given_to(noted) == {"up"}


def test_another_unit_cannot_speak_in_the_hubs_name(hub: Simulation) -> None:
    wrapped = wrap(SubjectId("r1." + "z" * 26), meeting=MEETING, issuer=OP, nonce=bytes(12))
    forged = PairingOpened(unit=UP, issuer=OP, wrapped=wrapped)
    assert answer(hub, "md", hub.say("md", forged, subject=MEETING.subject)) is RefusalCode.NOT_ENTITLED
