"""What a unit's database promises, whichever it is: one behavioural class, run on SQLite and on PostgreSQL."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import ClassVar

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError, IntegrityError

from adapters.desk.actions.consents import ConsentRecorded, Paper, Terms
from adapters.desk.desk import Desk
from adapters.desk.known_states import KnownStates
from adapters.desk.recorded import Recorded, RecordedState
from adapters.desk.recording_desk import CHUNK
from adapters.desk.signer import Signer
from adapters.drafts import ClientKey, Draft
from adapters.storage.feed import FeedForkError, FeedGapError, FeedItem, ReceiptItem, accept_feed
from adapters.storage.journal import Entry, EntryKind, OwnState
from adapters.storage.many_rows import Same, insert_rows
from adapters.storage.outbox import MAX_IN_FLIGHT, Lane, OutboxMessage, OutboxState, Queued, Sending
from adapters.storage.receipts import Answer
from adapters.storage.schema import VERSION, NewerDatabaseError, upgrade
from adapters.storage.tables import NUMBER, OUTBOX, SIGNED_BATCH
from adapters.storage.unit_store import Transaction, UnitStore
from contracts import feed_record
from contracts.categories import Category
from contracts.codes import RefusalCode
from contracts.envelope import compose, parse
from contracts.grants import to_unit
from contracts.messages.client import ClientContent, ClientEnrolled
from contracts.messages.feed import FeedAcknowledged
from contracts.messages.processing import ProcessingLifted
from contracts.messages.service import ServiceDelivered
from contracts.names import MessageId, RecordKey, SubjectId, UnitId
from contracts.pae import PayloadType
from contracts.receipt import Receipt
from contracts.signed_bytes import MAX_BATCH, sign_batch, sign_one, verify
from projections.encrypted_file import DatabaseKey
from projections.kafka.positions import InputPosition
from tests.simulated_hub import NOON, PROGRAMME, SUBJECT, SimulatedFeed, SimulatedHub, message_id
from tests.simulation.desks import feed_item
from tests.simulation.programme import StoryClock

OP, UP = UnitId("op"), UnitId("up")
CLIENT = ClientKey("c-1")
HOUR = timedelta(hours=1)


_BACK_TO_7 = (
    "DROP TABLE signed_batch",
    "ALTER TABLE outbox DROP COLUMN batch",
    "ALTER TABLE outbox DROP COLUMN place",
    "DROP INDEX journal_sealed",
    "CREATE INDEX journal_sealed ON journal (sealed_under)",
    "DROP INDEX outbox_key",
    "CREATE INDEX outbox_key ON outbox (record_key, state)",
    "DROP INDEX journal_shaping",
    "DROP INDEX journal_subject",
    "CREATE INDEX journal_subject ON journal (subject, shapes_state)",
    "UPDATE schema_version SET version = 7",
)


def item(value: bytes) -> FeedItem:
    return feed_item(feed_record.read(value))


def indexes_of(tx: Transaction) -> set[tuple[str, str]]:
    """Each with the statement that makes it."""
    found = "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL"
    if tx.connection.dialect.name == "postgresql":
        found = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema()"
    return {(name, sql) for name, sql in tx.connection.exec_driver_sql(found)}


def service(quantity: str = "1", *, client: str = "c-1", row: int | None = None) -> Draft:
    facts = ServiceDelivered(service="bednight", quantity=quantity, unit_of_quantity="nights")
    local_key = None if row is None else f"csv/services/{row}"
    return Draft(ClientKey(client), facts, NOON, category=Category.HOUSING, local_key=local_key)


class UnitStoreContract:
    """Subclasses give `where`: an empty database, and its key where it is a file."""

    key: ClassVar[DatabaseKey | None] = None

    @pytest.fixture
    def hub(self) -> SimulatedHub:
        return SimulatedHub()

    @pytest.fixture
    def desk(self, where: str, hub: SimulatedHub) -> Desk:
        return self.desk_of(UnitStore.open(where, self.key), hub)

    @staticmethod
    def desk_of(store: UnitStore, hub: SimulatedHub, unit: UnitId = OP) -> Desk:
        signer = Signer(PROGRAMME, hub.unit_keys[unit])
        return Desk(store, signer=signer, directory=lambda: hub.directory, clock=StoryClock(NOON))

    @staticmethod
    def consent(desk: Desk, client: str = "c-1", history: datetime = NOON - HOUR) -> ConsentRecorded:
        terms = Terms((OP,), [to_unit(UP)], (Category.HOUSING, Category.IDENTITY), NOON + 1000 * HOUR, history)
        return desk.take_consent(ClientKey(client), terms, Paper())

    @staticmethod
    def waiting(desk: Desk, limit: int = 1000) -> list[OutboxMessage]:
        with desk.store.read() as tx:
            return list(tx.outbox.next_to_send(limit))

    @staticmethod
    def send(desk: Desk, messages: list[OutboxMessage], offset: int = 0) -> None:
        sendings = [Sending(one.message_id, 0, offset + n, "cluster") for n, one in enumerate(messages)]
        with desk.store.write() as tx:
            tx.outbox.mark_sent(sendings, at=NOON)

    @staticmethod
    def entry(desk: Desk, message_id: MessageId | None) -> Entry:
        assert message_id is not None
        with desk.store.read() as tx:
            entry = tx.journal.find(message_id)
        assert entry is not None
        return entry

    def answer(
        self,
        desk: Desk,
        hub: SimulatedHub,
        message: OutboxMessage,
        code: RefusalCode | None = None,
        last: int | None = None,
    ) -> Answer:
        item = self.receipt(desk, hub, message, code, last)
        return accept_feed(desk.store, [item], [], at=NOON).answers[message.message_id]

    @staticmethod
    def receipt(
        desk: Desk, hub: SimulatedHub, message: OutboxMessage, code: RefusalCode | None = None, last: int | None = None
    ) -> ReceiptItem:
        receipt = Receipt(
            programme=PROGRAMME,
            source=desk.signer.source,
            id=message.message_id,
            digest=message.signed.digest.hex(),
            verdict="accepted" if code is None else "refused",
            code=code,
            last_sequence=last,
            shard=0,
            generation=1,
            position=5,
            recorded=NOON,
            trust_list=1,
        )
        signed = sign_one(feed_record.payload_of(receipt), hub.receipts, PayloadType.RECEIPT)
        return ReceiptItem(receipt, signed)

    # Turns

    @pytest.mark.parametrize("durable", [True, False])
    def test_a_writer_in_another_process_waits_for_its_turn_and_loses_nothing(self, where: str, durable: bool) -> None:  # noqa: FBT001 - a parameter of the test
        here, there = UnitStore.open(where, self.key), UnitStore.open(where, self.key)

        def write_there() -> SubjectId | None:
            with there.write(durable=durable) as tx:
                return tx.clients.subject_of(ClientKey("c-1"))

        with ThreadPoolExecutor(1) as pool:
            with here.write(durable=durable) as tx:
                waiting = pool.submit(write_there)
                subject = tx.clients.ensure([ClientKey("c-1")], at=NOON)[ClientKey("c-1")]
            assert waiting.result() == subject
        here.close()
        there.close()

    def test_it_is_known_whether_anybody_wrote_in_between(self, where: str) -> None:
        here, there = UnitStore.open(where, self.key), UnitStore.open(where, self.key)

        def untouched(write: Callable[[], object]) -> bool:
            with here.write() as tx:
                tx.clients.ensure([ClientKey("c-1")], at=NOON)
                mark = here.mark(tx)
            write()
            with here.write() as tx:
                return here.untouched_since(mark, tx)

        def link(store: UnitStore, client: str) -> None:
            with store.write() as tx:
                tx.clients.ensure([ClientKey(client)], at=NOON)

        untouched(lambda: None)
        assert untouched(lambda: None)
        assert not untouched(lambda: link(there, "c-2"))
        assert not untouched(lambda: link(here, "c-3"))
        here.close()
        there.close()

    @pytest.mark.parametrize("elsewhere", [True, False])
    def test_an_import_that_is_under_way_heeds_a_consent_withdrawn_meanwhile(
        self,
        desk: Desk,
        where: str,
        hub: SimulatedHub,
        elsewhere: bool,  # noqa: FBT001 - a parameter of the test
    ) -> None:
        consent = self.consent(desk)
        worker = self.desk_of(UnitStore.open(where, self.key), hub) if elsewhere else desk

        def rows() -> Iterator[Draft]:
            yield from (service(row=row) for row in range(CHUNK))
            worker.withdraw(CLIENT, consent.consent_id)
            yield service(row=CHUNK)

        *before, behind = desk.record_many(rows())
        assert {one.state for one in before} == {RecordedState.WAITING}
        assert behind.state is RecordedState.HELD
        with desk.store.read() as tx:
            (subject,) = tx.clients.linked([one.subject for one in tx.journal.since(0, limit=1) if one.subject])
            assert tx.numbers.last(RecordKey(subject)) == 1 + CHUNK + 1

    def test_what_an_import_looks_up_for_its_next_rows_shows_all_rows_before(self, desk: Desk) -> None:
        self.consent(desk)
        seen: list[int] = []

        def rows() -> Iterator[Draft]:
            for row in range(2 * CHUNK + 1):
                if row and row % CHUNK == 0:
                    with desk.store.read() as tx:
                        seen.append(len(tx.import_rows.find([f"csv/services/{one}" for one in range(row)])))
                yield service(row=row)

        assert len(list(desk.record_many(rows()))) == 2 * CHUNK + 1
        assert seen == [CHUNK, 2 * CHUNK]

    def test_an_import_that_cannot_read_on_keeps_what_it_has_read(self, desk: Desk) -> None:
        self.consent(desk)

        def rows() -> Iterator[Draft]:
            yield from (service(row=row) for row in range(CHUNK + 1))
            raise OSError("the sheet is gone")

        with pytest.raises(OSError, match="the sheet is gone"):
            list(desk.record_many(rows()))
        with desk.store.read() as tx:
            assert len(tx.import_rows.find([f"csv/services/{row}" for row in range(CHUNK + 1)])) == CHUNK
        assert [one.repeated for one in desk.record_many(service(row=row) for row in range(CHUNK + 1))].count(
            False
        ) == 1

    def test_what_cannot_be_made_durable_is_told_and_leaves_nothing_also_where_work_goes_on_meanwhile(
        self, where: str
    ) -> None:
        store, done = UnitStore.open(where, self.key), []
        with store.write() as tx:
            tx.connection.exec_driver_sql("CREATE TABLE whole (number INTEGER PRIMARY KEY)")
            tx.connection.exec_driver_sql(
                "CREATE TABLE part (number INTEGER REFERENCES whole DEFERRABLE INITIALLY DEFERRED)"
            )
        with pytest.raises(DBAPIError), store.write(bulk=True, meanwhile=lambda: done.append("read on")) as tx:
            tx.connection.exec_driver_sql("INSERT INTO part VALUES (1)")
        with store.write(bulk=True, meanwhile=lambda: done.append("read on")) as tx:
            assert tx.connection.exec_driver_sql("SELECT count(*) FROM part").scalar_one() == 0
        assert done[-1] == "read on"
        store.close()

    def test_rows_left_for_the_end_are_written_in_their_order_and_with_all_else(self, where: str) -> None:
        store, keys = UnitStore.open(where, self.key), [RecordKey(f"key-{number}") for number in range(2 * 200 + 7)]
        for last, meanwhile in enumerate((None, lambda: None), start=2):
            with store.write(bulk=True, meanwhile=meanwhile) as tx:
                before = tx.numbers.lasts(keys)
                with tx.late.gather():
                    tx.numbers.set(dict.fromkeys(keys, 1))
                    tx.numbers.set({keys[0]: last})
                assert tx.numbers.lasts(keys) == before, "not written yet"
                tx.numbers.set({RecordKey("at-once"): last})
                assert tx.numbers.last(RecordKey("at-once")) == last
            with store.read() as tx:
                expected = dict.fromkeys(keys, 1) | {keys[0]: last, RecordKey("at-once"): last}
                assert tx.numbers.lasts([*keys, RecordKey("at-once")]) == expected
        store.close()

    @pytest.mark.parametrize("meanwhile", [None, lambda: None])
    def test_a_row_that_cannot_be_written_at_the_end_undoes_all_of_its_transaction(
        self, where: str, meanwhile: Callable[[], object] | None
    ) -> None:
        store, keys = UnitStore.open(where, self.key), [RecordKey(str(number)) for number in range(300)]

        def twice() -> None:
            with store.write(bulk=True, meanwhile=meanwhile) as tx:
                tx.numbers.set({RecordKey("at-once"): 1})
                with tx.late.gather():
                    for _ in range(2):
                        insert_rows(tx.connection, NUMBER, {"record_key": keys, "last_sequence": Same(1)})

        with pytest.raises(IntegrityError):
            twice()
        with store.read() as tx:
            assert tx.numbers.lasts([*keys, RecordKey("at-once")]) == {}
        store.close()

    # Numbers and order

    def test_numbers_run_from_one_without_a_hole_per_client(self, desk: Desk) -> None:
        for client in ("c-1", "c-2"):
            self.consent(desk, client)
            desk.record(service(client=client))
            desk.record(service(client=client))
        numbers: dict[RecordKey, list[int]] = {}
        for one in self.waiting(desk):
            numbers.setdefault(one.record_key, []).append(parse(one.signed.payload).sequence)
        assert list(numbers.values()) == [[1, 2, 3], [1, 2, 3]]

    def test_what_was_signed_comes_back_bit_for_bit_also_from_a_batch(self, desk: Desk, hub: SimulatedHub) -> None:
        self.consent(desk)
        list(desk.record_many([service(str(n)) for n in range(1, 300)]))
        waiting = self.waiting(desk)
        assert len(waiting) >= 299
        assert any(one.signed.proof is not None for one in waiting), "more than one batch, signed as such"
        for one in waiting:
            verify(one.signed, hub.unit_keys[OP].verifying_key, PayloadType.CLOUDEVENT)

    def test_messages_signed_together_take_the_disk_for_one_signature(self, desk: Desk) -> None:
        self.consent(desk)
        with desk.store.read() as tx:
            before = tx.connection.scalar(select(func.count()).select_from(SIGNED_BATCH)) or 0
        list(desk.record_many([service(str(n)) for n in range(1, MAX_BATCH + 2)]))
        with desk.store.read() as tx:
            assert tx.connection.scalar(select(func.count()).select_from(SIGNED_BATCH)) == before + 2
            bulk = OUTBOX.c.lane == int(Lane.BULK)
            alone = select(func.count()).where(bulk & (OUTBOX.c.proof.is_not(None) | OUTBOX.c.signature.is_not(None)))
            assert tx.connection.scalar(alone) == 0

    def test_a_worker_s_entry_overtakes_an_import_of_other_clients_but_not_of_its_own(self, desk: Desk) -> None:
        for client in ("c-1", "c-2"):
            self.consent(desk, client)
        self.send(desk, self.waiting(desk))
        list(desk.record_many([service("1", client="c-1"), service("2", client="c-2")]))
        desk.record(service("3", client="c-2"))
        quantities = [parse(one.signed.payload).facts.quantity for one in self.waiting(desk)]  # type: ignore[attr-defined] # all are services
        assert quantities == ["2", "3", "1"]

    def test_what_is_looked_up_by_the_start_of_a_key_is_of_that_key_alone(self, desk: Desk, hub: SimulatedHub) -> None:
        this, other = (f"{SUBJECT[:-1]}{letter}" for letter in "ab")
        at = dict.fromkeys((this, other), 0)

        def put(key: str, lane: Lane) -> None:
            at[key] += 1
            number = sum(at.values())
            signed = sign_one(hub.message_of(OP, number).payload, hub.unit_keys[OP], PayloadType.CLOUDEVENT)
            with desk.store.write() as tx:
                tx.outbox.put([Queued(message_id(number), RecordKey(key), at[key], signed, lane)], at=NOON)

        for key in (other, this, this):
            put(key, Lane.BULK)
        put(this, Lane.LIVE)
        waiting = self.waiting(desk)
        assert [one.record_key for one in waiting] == [this, this, this, other]
        assert {one.record_key: one.lane for one in waiting} == {this: Lane.LIVE, other: Lane.BULK}
        with desk.store.read() as tx:
            assert [one.sequence for one in tx.outbox.of_key(RecordKey(this), [OutboxState.WAITING])] == [1, 2, 3]
            assert tx.outbox.number_taken(RecordKey(other), 1)
            assert tx.outbox.last_answered(RecordKey(this)) == 0
        with desk.store.write() as tx:
            tx.outbox.set_state(waiting[0].message_id, OutboxState.ACCEPTED)
            assert tx.outbox.last_answered(RecordKey(this)) == 1
            assert tx.outbox.last_answered(RecordKey(other)) == 0

    def test_no_more_than_512_messages_are_without_receipt(self, desk: Desk, hub: SimulatedHub) -> None:
        self.consent(desk)
        list(desk.record_many([service(str(n)) for n in range(1, MAX_IN_FLIGHT + 100)]))
        first = self.waiting(desk)
        assert len(first) == MAX_IN_FLIGHT
        self.send(desk, first)
        assert self.waiting(desk) == []
        self.answer(desk, hub, first[0])
        assert len(self.waiting(desk)) == 1

    # Receipts

    def test_a_receipt_is_kept_and_a_second_one_changes_nothing(self, desk: Desk, hub: SimulatedHub) -> None:
        self.consent(desk)
        (message,) = self.waiting(desk)
        self.send(desk, [message])
        assert self.answer(desk, hub, message) is Answer.ACCEPTED
        assert self.answer(desk, hub, message, RefusalCode.NO_GROUND) is Answer.REPEATED
        with desk.store.read() as tx:
            kept = tx.receipts.find(message.message_id)
            assert tx.outbox.open_messages() == []
            assert tx.quarantine.open_items() == []
        assert kept is not None
        verify(kept, hub.receipts.verifying_key, PayloadType.RECEIPT)
        assert self.entry(desk, message.message_id).state is OwnState.ACCEPTED

    def test_a_stretch_with_a_receipt_twice_counts_it_once_and_followers_see_each_entry_once(
        self, desk: Desk, hub: SimulatedHub
    ) -> None:
        self.consent(desk)
        for quantity in ("1", "2"):
            desk.record(service(quantity))
        messages = self.waiting(desk)
        self.send(desk, messages)
        with desk.store.read() as tx:
            before = tx.journal.last_revision()
        items = [self.receipt(desk, hub, one) for one in (*messages, messages[0])]
        taken = accept_feed(desk.store, items, [], at=NOON)
        assert taken.answers == {one.message_id: Answer.ACCEPTED for one in messages}
        with desk.store.read() as tx:
            changed = tx.journal.since(before, limit=100)
            assert [one.message_id for one in changed] == [one.message_id for one in messages]
            assert {one.state for one in changed} == {OwnState.ACCEPTED}
            assert tx.outbox.counts()[OutboxState.ACCEPTED] == len(messages)

    def test_a_receipt_about_other_bytes_is_not_ours(self, desk: Desk, hub: SimulatedHub) -> None:
        feed = SimulatedFeed(hub, OP)
        stray = hub.message_of(OP, 77)
        taken = accept_feed(desk.store, [item(feed.receipt(stray))], [], at=NOON)
        assert set(taken.answers.values()) == {Answer.NOT_OURS}

    def test_a_refusal_is_explained_and_can_be_corrected_and_resent(self, desk: Desk, hub: SimulatedHub) -> None:
        self.consent(desk)
        desk.record(service("7"))
        message = self.waiting(desk)[1]
        self.answer(desk, hub, message, RefusalCode.TIME_AHEAD)
        with desk.store.read() as tx:
            (refused,) = tx.quarantine.open_items()
        draft = desk.draft_of(refused.number)
        assert (refused.refused.code, self.entry(desk, message.message_id).state) == ("time-ahead", OwnState.REFUSED)
        assert draft is not None
        assert draft.client == CLIENT
        again = desk.resend(refused.number, draft)
        sent = parse(self.waiting(desk)[-1].signed.payload)
        assert (again.message_id, sent.causationid, sent.sequence) == (sent.id, message.message_id, 3)
        with desk.store.read() as tx:
            assert tx.quarantine.open_items() == []

    def test_an_entry_that_the_hub_found_no_ground_for_leaves_when_one_appears(
        self, desk: Desk, hub: SimulatedHub
    ) -> None:
        self.consent(desk)
        desk.record(service("7"))
        consent, message = self.waiting(desk)
        self.send(desk, [consent, message])
        self.answer(desk, hub, consent, RefusalCode.UNKNOWN_UNIT)
        self.answer(desk, hub, message, RefusalCode.NO_GROUND)
        self.consent(desk)
        fresh = [parse(one.signed.payload) for one in self.waiting(desk)]
        assert [(one.sequence, one.causationid) for one in fresh] == [(3, None), (4, message.message_id)]

    def test_a_restored_adapter_goes_on_behind_the_number_that_the_hub_has(self, desk: Desk, hub: SimulatedHub) -> None:
        self.consent(desk)
        for quantity in ("1", "2"):
            desk.record(service(quantity))
        consent, first, second = self.waiting(desk)
        self.send(desk, [consent, first])
        assert self.answer(desk, hub, consent, RefusalCode.SEQUENCE_CONFLICT, last=9) is Answer.TO_RENUMBER
        assert desk.tend().renumbered == 0  # one is still without an answer
        assert self.waiting(desk) == []
        self.answer(desk, hub, first, RefusalCode.SEQUENCE_CONFLICT, last=9)
        assert desk.tend().renumbered == 3
        fresh = [parse(one.signed.payload) for one in self.waiting(desk)]
        assert [(one.sequence, one.causationid) for one in fresh] == [
            (10, consent.message_id),
            (11, first.message_id),
            (12, second.message_id),
        ]
        desk.record(service("3"))
        assert parse(self.waiting(desk)[-1].signed.payload).sequence == 13

    def test_an_id_that_the_hub_had_before_is_made_again_under_the_same_number(
        self, desk: Desk, hub: SimulatedHub
    ) -> None:
        self.consent(desk)
        (message,) = self.waiting(desk)
        self.send(desk, [message])
        self.answer(desk, hub, message, RefusalCode.ID_REUSED)
        assert desk.tend().renumbered == 1
        (again,) = [parse(one.signed.payload) for one in self.waiting(desk)]
        assert (again.sequence, again.id != message.message_id) == (1, True)

    # Rows

    def test_the_same_row_twice_is_one_message(self, desk: Desk) -> None:
        self.consent(desk)
        first = list(desk.record_many([service(row=1), service(row=1)]))
        again = desk.record(service(row=1))
        assert [one.repeated for one in (*first, again)] == [False, True, True]
        assert {one.message_id for one in (*first, again)} == {first[0].message_id}
        assert len(self.waiting(desk)) == 2

    def test_a_changed_row_corrects_its_entry(self, desk: Desk) -> None:
        self.consent(desk)
        (first,) = desk.record_many([service("80", row=1)])
        (changed,) = desk.record_many([service("88", row=1)])
        correction = parse(self.waiting(desk)[-1].signed.payload)
        assert (correction.type, correction.corrects) == ("eu.spojka.entry.corrected.v1", first.message_id)
        assert (correction.id, correction.time) == (changed.message_id, NOON)
        (again,) = desk.record_many([service("88", row=1)])
        assert (again.repeated, again.message_id) == (True, first.message_id)

    def test_a_row_that_now_names_another_client_is_kept_for_a_person(self, desk: Desk) -> None:
        list(desk.record_many([service(row=1)]))
        (changed,) = desk.record_many([service(row=1, client="c-2")])
        assert (changed.state, changed.reason) == (RecordedState.REFUSED, "changed-row")

    def test_a_row_mended_at_its_source_leaves_quarantine(self, desk: Desk) -> None:
        number = desk.quarantine_row("csv/services/1", code="bad-date", explanation="Not a date.", row=b"{}")
        assert desk.quarantine_row("csv/services/1", code="bad-date", explanation="Not a date.", row=b"{}") == number
        (recorded,) = desk.record_many([service(row=1)])
        with desk.store.read() as tx:
            found = tx.quarantine.find(number)
            assert tx.quarantine.open_items() == []
        assert found is not None
        assert found.replacement == recorded.message_id

    # Held

    def test_held_entries_leave_in_their_order_when_a_consent_comes(self, desk: Desk) -> None:
        held = [desk.record(service(str(n))) for n in (1, 2, 3)]
        assert {(one.state, one.reason) for one in held} == {(RecordedState.HELD, "no-ground")}
        self.consent(desk)
        left = [one.message_id for one in self.waiting(desk)]
        assert left[1:] == [one.message_id for one in held]
        assert self.entry(desk, held[0].message_id).state is OwnState.WAITING

    def test_an_own_entry_says_under_which_consent_it_left(self, desk: Desk) -> None:
        held = desk.record(service("1"))
        consent_id = self.consent(desk).consent_id
        later = desk.record(service("2"))
        assert {self.entry(desk, one.message_id).ground_id for one in (held, later)} == {consent_id}

    def test_an_entry_before_the_consent_s_history_stays(self, desk: Desk) -> None:
        held = desk.record(service())
        self.consent(desk, history=NOON + HOUR)
        with desk.store.read() as tx:
            kept = tx.held.find(held.message_id or MessageId(""))
        assert kept is not None
        assert (kept.reason, kept.detail) == ("no-ground", "before-history")

    def test_a_correction_of_a_held_entry_is_held_too_and_leaves_behind_it(self, desk: Desk) -> None:
        held = desk.record(service())
        assert held.message_id is not None
        correction = desk.correct(held.message_id, reason="wrong-amount", facts={"quantity": "2"})
        assert (correction.state, correction.reason) == (RecordedState.HELD, "corrects-held")
        self.consent(desk)
        assert [one.message_id for one in self.waiting(desk)][1:] == [held.message_id, correction.message_id]

    def test_a_restriction_keeps_entries_back_until_it_is_lifted(self, desk: Desk) -> None:
        self.consent(desk)
        desk.restrict(CLIENT)
        restricted = desk.record(service())
        desk.record(Draft(CLIENT, ProcessingLifted(), NOON))
        assert (restricted.state, restricted.reason) == (RecordedState.HELD, "no-ground")
        assert self.waiting(desk)[-1].message_id == restricted.message_id

    def test_without_a_trust_list_entries_wait_and_consents_go(self, where: str, hub: SimulatedHub) -> None:
        signer = Signer(PROGRAMME, hub.unit_keys[OP])
        desk = Desk(UnitStore.open(where, self.key), signer=signer, directory=lambda: None, clock=StoryClock(NOON))
        consent = self.consent(desk).messages[0]
        entry = desk.record(service())
        assert (consent.state, entry.state, entry.reason) == (
            RecordedState.WAITING,
            RecordedState.HELD,
            "no-trust-list",
        )

    # The feed

    def test_the_same_stretch_of_the_feed_twice_changes_nothing(self, desk: Desk, hub: SimulatedHub) -> None:
        feed = SimulatedFeed(hub, OP)
        items = [item(feed.deliver(hub.message_of(UP, n))) for n in (1, 2)] + [item(feed.head())]
        position = InputPosition("feed.op", 0, 3, "cluster", b"f" * 32)
        assert accept_feed(desk.store, items, [position], at=NOON).entries == 2
        with desk.store.read() as tx:
            before = (tx.journal.last_revision(), tx.places.chains(), tx.places.heads())
        assert accept_feed(desk.store, items, [position], at=NOON).entries == 0
        with desk.store.read() as tx:
            assert (tx.journal.last_revision(), tx.places.chains(), tx.places.heads()) == before
            assert tx.places.positions("feed.op") == {0: position}
            assert tx.places.heads()[0].caught_up_at == NOON

    def test_a_gap_in_the_feed_stores_nothing(self, desk: Desk, hub: SimulatedHub) -> None:
        feed = SimulatedFeed(hub, OP)
        items = [item(feed.deliver(hub.message_of(UP, n))) for n in (1, 2, 3)]
        with pytest.raises(FeedGapError) as caught:
            accept_feed(desk.store, [items[0], items[2]], [], at=NOON)
        assert (caught.value.expected, caught.value.found) == (2, 3)
        with desk.store.read() as tx:
            assert tx.journal.last_revision() == 0

    def test_another_history_under_the_same_numbers_is_a_fork(self, desk: Desk, hub: SimulatedHub) -> None:
        feed, other = SimulatedFeed(hub, OP), SimulatedFeed(hub, OP)
        accept_feed(desk.store, [item(feed.deliver(hub.message_of(UP, 1)))], [], at=NOON)
        other.deliver(hub.message_of(UP, 2))
        with pytest.raises(FeedForkError):
            accept_feed(desk.store, [item(other.deliver(hub.message_of(UP, 3)))], [], at=NOON)

    def test_a_unit_that_lost_its_database_gets_its_entries_numbers_and_clients_back(
        self, desk: Desk, hub: SimulatedHub
    ) -> None:
        feed = SimulatedFeed(hub, OP)
        raw = compose(
            ClientEnrolled(),
            id=message_id(4),
            source=desk.signer.source,
            time=NOON,
            programme=PROGRAMME,
            sequence=4,
            subject=SUBJECT,
            category=Category.IDENTITY,
            content=ClientContent(case_number="c-1"),
        )
        enrolled = sign_one(raw, hub.unit_keys[OP], PayloadType.CLOUDEVENT)
        accept_feed(desk.store, [item(feed.deliver(enrolled))], [], at=NOON)
        with desk.store.read() as tx:
            (entry,) = tx.journal.of_subject(SUBJECT)
            assert tx.clients.all() == [(CLIENT, SUBJECT)]
        assert (entry.kind, entry.state) == (EntryKind.OWN, OwnState.ACCEPTED)
        self.consent(desk)
        assert parse(self.waiting(desk)[0].signed.payload).sequence == 5

    def test_a_referral_held_at_first_still_lets_its_later_messages_ride(self, desk: Desk, hub: SimulatedHub) -> None:
        sent = desk.refer(CLIENT, Category.HOUSING, target=UP, answer_due=NOON + HOUR)
        assert sent.recorded.state is RecordedState.HELD
        consent_id = self.consent(desk).consent_id
        with desk.store.read() as tx:
            subject = tx.clients.subject_of(CLIENT) or SUBJECT
            known = KnownStates(tx, hub.directory).of(subject).referrals[sent.referral_id]
        assert known.ground_id == consent_id

    def test_what_hub_and_desk_judge_differently_is_not_sent_again_and_again(
        self, desk: Desk, hub: SimulatedHub
    ) -> None:
        self.consent(desk)
        desk.record(service())
        self.answer(desk, hub, self.waiting(desk)[1], RefusalCode.NO_GROUND)
        before = len(self.waiting(desk))
        desk.tend()
        assert len(self.waiting(desk)) == before

    # Clients

    def test_a_client_known_here_only_by_held_entries_takes_the_subject_that_came_by_feed(self, desk: Desk) -> None:
        held = desk.record(service())
        desk.adopt(SUBJECT, CLIENT)
        entry = self.entry(desk, held.message_id)
        self.consent(desk)
        assert entry.subject == SUBJECT
        assert {parse(one.signed.payload).subject for one in self.waiting(desk)} == {SUBJECT}

    def test_a_client_whose_entries_left_cannot_be_given_another_subject(self, desk: Desk) -> None:
        self.consent(desk)
        with pytest.raises(Exception, match="left under another subject"):
            desk.adopt(SUBJECT, CLIENT)

    # The database itself

    def test_what_raises_inside_a_transaction_leaves_nothing(self, desk: Desk) -> None:
        def failing() -> None:
            with desk.store.write() as tx:
                tx.clients.link(CLIENT, SUBJECT, at=NOON)
                raise KeyError

        with pytest.raises(KeyError):
            failing()
        with desk.store.read() as tx:
            assert tx.clients.all() == []

    def test_a_look_cannot_write(self, desk: Desk) -> None:
        with desk.store.read() as tx, pytest.raises(DBAPIError):
            tx.clients.link(CLIENT, SUBJECT, at=NOON)
        with desk.store.write() as tx:
            tx.clients.link(CLIENT, SUBJECT, at=NOON)

    def test_followers_see_every_change_in_the_order_of_its_commit(self, desk: Desk) -> None:
        held = desk.record(service())
        with desk.store.read() as tx:
            seen = tx.journal.last_revision()
        self.consent(desk)
        with desk.store.read() as tx:
            changed = tx.journal.since(seen, limit=10)
        assert [one.revision for one in changed] == sorted(one.revision for one in changed)
        assert held.message_id in {one.message_id for one in changed}

    def test_opening_again_finds_everything(self, desk: Desk, where: str, hub: SimulatedHub) -> None:
        self.consent(desk)
        before = self.waiting(desk)
        desk.store.close()
        assert self.waiting(self.desk_of(UnitStore.open(where, self.key), hub)) == before

    def test_a_database_of_a_newer_adapter_is_refused(self, desk: Desk) -> None:
        with desk.store.write() as tx, pytest.raises(NewerDatabaseError):
            upgrade(tx.connection, version=VERSION - 1)

    def test_an_older_database_takes_the_steps_in_order(self, desk: Desk) -> None:
        taken: list[int] = []
        with desk.store.write() as tx:
            steps = {n: lambda _, n=n: taken.append(n) for n in (VERSION + 1, VERSION + 2)}
            upgrade(tx.connection, version=VERSION + 2, steps=steps)
            upgrade(tx.connection, version=VERSION + 2, steps=steps)
        assert taken == [VERSION + 1, VERSION + 2]

    def test_what_was_signed_before_an_upgrade_still_leaves_as_it_was_signed(
        self, desk: Desk, where: str, hub: SimulatedHub
    ) -> None:
        payloads = [hub.message_of(OP, n).payload for n in range(1, 4)]
        before = sign_batch(payloads, hub.unit_keys[OP])
        with desk.store.write() as tx:
            indexes = indexes_of(tx)
            rows = [Queued(message_id(n), RecordKey(SUBJECT), n, one) for n, one in enumerate(before, 1)]
            tx.outbox.put(rows, at=NOON)
            for statement in _BACK_TO_7:
                tx.connection.exec_driver_sql(statement)
        desk.store.close()
        desk = self.desk_of(UnitStore.open(where, self.key), hub)
        assert [one.signed for one in self.waiting(desk)] == before
        with desk.store.read() as tx:
            assert indexes_of(tx) == indexes, "as in a new database"
        self.consent(desk)
        list(desk.record_many(service(str(n)) for n in range(1, 300)))
        for one in self.waiting(desk):
            verify(one.signed, hub.unit_keys[OP].verifying_key, PayloadType.CLOUDEVENT)

    def test_a_message_about_nobody_is_keyed_by_the_unit(self, desk: Desk) -> None:
        facts = FeedAcknowledged(shard=0, generation=1, feed_sequence=4, link="0" * 64)
        desk.record(Draft(None, facts, NOON))
        (message,) = self.waiting(desk)
        assert message.record_key == RecordKey(desk.signer.source)

    def test_a_refused_draft_is_never_lost(self, desk: Desk) -> None:
        draft = Draft(CLIENT, ClientEnrolled(), NOON + HOUR, local_key="csv/clients/1")
        refused: Recorded = desk.record(draft)
        assert (refused.state, refused.reason) == (RecordedState.REFUSED, RefusalCode.TIME_AHEAD)
        assert refused.quarantine is not None
        assert desk.draft_of(refused.quarantine) == draft
        with desk.store.read() as tx:
            assert tx.outbox.counts()[OutboxState.WAITING] == 0
