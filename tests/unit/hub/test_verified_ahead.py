"""What is verified while the batch before it is still being written."""

from collections.abc import Sequence
from datetime import timedelta
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.categories import Category
from contracts.codes import DeadLetterReason
from contracts.messages.need import NeedAssessed
from hub.application.ports import DeadLetter
from hub.application.verification import Verified, VerifiedAhead
from projections.kafka.positions import RawRecord
from tests.simulation.programme import KAREL, Simulation


def test_a_key_revoked_by_the_last_record_of_a_batch_speaks_for_nobody_in_the_next() -> None:
    hub = Simulation()
    hub.publish_trust_list()
    _, signed = hub.message("op", NeedAssessed(dimension="housing"), category=Category.HOUSING, subject=KAREL)
    batch = [hub.revocation(hub.units["op"].key.key_id)]
    at = hub.intake.now()
    decided = hub.intake.decide(hub.verifier.check_all(batch, hub.intake.directory, at), batch, at=at)

    ahead = hub.verifier.check(hub.record(signed, KAREL), decided.directory, hub.intake.now())

    assert isinstance(ahead, DeadLetter)
    assert ahead.reason is DeadLetterReason.REVOKED_KEY
    assert hub.intake.write(decided).counts.accepted == 1
    assert hub.intake.directory == decided.directory


def test_what_was_verified_before_its_key_ended_is_recorded_at_that_instant() -> None:
    hub = Simulation()
    hub.publish_trust_list()
    _, signed = hub.message("op", NeedAssessed(dimension="housing"), category=Category.HOUSING, subject=KAREL)
    batch, at = [hub.record(signed, KAREL)], hub.intake.now()
    checked = hub.verifier.check_all(batch, hub.intake.directory, at)

    hub.clock.at = at + timedelta(days=10_000)  # every key has ended
    taken = hub.intake.take(checked, batch, at=at)

    assert taken.head.last_at == at
    again = hub.verifier.check(hub.record(signed, KAREL), hub.intake.directory, hub.intake.now())
    assert isinstance(again, DeadLetter)


@given(steps=st.lists(st.one_of(st.none(), st.integers(0, 30)), max_size=20))
def test_records_come_once_and_in_order_however_far_ahead_they_were_verified(steps: list[int | None]) -> None:
    records = cast("list[RawRecord]", list(range(50)))
    checked = list[object]()

    def check(some: Sequence[RawRecord]) -> list[Verified | DeadLetter]:
        checked.extend(some)
        return cast("list[Verified | DeadLetter]", list(some))

    ahead, found = VerifiedAhead(records, check), list[object]()
    for step in steps:
        before = list(checked)
        if step is None:
            assert ahead.further() is (len(before) < len(records))
        else:
            found += ahead.next(step)
            assert found == records[: len(found)]
    found += ahead.next(len(records))
    assert found == records == checked
    assert not ahead.further()
    assert ahead.next(1) == []


def test_what_cannot_be_verified_ahead_is_tried_again_when_it_is_asked_for() -> None:
    faults = [RuntimeError("once")]

    def check(some: Sequence[RawRecord]) -> list[Verified | DeadLetter]:
        if faults:
            raise faults.pop()
        return cast("list[Verified | DeadLetter]", list(some))

    records = cast("list[RawRecord]", list(range(20)))
    ahead = VerifiedAhead(records, check)
    with pytest.raises(RuntimeError, match="once"):
        ahead.further()
    found: list[object] = list(ahead.next(20))
    assert found == records
