"""Whatever order people, rows, consents and receipts come in: numbers have no hole, no row becomes two messages, nothing is lost."""

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from adapters.desk.actions.consents import Paper, Terms
from adapters.desk.desk import Desk
from adapters.desk.recorded import Recorded, RecordedState
from adapters.desk.signer import Signer
from adapters.drafts import ClientKey, Draft
from adapters.storage.feed import accept_feed
from adapters.storage.journal import OwnState
from adapters.storage.outbox import OutboxState, Sending
from adapters.storage.unit_store import UnitStore
from contracts import feed_record
from contracts.categories import Category
from contracts.codes import RefusalCode
from contracts.envelope import parse
from contracts.grants import to_unit
from contracts.messages.service import ServiceDelivered
from contracts.names import GroundId, MessageId, RecordKey, UnitId
from tests.simulated_hub import FOR_EVER, NOON, PROGRAMME, SimulatedFeed, SimulatedHub
from tests.simulation.desks import feed_item
from tests.simulation.programme import StoryClock

OP, UP = UnitId("op"), UnitId("up")
CLIENTS = st.sampled_from([ClientKey("c-1"), ClientKey("c-2")])
CATEGORIES = st.sampled_from([Category.HOUSING, Category.SKILLS, Category.CONDUCT])
QUANTITIES = st.integers(1, 2)


class DeskMachine(RuleBasedStateMachine):
    """One desk; a hub that answers as the test says."""

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.hub = SimulatedHub()
        self.feed = SimulatedFeed(self.hub, OP)
        self.store = UnitStore.open(Path(self.folder.name) / "unit.db")
        signer = Signer(PROGRAMME, self.hub.unit_keys[OP])
        self.desk = Desk(self.store, signer=signer, directory=lambda: self.hub.directory, clock=StoryClock(NOON))
        self.rows: dict[str, MessageId] = {}
        self.consents: list[tuple[ClientKey, GroundId]] = []

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            self.folder.cleanup()

    @rule(client=CLIENTS, category=CATEGORIES, row=st.integers(1, 4), quantity=QUANTITIES, bulk=st.booleans())
    def a_row_is_imported(self, client: ClientKey, category: Category, row: int, quantity: int, *, bulk: bool) -> None:
        facts = ServiceDelivered(service="bednight", quantity=str(quantity), unit_of_quantity="nights")
        local_key = f"{client}/{category}/{row}"
        draft = Draft(client, facts, NOON, category=category, local_key=local_key)
        recorded: list[Recorded] = list(self.desk.record_many([draft, draft], bulk=bulk))
        assert recorded[1].repeated or recorded[1].state is RecordedState.REFUSED
        for one in recorded:
            if one.repeated and one.message_id is not None and local_key in self.rows:
                known = self.rows[local_key]
                assert one.message_id == known or self._was_refused(known)
            if one.message_id is not None:
                self.rows.setdefault(local_key, one.message_id)

    @rule(client=CLIENTS)
    def a_consent_is_taken(self, client: ClientKey) -> None:
        terms = Terms((OP,), [to_unit(UP)], (Category.HOUSING,), FOR_EVER[1], FOR_EVER[0])
        self.consents.append((client, self.desk.take_consent(client, terms, Paper()).consent_id))

    @rule()
    def the_last_consent_is_withdrawn(self) -> None:
        if self.consents:
            self.desk.withdraw(*self.consents.pop())

    @rule(limit=st.integers(1, 5))
    def the_publisher_sends(self, limit: int) -> None:
        with self.store.write() as tx:
            sendings = [Sending(one.message_id, 0, one.order, "cluster") for one in tx.outbox.next_to_send(limit)]
            tx.outbox.mark_sent(sendings, at=NOON)

    @rule(code=st.sampled_from([None, None, RefusalCode.NO_GROUND, RefusalCode.INVALID_DATA]))
    def the_hub_answers_the_oldest(self, code: RefusalCode | None) -> None:
        with self.store.read() as tx:
            open_messages = tx.outbox.open_messages()
        if open_messages:
            value = self.feed.receipt(open_messages[0].signed, code=code)
            for _ in range(2):
                accept_feed(self.store, [feed_item(feed_record.read(value))], [], at=NOON)

    @rule()
    def the_desk_tends(self) -> None:
        self.desk.tend()

    @invariant()
    def numbers_have_no_hole(self) -> None:
        if not hasattr(self, "store"):
            return
        with self.store.read() as tx:
            for _, subject in tx.clients.all():
                of_key = tx.outbox.of_key(RecordKey(subject), list(OutboxState))
                assert [one.sequence for one in of_key] == list(range(1, len(of_key) + 1))
                assert [parse(one.signed.payload).sequence for one in of_key] == [one.sequence for one in of_key]

    @invariant()
    def every_own_entry_is_in_exactly_one_place(self) -> None:
        if not hasattr(self, "store"):
            return
        with self.store.read() as tx:
            held = {one.message_id for one in tx.held.all()}
            for entry in tx.journal.since(0, limit=10_000):
                sent = tx.outbox.find(entry.message_id)
                assert (entry.state is OwnState.HELD) == (entry.message_id in held)
                assert (sent is None) == (entry.state is OwnState.HELD)

    @invariant()
    def conduct_never_leaves(self) -> None:
        if not hasattr(self, "store"):
            return
        with self.store.read() as tx:
            for _, subject in tx.clients.all():
                for one in tx.outbox.of_key(RecordKey(subject), list(OutboxState)):
                    assert b'"category":"conduct"' not in one.signed.payload

    def _was_refused(self, message_id: MessageId) -> bool:
        with self.store.read() as tx:
            entry = tx.journal.find(message_id)
            return entry is None or entry.state is OwnState.REFUSED


TestDesk = DeskMachine.TestCase
TestDesk.settings = settings(max_examples=12, stateful_step_count=15, deadline=None)
