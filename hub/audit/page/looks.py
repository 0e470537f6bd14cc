"""Saying in the log that an auditor looks, before anything shows (contracts/adr/0014).

Invariant: `tell` returns only when the log holds every look as accepted; whatever goes wrong on the way is a `NotRecordedError`, and then nothing
may be shown.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from contracts.kafka_record import to_headers
from contracts.messages.access import RecordAudited
from contracts.names import MessageId, SubjectId
from contracts.partition import partition_of
from contracts.signed_bytes import SignedBytes
from hub.application.broker_permissions import INBOX, HubUser
from hub.application.ports import HubError
from hub.audit.page.evidence import Evidence, ShardEvidence, accepted
from hub.audit.page.sessions import Session
from hub.entrypoints.house import House
from projections.kafka.batch_producer import BatchProducer, OutgoingRecord
from projections.kafka.errors import TransportError

AGAIN_AFTER: Final = 15 * 60
"""Seconds after which the same look is said again."""
PATIENCE: Final = 10.0
"""Seconds to wait for the writer."""
_WAKE: Final = 0.2

What = Literal["path", "accesses", "duties"]


class NotRecordedError(HubError):
    """A look could not be put on record."""

    def __init__(self) -> None:
        super().__init__("The look could not be put on record.", advice="Does the hub run, with its broker?")


@dataclass(frozen=True, slots=True)
class Look:
    """What is to be shown of one client. `since` and `until` are as they were asked for; None: open."""

    subject: SubjectId
    what: What
    since: datetime | None = None
    until: datetime | None = None

    @property
    def key(self) -> tuple[object, ...]:
        """The same look again has the same."""
        return self.subject, self.what, self.since, self.until


class Looks:
    """Tells the log. One for the page; `close` at the end."""

    def __init__(
        self,
        house: House,
        evidence: Evidence,
        *,
        clock: Callable[[], float] = time.monotonic,
        patience: float = PATIENCE,
    ) -> None:
        self._house = house
        self._evidence = evidence
        self._producer = BatchProducer(connection=house.connection(HubUser.AUDIT))
        self._clock = clock
        self._patience = patience

    async def tell(self, session: Session, looks: Iterable[Look]) -> None:
        """Put on record what this session has not said lately. Raises `NotRecordedError`, `StoreUnavailableError`."""
        now = self._clock()
        session.told = {key: at for key, at in session.told.items() if now - at < AGAIN_AFTER}
        new = {look.key: look for look in looks if look.key not in session.told}
        if not new:
            return
        said = [(look.subject, *self._said(session, look)) for look in new.values()]
        try:
            await self._producer.send([self._record(subject, signed) for subject, _, signed in said])
        except TransportError as error:
            raise NotRecordedError from error
        await self._held([(subject, message_id) for subject, message_id, _ in said])
        session.told |= dict.fromkeys(new, now)

    async def close(self) -> None:
        """Let go of the broker."""
        await self._producer.stop()

    def _said(self, session: Session, look: Look) -> tuple[MessageId, SignedBytes]:
        at = self._house.clock.now()
        until = look.until or max(at, look.since or at)
        facts = RecordAudited(
            reader=session.token.reader,
            purpose_of_audit=session.purpose,
            shown=look.what,
            since=look.since,
            until=until,
        )
        parts = (session.token.token_id, session.purpose, look.what, look.subject, look.since, until, at)
        name = "audit/" + "/".join("" if part is None else str(part) for part in parts)
        return self._house.programme.voice.say(facts, name=name, at=at, subject=look.subject)

    def _record(self, subject: SubjectId, signed: SignedBytes) -> OutgoingRecord:
        partition = partition_of(subject, self._house.programme.directory.listed.partitions)
        return OutgoingRecord(INBOX, partition, subject.encode(), signed.payload, tuple(to_headers(signed)))

    async def _held(self, said: Sequence[tuple[SubjectId, MessageId]]) -> None:
        by_shard: dict[int, tuple[ShardEvidence, list[MessageId]]] = {}
        for subject, message_id in said:
            shard = self._evidence.shard_of(subject)
            by_shard.setdefault(shard.database.shard, (shard, []))[1].append(message_id)
        for shard, ids in by_shard.values():
            await asyncio.to_thread(self._wait, shard, ids)

    def _wait(self, shard: ShardEvidence, ids: Sequence[MessageId]) -> None:
        end = time.monotonic() + self._patience
        while len(found := shard.recorded(ids)) < len(ids):
            if time.monotonic() > end:
                raise NotRecordedError
            shard.wait_for_events(_WAKE)
        if set(accepted(shard, found)) != set(ids):
            raise NotRecordedError
