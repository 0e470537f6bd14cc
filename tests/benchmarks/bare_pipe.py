"""The bare pipe: the least that any intake must do.

aiokafka batches → Ed25519 in two threads → pydantic → binary COPY with a head row, one transaction a batch.

Run as a process, `python -m tests.benchmarks.bare_pipe BOOTSTRAP DSN PUBLIC_KEY_HEX KEY_ID COUNT`, it prints the seconds from the first batch to
the last commit.
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import psycopg
from aiokafka import AIOKafkaConsumer
from aiokafka.structs import ConsumerRecord, TopicPartition

from contracts.catalogue import CATALOGUE
from contracts.envelope import Message, model_of
from contracts.kafka_record import from_record
from contracts.keys import VerifyingKey
from contracts.names import KeyId, MessageType
from contracts.pae import PayloadType
from contracts.signed_bytes import BatchRoots, verify
from tests.simulation.programme import PARTITIONS

_PART = 64
_TABLES = """
CREATE TABLE bare_head (position bigint NOT NULL);
INSERT INTO bare_head VALUES (0);
CREATE TABLE bare_log (position bigint PRIMARY KEY, id text NOT NULL, state bytea NOT NULL);
"""


def _check(records: Sequence[ConsumerRecord], key: VerifyingKey, roots: BatchRoots) -> list[tuple[str, bytes]]:
    checked: list[tuple[str, bytes]] = []
    for record in records:
        signed = from_record(record.value, record.headers)
        verify(signed, key, PayloadType.CLOUDEVENT, roots=roots)
        checked.append((_MODELS[_type_of(signed.payload)].model_validate_json(signed.payload).id, signed.payload))
    return checked


_MODELS: dict[MessageType, type[Message]] = {}


def _type_of(payload: bytes) -> MessageType:
    return MessageType(
        "eu.spojka.need.assessed.v1" if b"need.assessed" in payload[:400] else "eu.spojka.consent.given.v1"
    )


def _store(connection: psycopg.Connection, rows: Sequence[tuple[str, bytes]]) -> None:
    with connection.transaction(), connection.cursor() as cursor:
        found = cursor.execute(
            "UPDATE bare_head SET position = position + %s RETURNING position", [len(rows)]
        ).fetchone()
        assert found is not None
        first = found[0] - len(rows)
        with cursor.copy("COPY bare_log FROM STDIN (FORMAT binary)") as copy:
            copy.set_types(["int8", "text", "bytea"])
            for number, (name, payload) in enumerate(rows):
                copy.write_row((first + number, name, payload))


async def _pipe(bootstrap: str, dsn: str, key: VerifyingKey, count: int) -> float:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False)
    await consumer.start()
    consumer.assign([TopicPartition("hub.inbox", number) for number in range(PARTITIONS)])
    roots, loop, done, started = BatchRoots(), asyncio.get_running_loop(), 0, 0.0
    with ThreadPoolExecutor(2) as threads, psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(_TABLES.encode())
        while done < count:
            polled = await consumer.getmany(timeout_ms=200, max_records=500)
            records = [record for part in polled.values() for record in part]
            started = started or time.monotonic()
            parts = [records[start : start + _PART] for start in range(0, len(records), _PART)]
            checked = await asyncio.gather(*(loop.run_in_executor(threads, _check, part, key, roots) for part in parts))
            rows = [row for part in checked for row in part]
            await asyncio.to_thread(_store, connection, rows)
            done += len(rows)
    seconds = time.monotonic() - started
    await consumer.stop()
    return seconds


def main() -> None:
    """Run the pipe once."""
    bootstrap, dsn, public_key, key_id, count = sys.argv[1:]
    _MODELS.update({name: model_of(name) for name in CATALOGUE})
    key = VerifyingKey(bytes.fromhex(public_key), KeyId(key_id))
    print(asyncio.run(_pipe(bootstrap, dsn, key, int(count))))  # noqa: T201 - the figure is this process's answer


if __name__ == "__main__":
    main()
