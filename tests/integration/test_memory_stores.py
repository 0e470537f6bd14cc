"""The store ports in memory keep what PostgreSQL keeps."""

from typing import Literal

import pytest

from contracts.names import RecordKey
from hub.application.ports import Commit, RelayStore, StoreUnavailableError, WriterStore
from hub.infrastructure.memory_relay_store import MemoryRelayStore
from hub.infrastructure.memory_shard import MemoryShard
from hub.infrastructure.memory_store import MemoryWriterStore
from tests.integration.relay_store_contract import RelayStoreContract
from tests.integration.store_samples import NOON, accepted, read_up_to
from tests.integration.writer_store_contract import WriterStoreContract


@pytest.fixture
def shard() -> MemoryShard:
    return MemoryShard()


class TestMemoryWriterStore(WriterStoreContract):
    @pytest.fixture
    def store(self, shard: MemoryShard) -> MemoryWriterStore:
        return MemoryWriterStore(shard)

    def other_writer(self, store: WriterStore) -> WriterStore:
        assert isinstance(store, MemoryWriterStore)
        other = MemoryWriterStore(store._shard)
        other.take_over()
        return other

    def ask(self, store: WriterStore, key: RecordKey, verb: Literal["retry", "refuse", "refuse-first"]) -> None:
        assert isinstance(store, MemoryWriterStore)
        store._shard.ask(key, verb)

    def test_a_lost_answer_leaves_the_commit_in_place(self, store: MemoryWriterStore, shard: MemoryShard) -> None:
        def lose_the_answer() -> None:
            raise StoreUnavailableError("No answer.", advice="Read the head row again.")

        head = store.take_over()
        shard.after_commit = lose_the_answer
        with pytest.raises(StoreUnavailableError):
            store.commit(Commit(at=NOON, events=[accepted()], inputs=[read_up_to(1)]), head=head)
        assert store.head().position == 1


class TestMemoryRelayStore(RelayStoreContract):
    @pytest.fixture
    def relay(self, shard: MemoryShard) -> MemoryRelayStore:
        return MemoryRelayStore(shard)

    @pytest.fixture
    def writer(self, shard: MemoryShard) -> MemoryWriterStore:
        return MemoryWriterStore(shard)

    def other_relay(self, relay: RelayStore) -> RelayStore:
        assert isinstance(relay, MemoryRelayStore)
        other = MemoryRelayStore(relay._shard)
        other.take_over()
        return other
