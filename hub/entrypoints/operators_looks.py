"""Putting on record that the operator looks at what the hub knows of clients, before a command shows it (contracts/adr/0014).

Invariant: `put_on_record` returns only when the log holds every look as accepted; whatever goes wrong on the way is a `LookNotRecordedError`, and
then nothing may be shown.
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final, Literal

from contracts.messages.access import RecordAudited
from contracts.names import HUB, ActorId, MessageId, RecordKey, Source, SubjectId, source_of
from contracts.signed_bytes import SignedBytes
from hub.application.broker_permissions import HubUser
from hub.application.ports import HubError
from hub.domain.events import MessageAccepted
from hub.domain.shards import shard_of
from hub.entrypoints.house import House
from hub.entrypoints.publishing import client_record
from hub.infrastructure.postgres.log_reading import LogReading
from hub.infrastructure.postgres.privileges import DatabaseUser
from hub.infrastructure.postgres.session import Session
from projections.kafka.batch_producer import BatchProducer
from projections.kafka.errors import TransportError

ROLE: Final = "operator"
PATIENCE: Final = 15.0
"""Seconds to wait for the writers."""
_AGAIN: Final = 0.05

Shown = Literal["accesses", "duties"]


class LookNotRecordedError(HubError):
    """A look could not be put on record."""

    def __init__(self) -> None:
        super().__init__(
            "The look could not be put on record, so nothing is shown.",
            advice="Does the hub run, with its broker? See `spojka-hub run --role intake`.",
        )


class UnknownClientError(HubError):
    """The log says nothing about this client."""


@dataclass(frozen=True, slots=True)
class OperatorsLook:
    """Who looks, what for (a code of `audit-purpose`), and at what."""

    by: str
    purpose: str
    shown: Shown


def put_on_record(house: House, subjects: Iterable[SubjectId], look: OperatorsLook) -> None:
    """Say it in the log of each client, and wait until it stands there. Raises `LookNotRecordedError`, `UnknownClientError`."""
    said: dict[int, dict[MessageId, tuple[SubjectId, SignedBytes]]] = {}
    for subject in dict.fromkeys(subjects):
        message_id, signed = _said(house, subject, look)
        said.setdefault(_shard_of(house, subject), {})[message_id] = subject, signed
    with ExitStack() as stack:
        logs = {shard: _log(house, shard, stack) for shard in said}
        for shard, messages in said.items():
            _check_known(logs[shard], [RecordKey(subject) for subject, _ in messages.values()])
        asyncio.run(_send(house, [one for messages in said.values() for one in messages.values()]))
        end = time.monotonic() + PATIENCE
        for shard, messages in said.items():
            _wait(logs[shard], [(_source(house), one) for one in messages], end)


def _said(house: House, subject: SubjectId, look: OperatorsLook) -> tuple[MessageId, SignedBytes]:
    at = house.clock.now()
    reader = ActorId(f"{ROLE}/{look.by}")
    facts = RecordAudited(reader=reader, purpose_of_audit=look.purpose, shown=look.shown, until=at)
    name = f"look/{look.by}/{look.purpose}/{look.shown}/{subject}/{at}"
    return house.programme.voice.say(facts, name=name, at=at, subject=subject)


def _shard_of(house: House, subject: SubjectId) -> int:
    listed = house.programme.directory.listed
    return shard_of(subject, partitions=listed.partitions, shards=listed.shards)


def _source(house: House) -> Source:
    return source_of(house.programme.directory.listed.programme, HUB)


def _log(house: House, shard: int, stack: ExitStack) -> LogReading:
    session = Session(house.database(DatabaseUser.OPERATOR, shard), name="look")
    stack.callback(session.close)
    return LogReading(session, house.mapper())


def _check_known(log: LogReading, keys: Sequence[RecordKey]) -> None:
    """Nobody begins a client's history by mistyping a pseudonym."""
    if log.load(keys).keys() != set(keys):
        raise UnknownClientError("The log says nothing about this client.", advice="Check the pseudonym.")


async def _send(house: House, said: Sequence[tuple[SubjectId, SignedBytes]]) -> None:
    listed = house.programme.directory.listed
    records = [client_record(signed, listed, RecordKey(subject)) for subject, signed in said]
    try:
        async with BatchProducer(connection=house.connection(HubUser.OPERATOR)) as producer:
            await producer.send(records)
    except TransportError as error:
        raise LookNotRecordedError from error


def _wait(log: LogReading, ids: Sequence[tuple[Source, MessageId]], end: float) -> None:
    while len(found := log.find(ids)) < len(ids):
        if time.monotonic() > end:
            raise LookNotRecordedError
        time.sleep(_AGAIN)  # the writer is another process, and this command has nothing else to do
    entries = log.at([one.position for one in found.values()])
    if not all(isinstance(one.event, MessageAccepted) for one in entries):
        raise LookNotRecordedError
