"""The recorder keeps what the event-sourcing library asks of any recorder: its own test cases, and its event store over our mapper."""

import sys
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import cast
from uuid import UUID, uuid4

import pytest
from eventsourcing.persistence import EventStore, StoredEvent

from hub.domain.events import Event
from hub.infrastructure.postgres.log_recorder import LogRecorder
from hub.infrastructure.postgres.mapper import EventMapper
from hub.infrastructure.postgres.migrate import migrate
from hub.infrastructure.postgres.session import Session
from hub.infrastructure.postgres.shard_database import ShardDatabase
from tests.integration.store_samples import JANA, accepted, refused

with pytest.MonkeyPatch.context() as patch:
    # The library's module of test cases also tests its own cipher, which we do not use and whose package we do not have.
    patch.setitem(sys.modules, "eventsourcing.cipher", cast("ModuleType", SimpleNamespace(AESCipher=None)))
    from eventsourcing.tests import persistence as library


class _OnPostgres:
    """Gives the library's test cases a recorder over an empty shard."""

    _recorder: LogRecorder

    @pytest.fixture(autouse=True)
    def _shard(self, quick_database: str) -> Iterator[None]:
        migrate(quick_database, 0)
        session = Session(ShardDatabase(quick_database, 0))
        self._recorder = LogRecorder(session)
        yield
        session.close()

    def create_recorder(self) -> LogRecorder:
        return self._recorder


class TestAsApplicationRecorder(_OnPostgres, library.ApplicationRecorderTestCase[LogRecorder]):
    test_performance = None  # type: ignore[assignment] # prints only
    test_concurrent_throughput = None  # type: ignore[assignment] # prints only


class TestAsTrackingRecorder(_OnPostgres, library.TrackingRecorderTestCase):
    pass


class TestAsProcessRecorder(_OnPostgres, library.ProcessRecorderTestCase):
    test_performance = None  # type: ignore[assignment] # prints only


class TestNotificationsDoNotInterleave(_OnPostgres, library.NonInterleavingNotificationIDsBaseCase):
    insert_num = 100


class TestTheLibrarysOwnEventStore(_OnPostgres):
    @pytest.mark.parametrize("count", [1, 60])
    def test_events_put_are_got_and_numbered(self, count: int) -> None:
        store: EventStore[UUID] = EventStore(EventMapper(), self.create_recorder())
        stream = uuid4()
        events: list[Event] = [accepted(stream=stream, version=n) for n in range(1, count + 1)]
        events.append(refused(JANA, stream=stream, version=count + 1))
        recorded = store.put(events)
        assert [one.notification.id for one in recorded] == list(range(1, count + 2))
        assert list(store.get(stream)) == events
        assert list(store.get(stream, gt=count)) == events[count:]

    def test_a_subscriber_sees_what_was_there_and_what_comes(self) -> None:
        recorder, stream = self.create_recorder(), uuid4()
        recorder.insert_events([StoredEvent(stream, 1, "t", b"old")])
        with recorder.subscribe() as subscription:
            assert next(subscription).state == b"old"
            recorder.insert_events([StoredEvent(stream, 2, "t", b"new")])
            assert next(subscription).state == b"new"

    def test_a_wrong_count_leaves_no_gap(self) -> None:
        recorder, stream = self.create_recorder(), uuid4()
        events = [StoredEvent(stream, version, "t", b"x") for version in range(60)]
        with pytest.raises(ValueError, match="60 events were given, not 61"):
            recorder.append(events, count=61, at=None, head=None)
        assert recorder.max_notification_id() is None
