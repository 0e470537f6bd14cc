"""One client's erasure in a log of many: decided by the hub, its key and all that was released of it destroyed by the key service."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from hashlib import sha256
from statistics import median

from contracts.kafka_record import to_headers
from contracts.keys import KeyUse, SigningKey
from contracts.messages.erasure import ErasureRequested
from contracts.names import HUB, KeyId, RecordKey, SubjectId, UnitId
from contracts.partition import partition_of
from contracts.sealing.content_key import KeyLabel
from deploy.servers.errors import ServerError
from hub.application.intake import Intake
from hub.application.key_ports import HeldKey, KeyCommit, KeyUseSoFar, ReleaseRow, Wrapped
from hub.application.key_service import KeyService
from hub.application.ports import FencedError
from hub.application.releasing import Releasing
from hub.application.verification import Verifier
from hub.infrastructure.key_encryption import KekSet, LocalKeyEncryption
from hub.infrastructure.postgres.key_log import PostgresKeyLog
from hub.infrastructure.postgres.key_store import PostgresKeyStore
from hub.infrastructure.postgres.migrate import KEY_TABLES, migrate
from hub.infrastructure.postgres.session import Session
from hub.infrastructure.postgres.shard_database import ShardDatabase
from hub.infrastructure.postgres.writer_session import Role, WriterSession
from hub.infrastructure.postgres.writer_store import PostgresWriterStore
from projections.kafka.positions import RawRecord
from tests.benchmarks.registry import Bench
from tests.benchmarks.workload import AT, Keyed, subject, workload
from tests.integration.store_samples import sealing_mapper
from tests.simulation.programme import DECIN, PARTITIONS, Simulation

_PER_CLIENT = 2
"""A consent and an entry."""
_TOGETHER = 500
_ERASED = 41
_OP, _VZ = UnitId("op"), UnitId("vz")


def milliseconds(bench: Bench, *logs: int) -> list[float]:
    """For logs of so many entries each, the median over some clients, spread over the log; each client has a content key that `vz` was given.

    The logs take turns, so that what the machine does besides meets all alike; and nothing is remembered of the client, as of most.
    """
    with ExitStack() as stack:
        shards = [(entries // _PER_CLIENT, stack.enter_context(_filled(bench, entries))) for entries in logs]
        taken = [[shard.erase(turn * (clients // _ERASED)) for clients, shard in shards] for turn in range(_ERASED)]
        return [median(seconds) * 1000 for seconds in zip(*taken, strict=True)]


@contextmanager
def _filled(bench: Bench, entries: int) -> Iterator["_Shard"]:
    log, keys = (ShardDatabase(bench.postgres.create_database(f"erase_{part}{entries}"), 0) for part in ("log", "keys"))
    migrate(log.dsn, 0)
    migrate(keys.dsn, 0, revisions=KEY_TABLES)
    writer, reading, keeping = WriterSession(log, Role.WRITER), Session(log, name="keys"), Session(keys, name="keys")
    try:
        store = PostgresKeyStore(keeping)
        _keep_keys(store, entries // _PER_CLIENT)
        mapper = sealing_mapper()
        shard = _Shard(Simulation(), PostgresWriterStore(writer, mapper), PostgresKeyLog(reading, mapper), store)
        shard.fill(entries)
        yield shard
    finally:
        for session in (writer, reading, keeping):
            session.close()


class _Shard:
    """A hub's writer and its key service, taking turns in this process."""

    def __init__(
        self, simulation: Simulation, writer: PostgresWriterStore, log: PostgresKeyLog, store: PostgresKeyStore
    ) -> None:
        self._simulation = simulation
        self._writer = writer
        self._store = store
        self._verifier = Verifier(shard=0, partitions=PARTITIONS)
        self._intake = Intake(writer, simulation.programme, simulation.clock)
        kek_set = KekSet.fresh("kek-1")
        kek = LocalKeyEncryption(lambda: kek_set)
        signing = SigningKey.generate(HUB, KeyUse.RELEASES)
        self._keys = KeyService(
            log=log,
            store=store,
            programme=simulation.programme,
            kek=kek,
            releasing=Releasing(store, kek=kek, programme=DECIN, key=signing, shard=0),
            clock=simulation.clock,
        )
        self._offset = 0

    def fill(self, entries: int) -> None:
        """Consents and entries, read by the key service to the end."""
        messages = workload(self._simulation, entries, batched=True, per_client=_PER_CLIENT)
        self._intake.take_over()
        self._keys.take_over()
        for start in range(0, entries, _TOGETHER):
            self._take(messages[start : start + _TOGETHER])

    def erase(self, number: int) -> float:
        """Seconds from the request until nothing of the client's key is left."""
        client = subject(number)
        _, signed = self._simulation.message("op", ErasureRequested(), subject=client)
        with suppress(FencedError):  # the database ended a writer that stood idle, as while the other log was filled
            self._writer.beat()
        self._intake.take_over()
        self._keys.take_over()
        began = time.monotonic()
        self._take([Keyed(client, signed)])
        passed = time.monotonic() - began
        if self._store.keys_about(RecordKey(client)) or self._store.releases_of([RecordKey(client)]):
            raise ServerError(f"the key of client {number} was not destroyed")
        return passed

    def _take(self, messages: list[Keyed]) -> None:
        records = [self._record(one) for one in messages]
        while records:
            at = self._intake.now()
            checked = self._verifier.check_all(records, self._intake.directory, at)
            records = records[self._intake.take(checked, records, at=at).consumed :]
        while self._keys.step():
            pass

    def _record(self, one: Keyed) -> RawRecord:
        self._offset += 1
        key, headers = one.key.encode(), tuple(to_headers(one.signed))
        partition = partition_of(key, PARTITIONS)
        return RawRecord("hub.inbox", partition, self._offset, "broker", key, one.signed.payload, headers, 0)


def _keep_keys(store: PostgresKeyStore, clients: int) -> None:
    """A content key for each client, as if deposited before everything else, and its release to `vz`."""
    for start in range(0, clients, _TOGETHER):
        made = list(_keys(range(start, min(start + _TOGETHER, clients))))
        store.commit(
            KeyCommit(
                0,
                0,
                AT,
                keys=[key for key, _ in made],
                uses=[KeyUseSoFar(key.key_id, key.record_key, frozenset({_VZ})) for key, _ in made],
                releases=[release for _, release in made],
            )
        )


def _keys(numbers: range) -> Iterator[tuple[HeldKey, ReleaseRow]]:
    simulation = Simulation()
    for number in numbers:
        client: SubjectId = subject(number)
        key_id = sha256(client.encode()).hexdigest()
        name = simulation.next_id()
        key = HeldKey(key_id, KeyLabel(DECIN, _OP, client, "skills", 1), 0, name, Wrapped("kek-1", b"w" * 60))
        yield (
            key,
            ReleaseRow(
                number=0,
                key_id=key_id,
                unit=_VZ,
                message_id=None,
                entry=name,
                key=key.record_key,
                position=0,
                ground=None,
                to=KeyId(f"{_VZ}/encryption/{'a' * 16}"),
                release_hash=sha256(b"sealed").digest(),
                signed=b"s" * 2_000,
            ),
        )
