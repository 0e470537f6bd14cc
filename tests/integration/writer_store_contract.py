"""What every `WriterStore` promises, run on each implementation."""

from datetime import timedelta
from typing import Literal
from uuid import uuid4

import pytest
from eventsourcing.persistence import IntegrityError

from contracts.names import RecordKey, Source
from hub.application.ports import Closing, Commit, FencedError, ReplayWish, WriterStore
from tests.integration.store_samples import (
    ADVICE,
    JANA,
    NOON,
    OFFICE,
    PETR,
    accepted,
    dead_letter,
    events_commit,
    indexed,
    message_id,
    parked,
    read_up_to,
    refused,
    timer,
)


class WriterStoreContract:
    """Subclasses give a fixture `store` and say how another process takes the shard over."""

    def other_writer(self, store: WriterStore) -> WriterStore:
        """A second writer of the same shard that has taken over."""
        raise NotImplementedError

    def ask(self, store: WriterStore, key: RecordKey, verb: Literal["retry", "refuse", "refuse-first"]) -> None:
        """What the operator's command writes."""
        raise NotImplementedError

    def test_an_empty_log_starts_at_position_zero(self, store: WriterStore) -> None:
        head = store.take_over()
        assert (head.position, head.epoch) == (0, 1)
        assert store.load([JANA]) == {}

    def test_events_come_back_as_they_were_in_log_order(self, store: WriterStore) -> None:
        head = store.take_over()
        path, referral = uuid4(), uuid4()
        events = [
            accepted(JANA, stream=path, version=1),
            accepted(PETR),
            accepted(JANA, stream=referral, version=1, kind="referral", payload=bytes(range(256)) * 40),
            refused(JANA, stream=path, version=2),
        ]
        store.commit(Commit(at=NOON, events=events), head=head)
        loaded = store.load([JANA, PETR, RecordKey("r1." + "x" * 26)])
        assert set(loaded) == {JANA, PETR}
        assert [(one.position, one.event) for one in loaded[JANA]] == [(0, events[0]), (2, events[2]), (3, events[3])]

    def test_a_refusal_alone_is_found_again(self, store: WriterStore) -> None:
        source_key = RecordKey(OFFICE)
        events = [refused(JANA, stream=uuid4(), version=1), refused(source_key, stream=uuid4(), version=1)]
        store.commit(Commit(at=NOON, events=events), head=store.take_over())
        assert [one.event for one in store.load([JANA])[JANA]] == events[:1]
        assert [one.event for one in store.load([source_key])[source_key]] == events[1:]

    @pytest.mark.parametrize("count", [1, 5, 60])
    def test_positions_have_no_gaps_whatever_the_size_of_the_batch(self, store: WriterStore, count: int) -> None:
        head = store.take_over()
        for _ in range(3):
            head = store.commit(events_commit(count, head=head), head=head)
        assert head.position == 3 * count
        assert [one.position for one in store.load([JANA])[JANA]] == list(range(3 * count))
        assert store.head() == head
        assert [one.position for one in store.at([count, 0, 99_999])] == [0, count]

    def test_recorded_time_never_goes_back(self, store: WriterStore) -> None:
        head = store.commit(Commit(at=NOON), head=store.take_over())
        assert store.commit(Commit(at=NOON - timedelta(hours=1)), head=head).last_at == NOON

    def test_a_message_that_came_before_is_found_by_source_and_id(self, store: WriterStore) -> None:
        head = store.take_over()
        store.commit(events_commit(60, head=head), head=head)
        known, unknown = (OFFICE, message_id(7)), (Source("urn:spojka:demo:other"), message_id(7))
        assert store.find([known, unknown, (OFFICE, message_id(61))]) == {known: indexed(7, position=6)}
        assert store.find([]) == {}

    def test_a_commit_that_fails_in_the_middle_leaves_nothing(self, store: WriterStore) -> None:
        head = store.commit(Commit(at=NOON, indexed=[indexed(1)], inputs=[read_up_to(1)]), head=store.take_over())
        twice = Commit(
            at=NOON,
            events=[accepted()],
            indexed=[indexed(2), indexed(1)],
            inputs=[read_up_to(9)],
            timers_set=[timer(1, minutes=0)],
        )
        with pytest.raises(IntegrityError):
            store.commit(twice, head=head)
        assert store.head() == head
        assert store.load([JANA]) == {}
        assert store.find([(OFFICE, message_id(2))]) == {}
        assert store.input_positions() == [read_up_to(1)]
        assert store.due_timers(NOON, limit=9) == []

    @pytest.mark.parametrize("count", [1, 60])
    def test_one_version_of_a_stream_is_written_once(self, store: WriterStore, count: int) -> None:
        head = store.take_over()
        commit = events_commit(count, head=head)
        head = store.commit(commit, head=head)
        with pytest.raises(IntegrityError):
            store.commit(Commit(at=NOON, events=commit.events), head=head)
        assert store.head().position == count

    def test_a_writer_that_was_overtaken_writes_nothing(self, store: WriterStore) -> None:
        head = store.take_over()
        other = self.other_writer(store)
        with pytest.raises(FencedError):
            store.commit(events_commit(1, head=head), head=head)
        with pytest.raises(FencedError):
            store.beat()
        assert other.head().position == 0
        assert other.input_positions() == []

    def test_a_stale_head_is_refused_even_from_the_right_writer(self, store: WriterStore) -> None:
        old = store.take_over()
        store.commit(events_commit(2, head=old), head=old)
        with pytest.raises(FencedError):
            store.commit(Commit(at=NOON, events=[accepted(PETR)]), head=old)
        assert store.load([PETR]) == {}

    def test_reading_goes_on_where_the_last_commit_stopped(self, store: WriterStore) -> None:
        head = store.take_over()
        head = store.commit(Commit(at=NOON, inputs=[read_up_to(5), read_up_to(3, partition=1)]), head=head)
        store.commit(Commit(at=NOON, inputs=[read_up_to(8)]), head=head)
        assert store.input_positions() == [read_up_to(8), read_up_to(3, partition=1)]

    def test_a_timer_set_twice_fires_once_and_the_oldest_first(self, store: WriterStore) -> None:
        late, early, future = timer(1, minutes=0), timer(2, minutes=-5), timer(3, minutes=1)
        head = store.commit(Commit(at=NOON, timers_set=[late, early, future]), head=store.take_over())
        head = store.commit(Commit(at=NOON, timers_set=[late]), head=head)
        assert store.due_timers(NOON, limit=9) == [early, late]
        assert store.due_timers(NOON, limit=1) == [early]
        store.commit(Commit(at=NOON, timers_cleared=[early.timer_id]), head=head)
        assert store.due_timers(NOON, limit=9) == [late]

    def test_parked_messages_wait_in_order_with_their_headers_as_they_came(self, store: WriterStore) -> None:
        head = store.commit(
            Commit(at=NOON, parked=[parked(1), parked(2), parked(1), parked(3, PETR)]), head=store.take_over()
        )
        assert store.waiting() == {
            (OFFICE, message_id(1)): JANA,
            (OFFICE, message_id(2)): JANA,
            (OFFICE, message_id(3)): PETR,
        }
        assert [one.message_id for one in store.parked(JANA)] == [message_id(1), message_id(2)]
        assert store.parked(JANA)[0].headers == parked(1).headers
        store.commit(
            Commit(at=NOON, unparked=[(OFFICE, message_id(1)), (Source("urn:spojka:demo:other"), message_id(2))]),
            head=head,
        )
        assert [one.message_id for one in store.parked(JANA)] == [message_id(2)]
        assert set(store.waiting().values()) == {JANA, PETR}

    def test_a_message_that_faults_again_waits_behind_none_that_came_later(self, store: WriterStore) -> None:
        head = store.commit(Commit(at=NOON, parked=[parked(1), parked(2)]), head=store.take_over())
        again = Commit(at=NOON, unparked=[(OFFICE, message_id(1)), (OFFICE, message_id(2))], parked=[parked(2)])
        store.commit(again, head=head)
        assert [one.message_id for one in store.parked(JANA)] == [message_id(2)]

    def test_what_the_operator_asks_stays_until_it_is_done(self, store: WriterStore) -> None:
        head = store.take_over()
        self.ask(store, JANA, "retry")
        self.ask(store, PETR, "refuse-first")
        first, second = store.wishes()
        assert [(one.key, one.verb) for one in (first, second)] == [(JANA, "retry"), (PETR, "refuse-first")]
        store.commit(Commit(at=NOON, wishes_done=[first.number]), head=head)
        assert store.wishes() == [second]

    def test_hostile_dead_letters_do_not_stop_intake(self, store: WriterStore) -> None:
        head = store.commit(Commit(at=NOON, dead_letters=[dead_letter(1)]), head=store.take_over())
        head = store.commit(
            Commit(at=NOON, dead_letters=[dead_letter(1), dead_letter(2)], inputs=[read_up_to(3)]), head=head
        )
        assert store.input_positions() == [read_up_to(3)]

    def test_everything_of_one_commit_fits_together(self, store: WriterStore) -> None:
        head = store.take_over()
        full = Commit(
            at=NOON,
            events=[accepted()],
            indexed=[indexed(1)],
            inputs=[read_up_to(1)],
            closings=[Closing(JANA, 0), Closing(None, 0)],
            timers_set=[timer(1, minutes=0)],
            timers_cleared=[timer(1, minutes=0).timer_id],
            receipts_due=[0],
            dead_letters=[dead_letter(0)],
            parked=[parked(4)],
            unparked=[(OFFICE, message_id(4))],
            wishes_done=[999],
            replays=[ReplayWish(ADVICE, 1)],
        )
        assert store.commit(full, head=head).position == 1
        assert store.due_timers(NOON, limit=1) == [timer(1, minutes=0)]
        assert set(store.waiting().values()) == {JANA}
