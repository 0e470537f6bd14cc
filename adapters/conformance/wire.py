"""The broker, as the kit uses it: follow topics from their beginning, put records where they are told to lie.

Invariant: a record is handed over once, in the order of its partition; nothing is ever committed to Kafka.
"""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, Protocol, Self

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_exponential

from adapters.conformance.errors import ConformanceError
from projections.kafka.batch_producer import BatchProducer, OutgoingRecord
from projections.kafka.connection import KafkaConnection, SaslMechanism, SecurityProtocol
from projections.kafka.errors import TransportError
from projections.kafka.follower import TopicFollower
from projections.kafka.plain_drive import PlainDrive
from projections.kafka.positions import InputPosition, RawRecord
from projections.kafka.sign_in import SignIn, read_sign_in

INBOX: Final = "hub.inbox"
DIRECTORY: Final = "hub.directory"
LEDGER: Final = "hub.ledger"
WITNESS: Final = "hub.witness"
_FROM_FILE: Final = "file:"
_SECONDS: Final = 60.0


def address_of(written: str) -> str:
    """The broker's address; `file:PATH` names a file with it, or a run state file (JSON with `bootstrap`). Raises `ConformanceError`."""
    if not written.startswith(_FROM_FILE):
        return written
    path = Path(written.removeprefix(_FROM_FILE))
    try:
        text = path.read_text(encoding="utf-8").strip()
        return str(json.loads(text)["bootstrap"]) if text.startswith("{") else text
    except (OSError, ValueError, KeyError) as error:
        raise ConformanceError(f"no address in {path}", advice="Is the broker running?") from error


def feed_of(unit: str) -> str:
    """The topic of a unit's feed."""
    return f"feed.{unit}"


def sign_in_of(file: Path | None, username: str | None, password: str | None) -> Callable[[], SignIn] | None:
    """How to sign in: by the operator's file, which is read again at each connection, else by name and password; None where neither is given."""
    if file is not None:
        return partial(read_sign_in, file)
    if username is None or password is None:
        return None
    given = SignIn(username, password)
    return lambda: given


class Wire(Protocol):
    """Enter it to be connected; what lies on the topics followed is told from then on."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *_: object) -> None: ...

    async def put(self, *records: OutgoingRecord) -> None:
        """Store records in the order of the call. Raises `TransportError`."""

    async def until(self, condition: Callable[[], object], *, within: float) -> bool:
        """Wait until something that was heard makes the condition true; False when it stayed false for `within` seconds."""


class Line(Protocol):
    """How the kit gets to its broker."""

    def wire(self, *, followed: Iterable[TopicPartition], heard: Callable[[RawRecord], None]) -> Wire:
        """A wire, not entered yet. `heard` is told of every record of the topics followed."""

    async def make_topics(self, partitions: Mapping[str, int]) -> None:
        """Make topics where the broker lets us; one that makes them by itself when they are first asked for needs none."""


class KafkaLine:
    """To a broker at an address, in clear unless it is told otherwise."""

    def __init__(
        self,
        bootstrap: str,
        *,
        security_protocol: SecurityProtocol = "PLAINTEXT",
        sasl_mechanism: SaslMechanism = "SCRAM-SHA-512",
        sign_in: Callable[[], SignIn] | None = None,
        ca_file: Path | None = None,
    ) -> None:
        self._connection = KafkaConnection(
            bootstrap=lambda: address_of(bootstrap),
            client_id="spojka-conformance",
            security_protocol=security_protocol,
            sasl_mechanism=sasl_mechanism,
            sign_in=sign_in,
            trusted=ca_file,
        )

    def wire(self, *, followed: Iterable[TopicPartition], heard: Callable[[RawRecord], None]) -> "KafkaWire":
        """A wire, not entered yet."""
        return KafkaWire(self._connection, followed=followed, heard=heard)

    async def make_topics(self, partitions: Mapping[str, int]) -> None:
        """Make topics where the broker lets us."""
        client = AIOKafkaAdminClient(**self._connection.client_options(self._connection.address()))
        try:
            await client.start()
            await client.create_topics([NewTopic(name, count, 1) for name, count in partitions.items()])
        except (KafkaError, OSError, AttributeError, IndexError):  # a broker without a controller has aiokafka stumble
            return  # what is missing shows as a fault when it is written to
        finally:
            await client.close()


class KafkaWire:
    """The wire over Kafka."""

    def __init__(
        self, connection: KafkaConnection, *, followed: Iterable[TopicPartition], heard: Callable[[RawRecord], None]
    ) -> None:
        self._connection = connection
        self._producer = BatchProducer(connection=self._connection)
        self._places: dict[TopicPartition, InputPosition] = {}
        self._heard = heard
        self._stop = asyncio.Event()
        self._news = asyncio.Event()
        self._follower = TopicFollower(
            connection=self._connection,
            partitions=list(followed),
            positions=self._positions,
            handle=self._handle,
            drive=PlainDrive(),
        )

    async def __aenter__(self) -> Self:
        await self._producer.start()
        self._running = asyncio.create_task(self._follower.run(self._stop))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        await self._running
        await self._producer.stop()

    async def put(self, *records: OutgoingRecord) -> None:
        """Store records in the order of the call, again and again where the broker is away. Raises `TransportError` after a minute."""
        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type(TransportError),
            stop=stop_after_delay(_SECONDS),
            wait=wait_exponential(multiplier=0.1, max=2),
            reraise=True,
        ):
            with attempt:
                await self._producer.send(list(records))

    async def until(self, condition: Callable[[], object], *, within: float) -> bool:
        """Wait until something that was heard makes the condition true; False when it stayed false for `within` seconds."""
        try:
            async with asyncio.timeout(within):
                while not condition():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return bool(condition())
        return True

    async def _positions(self) -> dict[TopicPartition, InputPosition]:
        return dict(self._places)

    async def _handle(self, batch: Sequence[RawRecord]) -> None:
        for record in batch:
            place, position = TopicPartition(record.topic, record.partition), InputPosition.behind(record)
            before = self._places.get(place)
            self._places[place] = position
            if before is None or before.incarnation != record.incarnation or record.offset >= before.next_offset:
                self._heard(record)
        self._news.set()
