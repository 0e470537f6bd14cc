"""Parked messages: what met an unexpected fault waits with everything behind it, until the operator has it decided again or refuses it."""

import pytest

from contracts.categories import Category
from contracts.codes import RefusalCode
from contracts.envelope import parse
from contracts.messages.hub import ConsentExpired
from contracts.messages.need import NeedAssessed
from contracts.names import MessageId, RecordKey, SubjectId
from contracts.signed_bytes import SignedBytes
from hub.application import docket
from hub.domain import deciding, support_path, timers
from hub.domain.decision import Circumstances, Decision
from hub.domain.events import MessageAccepted, MessageRefused
from hub.domain.support_path import SupportPath
from hub.infrastructure.memory_store import MemoryWriterStore
from tests.simulation.programme import KAREL, START, Simulation
from tests.unit.hub.test_hostile_records import OTHER, consent

KEY = RecordKey(KAREL)


class Bug:
    """A fault of ours that these messages meet, until it is mended."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.met_by: set[MessageId] = set()
        monkeypatch.setattr(docket, "decide", self.decide)

    def decide(self, path: SupportPath, message: object, now: Circumstances) -> Decision:
        if getattr(message, "id", None) in self.met_by:
            raise ZeroDivisionError("a fault of ours")
        return deciding.decide(path, message, now)  # type: ignore[arg-type] # as docket gave it


@pytest.fixture
def hub() -> Simulation:
    hub = Simulation()
    hub.publish_trust_list()
    hub.say("op", consent(hub))
    hub.say("op", consent(hub), subject=OTHER)
    return hub


@pytest.fixture
def bug(monkeypatch: pytest.MonkeyPatch) -> Bug:
    return Bug(monkeypatch)


def need(hub: Simulation, subject: SubjectId = KAREL) -> tuple[MessageId, SignedBytes]:
    return hub.message("op", NeedAssessed(dimension="skills"), category=Category.SKILLS, subject=subject)


def park_three(hub: Simulation, bug: Bug) -> list[MessageId]:
    """Three messages of one client: the first meets the fault, the others stand behind it."""
    sent = [need(hub) for _ in range(3)]
    bug.met_by.add(sent[0][0])
    hub.take([hub.record(signed, KAREL) for _, signed in sent])
    assert hub.intake.parked == 3
    return [message_id for message_id, _ in sent]


def ask(hub: Simulation, verb: str) -> None:
    hub.shard.ask(KEY, verb)  # type: ignore[arg-type] # one of the three words
    hub.intake.carry_out(hub.verifier.check)
    hub.relay_all()


def codes(hub: Simulation, messages: list[MessageId]) -> list[list[RefusalCode | None]]:
    return [[receipt.code for receipt in hub.receipts("op", one)] for one in messages]


def test_a_fault_costs_no_other_client_and_is_told(hub: Simulation, bug: Bug) -> None:
    parked = park_three(hub, bug)
    other = hub.say("op", NeedAssessed(dimension="skills"), category=Category.SKILLS, subject=OTHER)
    hub.relay_all()
    assert codes(hub, parked) == [[], [], []]
    assert hub.receipt("op", other).code is None
    faults = [one.fault for one in MemoryWriterStore(hub.shard).parked(KEY)]
    assert faults[0].startswith("ZeroDivisionError")
    assert set(faults[1:]) == {"stands behind a parked message"}


def test_a_message_that_comes_again_while_parked_is_parked_once(hub: Simulation, bug: Bug) -> None:
    name, signed = need(hub)
    bug.met_by.add(name)
    hub.take([hub.record(signed, KAREL)])
    (taken,) = hub.take([hub.record(signed, KAREL), hub.record(signed, KAREL)])
    assert (taken.counts.parked, taken.counts.waiting) == (0, 2)
    hub.intake = hub.new_intake()
    (taken,) = hub.take([hub.record(signed, KAREL)])
    assert (taken.counts.parked, taken.counts.waiting, hub.intake.parked) == (0, 1, 1)


def test_a_retry_after_the_fault_is_mended_decides_all_in_order(hub: Simulation, bug: Bug) -> None:
    parked = park_three(hub, bug)
    bug.met_by.clear()
    ask(hub, "retry")
    assert codes(hub, parked) == [[None], [None], [None]]
    assert [hub.given_to(one) for one in parked] == [{"vz"}] * 3
    assert hub.intake.parked == 0
    after = hub.say("op", NeedAssessed(dimension="skills"), category=Category.SKILLS)
    hub.relay_all()
    assert hub.receipt("op", after).code is None


def test_a_retry_that_meets_the_fault_again_changes_nothing(hub: Simulation, bug: Bug) -> None:
    parked = park_three(hub, bug)
    before = len(hub.shard.log)
    ask(hub, "retry")
    assert [one.message_id for one in MemoryWriterStore(hub.shard).parked(KEY)] == parked
    assert (len(hub.shard.log), hub.intake.parked, hub.shard.wishes) == (before, 3, {})


def test_refused_by_the_operator_each_gets_its_receipt_and_the_author_goes_on(hub: Simulation, bug: Bug) -> None:
    parked = park_three(hub, bug)
    ask(hub, "refuse")
    assert codes(hub, parked) == [[RefusalCode.OPERATOR_REFUSED]] * 3
    events = [event for event in hub.shard.log if isinstance(event, MessageRefused)]
    assert [event.advances for event in events] == [True] * 3
    after = hub.say("op", NeedAssessed(dimension="skills"), category=Category.SKILLS)
    hub.relay_all()
    assert hub.receipt("op", after).code is None


def test_only_the_message_at_fault_can_be_refused(hub: Simulation, bug: Bug) -> None:
    parked = park_three(hub, bug)
    ask(hub, "refuse-first")
    assert codes(hub, parked) == [[RefusalCode.OPERATOR_REFUSED], [None], [None]]


def test_a_refusal_never_jumps_over_a_number_that_is_still_missing(hub: Simulation, bug: Bug) -> None:
    lost, later = need(hub), need(hub)
    name, blocked = hub.message("vz", NeedAssessed(dimension="skills"), category=Category.SKILLS)
    bug.met_by.add(name)
    hub.take([hub.record(blocked, KAREL), hub.record(later[1], KAREL)])
    ask(hub, "refuse")
    assert codes(hub, [later[0]]) == [[]]
    hub.take([hub.record(lost[1], KAREL), hub.record(later[1], KAREL)])
    hub.relay_all()
    assert codes(hub, [lost[0], later[0]]) == [[None], [None]]


def test_a_key_revoked_meanwhile_signs_nothing_into_the_log(hub: Simulation, bug: Bug) -> None:
    park_three(hub, bug)
    bug.met_by.clear()
    hub.revoke(hub.units["op"].key.key_id)
    before = len(hub.shard.log)
    ask(hub, "retry")
    assert (len(hub.shard.log), hub.intake.parked, len(hub.shard.dead_letters)) == (before, 0, 3)


def test_a_commit_that_fails_leaves_the_wish_for_the_next_writer(hub: Simulation, bug: Bug) -> None:
    parked = park_three(hub, bug)
    bug.met_by.clear()

    def away() -> None:
        raise ConnectionError("the database is away")

    hub.shard.before_commit = away
    with pytest.raises(ConnectionError):
        ask(hub, "retry")
    hub.shard.before_commit = lambda: None
    hub.intake = hub.new_intake()
    assert hub.intake.parked == 3
    hub.intake.carry_out(hub.verifier.check)
    hub.relay_all()
    assert codes(hub, parked) == [[None]] * 3


def test_a_history_that_cannot_be_folded_parks_its_own_client_alone(
    hub: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def odd(path: SupportPath, event: MessageAccepted, *rest: object) -> SupportPath:
        if event.key == KEY:
            raise KeyError("an odd history")
        return folded(path, event, *rest)  # type: ignore[arg-type] # as the fold gave it

    folded = support_path.evolve
    monkeypatch.setattr(support_path, "evolve", odd)
    hub.intake = hub.new_intake()
    (karel, first), (other, second) = need(hub), need(hub, OTHER)
    hub.take([hub.record(first, KAREL), hub.record(second, OTHER)])
    hub.relay_all()
    assert (codes(hub, [karel]), codes(hub, [other])) == ([[]], [[None]])
    monkeypatch.setattr(support_path, "evolve", folded)
    ask(hub, "retry")
    assert codes(hub, [karel]) == [[None]]


def test_a_timer_that_meets_a_fault_does_not_silence_the_others(
    hub: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fire(path: SupportPath, *rest: object) -> object:
        if path.key == KEY:
            raise ZeroDivisionError("a fault of ours")
        return right(path, *rest)  # type: ignore[arg-type] # as docket gave it

    right = timers.fire
    monkeypatch.setattr(timers, "fire", fire)
    hub.clock.at = START.replace(year=2028)
    of_the_faulty = sum(timer.key == KEY for timer in hub.shard.timers.values())
    hub.fire()
    assert hub.intake.stuck_timers == of_the_faulty > 0
    assert not hub.intake.anything_due()
    expired = [event.key for event in hub.shard.log if isinstance(event, MessageAccepted) and is_expiry(event)]
    assert expired == [RecordKey(OTHER)]


def is_expiry(event: MessageAccepted) -> bool:
    return isinstance(parse(event.message.payload).facts, ConsentExpired)
