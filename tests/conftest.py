"""Real servers for tests, started when first asked for; a test that uses one carries its marker by itself.

- `database`: the URL of an empty PostgreSQL database; `quick_database` the same without fsync, for tests that do not
  ask what survives a crash. `postgres_server` and `quick_postgres_server` are the servers behind them.
- `embedded_broker`: an embedded broker of the test's own (0.3 s).
- `kafka_broker`: real Kafka, one node, without topics at the start of each test.
- `shared_material`: the folder with published vectors and real files, beside the checkout or where SPOJKA_SHARED says.

What cannot be had is a skip with the reason and the remedy; SPOJKA_REQUIRE makes it a failure (see required_kinds).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from deploy.servers.embedded_broker import EmbeddedBroker
from deploy.servers.errors import MissingComponentError
from deploy.servers.kafka_broker import KafkaBroker
from deploy.servers.postgres import PostgresServer
from tests.required_kinds import require_kinds

_REPOSITORY = Path(__file__).resolve().parents[1]
_QUICK_FIRST = ("unit", "property", "conformance", "integration", "e2e", "faults", "benchmarks")
_MARKER_OF_FIXTURE = {
    "postgres_server": "postgres",
    "quick_postgres_server": "postgres",
    "embedded_broker": "embedded",
    "kafka_server": "kafka",
}
_database_numbers = count(1)


def pytest_configure(config: pytest.Config) -> None:
    require_kinds(config)


@pytest.hookimpl(tryfirst=True)  # before -m chooses by marker
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for fixture, marker in _MARKER_OF_FIXTURE.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(marker)
    items.sort(key=_folder_rank)


def _folder_rank(item: pytest.Item) -> int:
    folder = item.path.relative_to(_REPOSITORY).parts[1]
    return _QUICK_FIRST.index(folder) if folder in _QUICK_FIRST else len(_QUICK_FIRST)


def _start(server: PostgresServer | KafkaBroker) -> None:
    try:
        server.start()
    except MissingComponentError as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """PostgreSQL that keeps its promises over a crash."""
    server = PostgresServer(tmp_path_factory.mktemp("postgres") / "data")
    _start(server)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def quick_postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """PostgreSQL without fsync."""
    server = PostgresServer(tmp_path_factory.mktemp("quick-postgres") / "data", fsync=False)
    _start(server)
    yield server
    server.stop()


@pytest.fixture
def database(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of an empty database that the test has for itself."""
    yield from _fresh_database(postgres_server)


@pytest.fixture
def quick_database(quick_postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of an empty database without fsync that the test has for itself."""
    yield from _fresh_database(quick_postgres_server)


def _fresh_database(server: PostgresServer) -> Iterator[str]:
    server.start()  # a test before may have killed it
    name = f"test_{next(_database_numbers)}"
    yield server.create_database(name)
    server.start()
    server.drop_database(name)


@pytest.fixture
def embedded_broker(tmp_path: Path) -> Iterator[EmbeddedBroker]:
    """An embedded broker that the test has for itself."""
    with EmbeddedBroker(state=tmp_path / "broker.json", log=tmp_path / "broker.log") as broker:
        yield broker


@pytest.fixture(scope="session")
def kafka_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """One Kafka node for the whole run; tests ask for `kafka_broker`."""
    broker = KafkaBroker(tmp_path_factory.mktemp("kafka") / "data")
    _start(broker)
    yield broker
    broker.stop()


@pytest.fixture
def kafka_broker(kafka_server: KafkaBroker) -> KafkaBroker:
    """Real Kafka without any topic."""
    kafka_server.start()  # a test before may have killed it
    kafka_server.delete_all_topics()
    return kafka_server


@pytest.fixture(scope="session")
def shared_material() -> Path:
    """The folder with published vectors and real files."""
    folder = Path(os.environ.get("SPOJKA_SHARED", _REPOSITORY.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"no folder {folder}: put the shared material there, or name its folder by SPOJKA_SHARED")
    return folder
