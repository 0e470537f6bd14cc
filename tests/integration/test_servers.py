"""The servers that tests, demo and benchmarks stand on: ready when started, gone when killed, never left behind."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from threading import Thread
from time import monotonic

import psutil
import psycopg
import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from deploy.servers.child import Child
from deploy.servers.embedded_broker import BrokerState, EmbeddedBroker
from deploy.servers.errors import DamagedDownloadError, NotRunningError, ServerStartError
from deploy.servers.kafka_broker import KafkaBroker
from deploy.servers.kafka_jars import verify
from deploy.servers.postgres import PostgresServer
from deploy.servers.topics import INBOX, programme_topics

_REPOSITORY = Path(__file__).resolve().parents[2]
_QUIET = {"log_level": 0}


def _send(bootstrap: str, topic: str, value: bytes, **settings: str) -> KafkaError | None:
    problems: list[KafkaError | None] = []
    producer = Producer({**_QUIET, "bootstrap.servers": bootstrap, "acks": "all", **settings})
    producer.produce(topic, value, partition=0, on_delivery=lambda problem, _: problems.append(problem))
    producer.flush(20)
    return problems[0]


def _first_value(bootstrap: str, topic: str, *, offset: int = 0) -> bytes | None:
    consumer = Consumer({**_QUIET, "bootstrap.servers": bootstrap, "group.id": "test", "auto.offset.reset": "error"})
    consumer.assign([TopicPartition(topic, 0, offset)])
    message = consumer.poll(20)
    consumer.close()
    return message.value() if message else None


@pytest.fixture
def own_postgres(tmp_path: Path) -> PostgresServer:
    return PostgresServer(tmp_path / "data")


class TestEmbeddedBroker:
    def test_what_is_sent_can_be_read(self, embedded_broker: EmbeddedBroker) -> None:
        assert _send(embedded_broker.bootstrap, INBOX, b"hello") is None
        assert _first_value(embedded_broker.bootstrap, INBOX) == b"hello"

    def test_a_killed_broker_comes_back_elsewhere_and_empty(self, embedded_broker: EmbeddedBroker) -> None:
        _send(embedded_broker.bootstrap, INBOX, b"lost")
        before = embedded_broker.bootstrap
        embedded_broker.kill()
        with pytest.raises(NotRunningError):
            _ = embedded_broker.bootstrap
        embedded_broker.restart()
        assert embedded_broker.bootstrap != before
        _send(embedded_broker.bootstrap, INBOX, b"first again")
        assert _first_value(embedded_broker.bootstrap, INBOX) == b"first again"

    def test_a_broker_that_a_short_lived_thread_started_goes_on_without_it(self, tmp_path: Path) -> None:
        broker = EmbeddedBroker(state=tmp_path / "broker.json")
        starter = Thread(target=broker.start)
        starter.start()
        starter.join()
        assert _send(broker.bootstrap, INBOX, b"hello") is None
        broker.stop()

    def test_no_broker_is_left_when_the_process_that_started_it_is_killed(self, tmp_path: Path) -> None:
        state = tmp_path / "broker.json"
        script = (
            "import sys, pathlib; from deploy.servers.embedded_broker import EmbeddedBroker\n"
            "broker = EmbeddedBroker(state=pathlib.Path(sys.argv[1])); broker.start()\n"
            "print('started', flush=True); sys.stdin.read()"
        )
        starter = subprocess.Popen(
            [sys.executable, "-c", script, str(state)],
            cwd=_REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert starter.stdout
        assert starter.stdout.readline() == b"started\n"
        written = BrokerState.read(state)
        assert written
        broker = psutil.Process(written.pid)
        assert broker.is_running()
        starter.send_signal(signal.SIGKILL)
        starter.communicate()
        assert psutil.wait_procs([broker], timeout=10)[1] == []


class TestPostgresServer:
    def test_what_was_created_can_be_listed_and_dropped_so_that_nothing_is_left_to_vacuum(
        self, own_postgres: PostgresServer
    ) -> None:
        with own_postgres:
            own_postgres.create_database("second")
            own_postgres.create_database("first")
            assert own_postgres.databases() == ["first", "second"]
            for name in own_postgres.databases():
                own_postgres.drop_database(name)
            assert own_postgres.databases() == []

    def test_a_committed_row_outlives_a_killed_server(self, own_postgres: PostgresServer) -> None:
        with own_postgres:
            url = own_postgres.create_database("kept")
            with psycopg.connect(url) as connection:
                connection.execute("CREATE TABLE entry (number int)")
                connection.execute("INSERT INTO entry VALUES (7)")
            own_postgres.kill()
            own_postgres.restart()
            with psycopg.connect(url) as connection:
                assert connection.execute("SELECT number FROM entry").fetchone() == (7,)

    def test_durability_is_on_unless_asked_otherwise(self, database: str, quick_database: str) -> None:
        fsync = [psycopg.connect(url).execute("SHOW fsync").fetchone() for url in (database, quick_database)]
        assert fsync == [("on",), ("off",)]

    def test_a_stranger_on_this_machine_needs_the_password(self, postgres_server: PostgresServer) -> None:
        url = postgres_server.tcp_dsn()
        assert psycopg.connect(url).execute("SELECT 1").fetchone() == (1,)
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(url.replace(":", ":wrong", 2).replace(":wrong//", "://"))

    def test_a_paused_server_keeps_the_lock_of_its_session(self, own_postgres: PostgresServer) -> None:
        with own_postgres, psycopg.connect(own_postgres.dsn(), autocommit=True) as holder:
            holder.execute("SELECT pg_advisory_lock(1)")
            own_postgres.pause()
            with pytest.raises(psycopg.errors.ConnectionTimeout):
                psycopg.connect(own_postgres.dsn(), connect_timeout=2)
            own_postgres.resume()
            with psycopg.connect(own_postgres.dsn()) as other:
                assert other.execute("SELECT pg_try_advisory_lock(1)").fetchone() == (False,)

    def test_a_server_that_cannot_start_shows_the_end_of_its_log(self, tmp_path: Path) -> None:
        server = PostgresServer(tmp_path / "data", fsync=False, settings={"shared_buffers": "nonsense"})
        with pytest.raises(ServerStartError, match="nonsense"):
            server.start()


class TestKafkaBroker:
    def test_what_is_sent_can_be_read_until_its_records_are_deleted(self, kafka_broker: KafkaBroker) -> None:
        kafka_broker.create_topic("entries", partitions=2)
        for value in (b"one", b"two"):
            assert _send(kafka_broker.bootstrap, "entries", value) is None
        assert _first_value(kafka_broker.bootstrap, "entries") == b"one"
        assert kafka_broker.delete_records("entries", partition=0, before=1) == 1
        assert _first_value(kafka_broker.bootstrap, "entries", offset=1) == b"two"

    def test_a_small_packet_that_unfolds_to_megabytes_is_refused(self, kafka_broker: KafkaBroker) -> None:
        kafka_broker.create_topics(programme_topics(["op"], inbox_partitions=4))
        bomb = {"compression.type": "gzip", "message.max.bytes": "100000000"}
        problem = _send(kafka_broker.bootstrap, INBOX, bytes(20_000_000), **bomb)
        assert problem
        assert problem.code() == KafkaError.MSG_SIZE_TOO_LARGE

    def test_a_topic_that_nobody_made_stays_missing(self, kafka_broker: KafkaBroker) -> None:
        with pytest.raises(KafkaException):
            kafka_broker.delete_topic("feed.unknown")
        problem = _send(kafka_broker.bootstrap, "feed.unknown", b"x", **{"topic.metadata.propagation.max.ms": "500"})
        assert problem
        assert problem.code() == KafkaError.UNKNOWN_TOPIC_OR_PART

    @pytest.mark.long
    def test_a_wiped_broker_is_another_cluster_at_the_same_address(self, kafka_broker: KafkaBroker) -> None:
        kafka_broker.create_topic("entries")
        before = (kafka_broker.bootstrap, kafka_broker.cluster_id())
        kafka_broker.kill()
        kafka_broker.restart()
        assert (kafka_broker.bootstrap, kafka_broker.cluster_id()) == before
        kafka_broker.wipe()
        assert kafka_broker.bootstrap == before[0]
        assert kafka_broker.cluster_id() != before[1]
        kafka_broker.create_topic("entries")

    @pytest.mark.long
    @pytest.mark.kafka
    def test_three_nodes_lose_one_and_go_on(self, tmp_path: Path) -> None:
        with KafkaBroker(tmp_path / "data", nodes=3) as broker:
            broker.create_topic("entries")
            assert _send(broker.bootstrap, "entries", b"before") is None
            broker.kill(node=3)
            assert _send(broker.bootstrap, "entries", b"after") is None
            assert _first_value(broker.bootstrap, "entries", offset=1) == b"after"


class TestWhatServersStandOn:
    def test_a_download_that_was_tampered_with_is_not_run(self, tmp_path: Path) -> None:
        (tmp_path / "kafka-clients-4.2.1.jar").write_bytes(b"not what was pinned")
        with pytest.raises(DamagedDownloadError) as refused:
            verify(tmp_path)
        assert "kafka-clients-4.2.1.jar" in refused.value.names

    def test_a_program_that_ends_instead_of_starting_is_reported_at_once(self, tmp_path: Path) -> None:
        child = Child("A program with a fault", log=tmp_path / "log")
        child.start([sys.executable, "-c", "raise SystemExit('no such setting')"], folder=tmp_path)
        began = monotonic()
        with pytest.raises(ServerStartError, match=r"(?s)ended while starting.*no such setting"):
            child.wait_until(lambda: None, within=30)
        assert monotonic() - began < 20

    def test_a_program_that_hangs_at_its_start_is_reported_in_time(self, tmp_path: Path) -> None:
        child = Child("A program that hangs", log=tmp_path / "log")
        child.start([sys.executable, "-c", "import signal; signal.pause()"], folder=tmp_path)
        with pytest.raises(ServerStartError, match="was not ready"):
            child.wait_until(lambda: None, within=0.2)
        child.kill()
        assert not child.running
