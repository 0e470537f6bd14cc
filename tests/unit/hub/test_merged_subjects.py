"""Two subjects that are one person, at the hub: each side needs its own ground, another institution reviews, a split reaches everyone."""

from datetime import timedelta

import pytest

from adapters.conformance.on_paper import on_paper
from contracts.categories import Category
from contracts.codes import RefusalCode
from contracts.grants import Grant, to_unit
from contracts.messages.consent import ConsentWithdrawn
from contracts.messages.need import NeedAssessed
from contracts.messages.subject import SubjectMerged, SubjectSplit
from contracts.names import GroundId, MergeId, MessageId, SubjectId, UnitId
from tests.simulation.programme import KAREL, Simulation

OTHER = SubjectId("r1." + "o" * 26)
MERGE = MergeId("00000000-0000-4000-8000-0000000000f0")
CONSENT = {
    KAREL: GroundId("00000000-0000-4000-8000-000000000001"),
    OTHER: GroundId("00000000-0000-4000-8000-000000000002"),
}
EVERYONE = tuple(UnitId(one) for one in ("md", "md-claims", "op", "up", "vz"))


@pytest.fixture
def hub() -> Simulation:
    """OP took a consent about Karel for UP and MD, and one about the other subject for UP; MD took none."""
    made = Simulation()
    made.publish_trust_list()
    for unit in ("up", "md"):
        consent(made, KAREL, unit)
    consent(made, OTHER, "up")
    return made


def consent(hub: Simulation, subject: SubjectId, unit: str) -> None:
    grant = Grant(
        sources=(UnitId("op"),),
        recipient=to_unit(UnitId(unit)),
        categories=(Category.HOUSING,),
        until=hub.clock.at + timedelta(days=90),
    )
    given = on_paper(CONSENT[subject], grant)
    hub.say("op", given, subject=subject)


def merged(*tell: str) -> SubjectMerged:
    return SubjectMerged(merge_id=MERGE, method="asked-client", tell=tuple(UnitId(one) for one in tell) or EVERYONE)


SPLIT = SubjectSplit(merge_id=MERGE, reason="other-person")


def answer(hub: Simulation, unit: str, message_id: MessageId) -> RefusalCode | None:
    hub.relay_all()
    return hub.receipt(unit, message_id).code


def test_only_units_with_a_ground_on_this_side_are_told_of_this_side(hub: Simulation) -> None:
    sides = {subject: hub.say("op", merged(), subject=subject) for subject in (KAREL, OTHER)}
    hub.relay_all()
    assert hub.given_to(sides[KAREL]) == {"up", "md"}
    assert hub.given_to(sides[OTHER]) == {"up"}


def test_no_side_names_the_other(hub: Simulation) -> None:
    hub.say("op", merged(), subject=KAREL)
    hub.relay_all()
    for records in hub.feeds.values():
        assert not any(
            OTHER.encode() in one.message.payload
            for one in records
            if one.message and KAREL.encode() in one.message.payload
        )


def test_a_unit_without_a_ground_on_a_side_can_neither_propose_nor_review_there(hub: Simulation) -> None:
    assert answer(hub, "md", hub.say("md", merged(), subject=OTHER)) is RefusalCode.MERGE_NOT_OPEN
    hub.say("op", merged(), subject=OTHER)
    assert answer(hub, "md", hub.say("md", merged(), subject=OTHER)) is RefusalCode.MERGE_NOT_OPEN
    assert answer(hub, "vz", hub.say("vz", merged(), subject=OTHER)) is RefusalCode.MERGE_NOT_OPEN


def test_a_subject_that_nobody_knows_is_answered_like_one_that_is_forbidden(hub: Simulation) -> None:
    nobody = SubjectId("r1." + "n" * 26)
    assert answer(hub, "vz", hub.say("vz", merged(), subject=nobody)) is RefusalCode.MERGE_NOT_OPEN
    assert answer(hub, "vz", hub.say("vz", merged(), subject=KAREL)) is RefusalCode.MERGE_NOT_OPEN
    assert answer(hub, "vz", hub.say("vz", SPLIT, subject=nobody)) is RefusalCode.MERGE_NOT_OPEN


def test_another_institution_reviews_and_all_who_were_told_hear_of_it(hub: Simulation) -> None:
    hub.say("op", merged(), subject=KAREL)
    reviewed = hub.say("up", merged(), subject=KAREL)
    assert answer(hub, "up", reviewed) is None
    assert hub.given_to(reviewed) == {"op", "md"}
    assert answer(hub, "md", hub.say("md", merged(), subject=KAREL)) is RefusalCode.MERGE_NOT_OPEN


def test_nobody_reviews_the_proposal_of_their_own_institution(hub: Simulation) -> None:
    consent(hub, KAREL, "md-claims")
    hub.say("md", merged(), subject=KAREL)
    assert answer(hub, "md", hub.say("md", merged(), subject=KAREL)) is RefusalCode.MERGE_NOT_OPEN
    assert answer(hub, "md-claims", hub.say("md-claims", merged(), subject=KAREL)) is RefusalCode.MERGE_NOT_OPEN
    assert answer(hub, "op", hub.say("op", merged(), subject=KAREL)) is None


def test_a_proposal_that_no_other_institution_can_review_is_refused(hub: Simulation) -> None:
    assert answer(hub, "op", hub.say("op", merged("vz"), subject=KAREL)) is RefusalCode.MERGE_NOT_OPEN


def test_whoever_was_told_splits_alone_and_everyone_hears_it_even_after_the_ground_ended(hub: Simulation) -> None:
    hub.say("op", merged(), subject=KAREL)
    hub.say("up", merged(), subject=KAREL)
    hub.say("op", ConsentWithdrawn(consent_id=CONSENT[KAREL]), subject=KAREL)
    split = hub.say("md", SPLIT, subject=KAREL)
    assert answer(hub, "md", split) is None
    assert hub.given_to(split) == {"op", "up"}
    assert answer(hub, "op", hub.say("op", SPLIT, subject=KAREL)) is RefusalCode.MERGE_NOT_OPEN


def test_after_its_ground_ended_a_unit_hears_no_review(hub: Simulation) -> None:
    hub.say("op", merged(), subject=KAREL)
    hub.say("op", ConsentWithdrawn(consent_id=CONSENT[KAREL]), subject=KAREL)
    assert answer(hub, "up", hub.say("up", merged(), subject=KAREL)) is RefusalCode.MERGE_NOT_OPEN


def test_a_merge_gives_nobody_an_entry_of_the_other_side(hub: Simulation) -> None:
    for subject in (KAREL, OTHER):
        hub.say("op", merged(), subject=subject)
        hub.say("up", merged(), subject=subject)
    need = NeedAssessed(dimension="housing", level="high")
    entries = {subject: hub.say("op", need, category=Category.HOUSING, subject=subject) for subject in (KAREL, OTHER)}
    hub.relay_all()
    assert hub.given_to(entries[KAREL]) == {"up", "md"}
    assert hub.given_to(entries[OTHER]) == {"up"}
