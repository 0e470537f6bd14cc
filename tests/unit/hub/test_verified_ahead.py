"""What is verified while the batch before it is still being written."""

from contracts.categories import Category
from contracts.codes import DeadLetterReason
from contracts.messages.need import NeedAssessed
from hub.application.ports import DeadLetter
from tests.simulation.programme import KAREL, Simulation


def test_a_key_revoked_by_the_last_record_of_a_batch_speaks_for_nobody_in_the_next() -> None:
    hub = Simulation()
    hub.publish_trust_list()
    _, signed = hub.message("op", NeedAssessed(dimension="housing"), category=Category.HOUSING, subject=KAREL)
    batch = [hub.revocation(hub.units["op"].key.key_id)]
    decided = hub.intake.decide(hub.verifier.check_all(batch, hub.intake.directory, hub.intake.now()), batch)

    ahead = hub.verifier.check(hub.record(signed, KAREL), decided.directory, hub.intake.now())

    assert isinstance(ahead, DeadLetter)
    assert ahead.reason is DeadLetterReason.REVOKED_KEY
    assert hub.intake.write(decided).counts.accepted == 1
    assert hub.intake.directory == decided.directory
