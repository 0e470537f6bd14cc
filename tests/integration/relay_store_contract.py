"""What every `RelayStore` promises, run on each implementation with a writer of the same shard."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from eventsourcing.persistence import IntegrityError

from contracts.categories import Category
from contracts.names import Source, UnitId
from hub.application.ports import (
    Closing,
    Commit,
    FeedState,
    FencedError,
    RelayCommit,
    RelayStore,
    ReplayWish,
    WriterStore,
)
from tests.integration.store_samples import (
    ADVICE,
    JANA,
    NOON,
    OFFICE,
    PETR,
    SHELTER,
    accepted,
    backfill,
    delivery,
    events_commit,
    indexed,
    message_id,
    read_up_to,
    refused,
)


class RelayStoreContract:
    """Subclasses give fixtures `relay` and `writer` and say how another process takes the relay over."""

    def other_relay(self, relay: RelayStore) -> RelayStore:
        """A second relay of the same shard that has taken over."""
        raise NotImplementedError

    def test_the_relay_reads_what_the_writer_committed(self, relay: RelayStore, writer: WriterStore) -> None:
        head = writer.take_over()
        commit = events_commit(5, head=head)
        head = writer.commit(commit, head=head)
        relay.take_over()
        assert [(one.position, one.event) for one in relay.read(1, limit=3)] == list(enumerate(commit.events))[1:4]
        assert relay.read(5, limit=3) == []
        assert [one.position for one in relay.at([4, 2, 99])] == [2, 4]
        assert [one.position for one in relay.load([JANA])[JANA]] == [0, 1, 2, 3, 4]
        assert relay.head() == head
        assert relay.input_positions() == [read_up_to(5)]

    def test_how_far_retention_came_outlives_the_relay_that_noted_it(self, relay: RelayStore) -> None:
        state = relay.take_over()
        assert relay.retention() == {}
        relay.retained(Category.HOUSING, 7, epoch=state.epoch)
        relay.retained(Category.HEALTH, 3, epoch=state.epoch)
        relay.retained(Category.HOUSING, 9, epoch=state.epoch)
        other = self.other_relay(relay)
        assert other.retention() == {Category.HOUSING: 9, Category.HEALTH: 3}
        with pytest.raises(FencedError):
            relay.retained(Category.HOUSING, 11, epoch=state.epoch)

    def test_a_restored_adapter_gets_back_what_was_accepted_of_its_own(
        self, relay: RelayStore, writer: WriterStore
    ) -> None:
        head = writer.take_over()
        other = Source("urn:spojka:demo:shelter")
        stream = uuid4()
        events = [accepted(stream=stream), refused(JANA, stream=stream, version=2), *(accepted() for _ in range(3))]
        index = [indexed(n, position=n) for n in (0, 1, 2, 4)]
        writer.commit(
            Commit(at=NOON, events=events, indexed=[*index, index[0]._replace(source=other, position=3)]), head=head
        )
        relay.take_over()
        assert relay.published(OFFICE, after=-1, limit=9) == [0, 2, 4]
        assert relay.published(OFFICE, after=0, limit=1) == [2]
        assert relay.find([(OFFICE, message_id(4)), (OFFICE, message_id(3))]) == {(OFFICE, message_id(4)): index[3]}

    def test_the_last_closing_counts_and_one_for_all_is_seen_by_every_key(
        self, relay: RelayStore, writer: WriterStore
    ) -> None:
        head = writer.take_over()
        head = writer.commit(Commit(at=NOON, closings=[Closing(JANA, 4), Closing(None, 2)]), head=head)
        writer.commit(Commit(at=NOON, closings=[Closing(JANA, 3), Closing(PETR, 1)]), head=head)
        relay.take_over()
        assert relay.closings([JANA]) == {JANA: 4, None: 2}

    def test_a_committed_slot_is_unproduced_until_marked(self, relay: RelayStore) -> None:
        state = relay.take_over()
        first = RelayCommit(position=2, deliveries=[delivery(ADVICE, 1, position=0), delivery(SHELTER, 1, position=0)])
        second = RelayCommit(position=3, deliveries=[delivery(ADVICE, 2, position=2)])
        relay.commit(first, epoch=state.epoch)
        relay.commit(second, epoch=state.epoch)
        relay.mark_produced(second, receipts=[], replays=[], epoch=state.epoch)
        assert relay.unproduced() == list(first.deliveries)
        again = self.other_relay(relay)
        assert again.unproduced() == list(first.deliveries)
        assert again.feeds()[ADVICE] == FeedState(ADVICE, 2, second.deliveries[0].link)

    def test_position_and_produced_survive_a_take_over(self, relay: RelayStore) -> None:
        state = relay.take_over()
        assert (state.position, state.produced) == (0, 0)
        relay.commit(RelayCommit(position=7), epoch=state.epoch)
        relay.mark_produced(RelayCommit(position=5), receipts=[], replays=[], epoch=state.epoch)
        after = self.other_relay(relay).take_over()
        assert (after.position, after.produced) == (7, 5)
        assert after.epoch > state.epoch

    def test_nobody_is_given_an_entry_twice(self, relay: RelayStore) -> None:
        state = relay.take_over()
        relay.commit(RelayCommit(position=1, deliveries=[delivery(ADVICE, 1, position=0)]), epoch=state.epoch)
        twice = RelayCommit(position=2, deliveries=[delivery(SHELTER, 1, position=1), delivery(ADVICE, 2, position=0)])
        with pytest.raises(IntegrityError):
            relay.commit(twice, epoch=state.epoch)
        assert relay.given([0, 1]) == {(ADVICE, 0)}
        assert set(relay.feeds()) == {ADVICE}
        assert relay.deliveries(SHELTER, from_sequence=1, limit=9) == []

    def test_a_slot_never_gets_another_entry(self, relay: RelayStore) -> None:
        state = relay.take_over()
        relay.commit(RelayCommit(position=1, deliveries=[delivery(ADVICE, 1, position=0)]), epoch=state.epoch)
        with pytest.raises(IntegrityError):
            relay.commit(RelayCommit(position=2, deliveries=[delivery(ADVICE, 1, position=1)]), epoch=state.epoch)
        assert [one.position for one in relay.deliveries(ADVICE, from_sequence=1, limit=9)] == [0]

    def test_what_was_delivered_is_told_in_fixed_ranges_until_the_log_holds_it(self, relay: RelayStore) -> None:
        state = relay.take_over()
        slots = [delivery(ADVICE, number, position=number) for number in (1, 2, 3)]
        assert relay.report(at=NOON, limit=2, epoch=state.epoch) is None
        relay.commit(RelayCommit(position=4, deliveries=slots, to_report=slots), epoch=state.epoch)
        report = relay.report(at=NOON, limit=2, epoch=state.epoch)
        assert report is not None
        assert [(one.unit, one.feed_sequence, one.position) for one in report.deliveries] == [
            (ADVICE, 1, 1),
            (ADVICE, 2, 2),
        ]
        other = self.other_relay(relay)
        epoch = other.take_over().epoch
        later = NOON + timedelta(minutes=1)
        assert other.report(at=later, limit=9, epoch=epoch) == report
        other.reported(report, epoch=epoch)
        rest = other.report(at=later, limit=9, epoch=epoch)
        assert rest is not None
        assert ([one.feed_sequence for one in rest.deliveries], rest.at) == ([3], later)
        other.reported(rest, epoch=epoch)
        assert other.report(at=later, limit=9, epoch=epoch) is None

    def test_a_changed_verdict_is_told_after_the_first(self, relay: RelayStore) -> None:
        state = relay.take_over()
        slot = delivery(ADVICE, 1, position=1)
        relay.commit(RelayCommit(position=2, deliveries=[slot], to_report=[slot]), epoch=state.epoch)
        withheld = replace(slot, withheld=True)
        relay.commit(RelayCommit(position=2, deliveries=[withheld], to_report=[withheld]), epoch=state.epoch)
        report = relay.report(at=NOON, limit=9, epoch=state.epoch)
        assert report is not None
        assert [one.verdict for one in report.deliveries] == ["given", "withheld"]

    def test_a_relay_that_was_overtaken_reports_nothing(self, relay: RelayStore) -> None:
        state = relay.take_over()
        slot = delivery(ADVICE, 1, position=1)
        relay.commit(RelayCommit(position=2, deliveries=[slot], to_report=[slot]), epoch=state.epoch)
        report = relay.report(at=NOON, limit=9, epoch=state.epoch)
        assert report is not None
        other = self.other_relay(relay)
        with pytest.raises(FencedError):
            relay.report(at=NOON, limit=9, epoch=state.epoch)
        with pytest.raises(FencedError):
            relay.reported(report, epoch=state.epoch)
        assert other.report(at=NOON, limit=9, epoch=other.take_over().epoch) == report

    def test_a_replay_signs_old_slots_again_and_leaves_the_feed_where_it_is(self, relay: RelayStore) -> None:
        state = relay.take_over()
        slots = [delivery(ADVICE, number, position=number) for number in (1, 2, 3)]
        given = RelayCommit(position=4, deliveries=slots)
        relay.commit(given, epoch=state.epoch)
        relay.mark_produced(given, receipts=[], replays=[], epoch=state.epoch)
        withheld = replace(slots[0], withheld=True, signed=b"again")
        relay.commit(RelayCommit(position=4, deliveries=[withheld]), epoch=state.epoch)
        assert relay.deliveries(ADVICE, from_sequence=1, limit=2) == [withheld, slots[1]]
        assert relay.unproduced() == [withheld]
        assert relay.feeds()[ADVICE].sequence == 3

    def test_a_back_fill_goes_on_where_the_last_chunk_ended(self, relay: RelayStore) -> None:
        state = relay.take_over()
        relay.commit(RelayCommit(position=1, backfills=[backfill(5), backfill(2)]), epoch=state.epoch)
        relay.commit(RelayCommit(position=1, backfills=[backfill(5, after=7)]), epoch=state.epoch)
        assert relay.backfills() == [backfill(2), backfill(5, after=7)]
        relay.commit(RelayCommit(position=1, backfills_done=[backfill(2)]), epoch=state.epoch)
        assert relay.backfills() == [backfill(5, after=7)]

    def test_served_receipts_and_replays_go_and_later_ones_stay(self, relay: RelayStore, writer: WriterStore) -> None:
        wish = ReplayWish(ADVICE, 3, own=True)
        head = writer.take_over()
        head = writer.commit(Commit(at=NOON, receipts_due=[4, 2, 4], replays=[wish, ReplayWish(SHELTER, 1)]), head=head)
        state = relay.take_over()
        assert relay.receipts_due() == [4, 2]
        assert relay.replay_wishes() == [wish, ReplayWish(SHELTER, 1)]
        writer.commit(Commit(at=NOON, receipts_due=[4], replays=[wish]), head=head)  # came again meanwhile
        relay.mark_produced(RelayCommit(position=0), receipts=[4], replays=[wish], epoch=state.epoch)
        assert relay.receipts_due() == [2, 4]
        assert relay.replay_wishes() == [ReplayWish(SHELTER, 1), wish]
        relay.mark_produced(RelayCommit(position=0), receipts=[2, 4], replays=[], epoch=state.epoch)
        assert relay.receipts_due() == []

    def test_a_relay_that_was_overtaken_gives_nothing(self, relay: RelayStore) -> None:
        state = relay.take_over()
        other = self.other_relay(relay)
        late = RelayCommit(position=1, deliveries=[delivery(ADVICE, 1, position=0)])
        with pytest.raises(FencedError):
            relay.commit(late, epoch=state.epoch)
        with pytest.raises(FencedError):
            relay.mark_produced(late, receipts=[], replays=[], epoch=state.epoch)
        assert other.feeds() == {}
        assert other.given([0]) == frozenset()

    def test_feeds_of_two_units_are_numbered_apart(self, relay: RelayStore) -> None:
        state = relay.take_over()
        slots = [delivery(UnitId(f"unit-{n}"), s, position=s) for s in (1, 2) for n in range(30)]
        relay.commit(RelayCommit(position=3, deliveries=slots), epoch=state.epoch)
        assert {feed.sequence for feed in relay.feeds().values()} == {2}
        assert len(relay.feeds()) == 30
