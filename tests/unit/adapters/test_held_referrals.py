"""What moves a referral that may not leave yet waits with it, and leaves behind it in order."""

from pathlib import Path
from uuid import uuid4

from adapters.desk.actions.consents import Paper, Terms
from adapters.desk.desk import Desk
from adapters.desk.recorded import RecordedState
from adapters.desk.signer import Signer
from adapters.drafts import ClientKey, Draft
from adapters.storage.unit_store import UnitStore
from contracts.categories import Category
from contracts.envelope import parse
from contracts.grants import to_unit
from contracts.messages.referral import ReferralAccepted, ReferralSent
from contracts.names import ReferralId, UnitId
from tests.simulated_hub import FOR_EVER, NOON, PROGRAMME, SimulatedHub
from tests.simulation.programme import StoryClock

OP, UP = UnitId("op"), UnitId("up")
KAREL = ClientKey("karel")


def test_an_answer_to_a_held_referral_waits_and_leaves_behind_it(tmp_path: Path) -> None:
    hub = SimulatedHub()
    store = UnitStore.open(tmp_path / "unit.db")
    signer = Signer(PROGRAMME, hub.unit_keys[OP])
    desk = Desk(store, signer=signer, directory=lambda: hub.directory, clock=StoryClock(NOON))
    referral_id = ReferralId(str(uuid4()))
    sent = ReferralSent(referral_id=referral_id, kind="referral", external=True, answer_due=FOR_EVER[1])
    accepted = ReferralAccepted(referral_id=referral_id, as_reported=True)
    states = [desk.record(Draft(KAREL, facts, NOON, category=Category.HOUSING)).state for facts in (sent, accepted)]
    assert states == [RecordedState.HELD, RecordedState.HELD]
    terms = Terms((OP,), [to_unit(UP)], (Category.HOUSING,), FOR_EVER[1], FOR_EVER[0])
    desk.take_consent(KAREL, terms, Paper())
    with store.read() as tx:
        assert list(tx.held.all()) == []
        left = [parse(message.signed.payload).facts for message in tx.outbox.next_to_send(10)]
    assert left[1:] == [sent, accepted]
    store.close()
