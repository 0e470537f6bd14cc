"""What the hub has answered goes to the inbox once more: after the hub was restored from a backup and the broker no longer holds what came since.

Invariants: the same bytes, in the order in which they were written; the outbox stays as it is, whatever happens: what the hub still knows it answers
as before, and what it had forgotten it decides.
"""

from datetime import datetime
from typing import Final

from adapters.exchange.publisher import Sender, record_of
from adapters.storage.unit_store import UnitStore

_CHUNK: Final = 256


async def send_again(store: UnitStore, sender: Sender, *, partitions: int, since: datetime) -> int:
    """Send all that was written since then and is answered; returns how many. Raises `TransportError`."""
    after, count = 0, 0
    while True:
        with store.read() as tx:
            messages = tx.outbox.answered(since, after=after, limit=_CHUNK)
        if not messages:
            return count
        await sender.send([record_of(one, partitions) for one in messages])
        after, count = messages[-1].order, count + len(messages)
