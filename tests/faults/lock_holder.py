"""A writer in a process of its own that commits batches until it is killed or stopped: `python -m tests.faults.lock_holder <dsn>`.

Prints `holding` when it has taken over and `committed <position>` after every commit.
"""

import sys
from threading import Event

from hub.infrastructure.postgres.heartbeat import Heartbeat
from hub.infrastructure.postgres.shard_database import ShardDatabase
from hub.infrastructure.postgres.writer_session import Role, WriterSession
from hub.infrastructure.postgres.writer_store import PostgresWriterStore
from tests.integration.store_samples import events_commit

_BATCHES = (1, 40, 7, 300)


def main(dsn: str) -> None:
    """Hold the lock and write."""
    session = WriterSession(ShardDatabase(dsn, 0), Role.WRITER)
    store = PostgresWriterStore(session)
    session.stand_by(Event())
    head = store.take_over()
    print("holding", flush=True)  # noqa: T201 - the test reads it
    with Heartbeat(store.beat, every=session.database.settings.beat_every):
        number = 0
        while True:
            head = store.commit(events_commit(_BATCHES[number % len(_BATCHES)], head=head), head=head)
            number += 1
            print("committed", head.position, flush=True)  # noqa: T201 - the test reads it


if __name__ == "__main__":
    main(sys.argv[1])
