"""One district for all fault tests on the same kind of broker: starting six processes anew for each fault would cost more than the faults.

A test parametrises `district` indirectly with one of the kinds in `tests.faults.kinds`.
"""

import asyncio
import contextlib
from collections.abc import Iterator

import pytest

from deploy.servers.embedded_broker import EmbeddedBroker
from deploy.servers.kafka_broker import KafkaBroker
from deploy.servers.postgres import PostgresServer
from tests.faults.district import District
from tests.faults.mortal_broker import MortalBroker, MortalEmbedded, MortalKafka


@pytest.fixture(scope="session")
def district(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer
) -> Iterator[District]:
    """Hub and adapters at work, with clients in common."""
    folder = tmp_path_factory.mktemp("district")
    name = folder.name.replace("-", "_")
    postgres_server.start()
    dsn = postgres_server.create_database(name)
    with contextlib.ExitStack() as opened:
        opened.callback(postgres_server.drop_database, name)
        broker: MortalBroker
        if request.param == "kafka":
            kafka: KafkaBroker = request.getfixturevalue("kafka_server")
            kafka.start()
            kafka.delete_all_topics()
            broker = MortalKafka(kafka)
        else:
            embedded = EmbeddedBroker(state=folder / "broker.json", log=folder / "broker.log")
            broker = MortalEmbedded(opened.enter_context(embedded))
        started = opened.enter_context(District(folder, dsn, broker))
        asyncio.run(started.open_paths())
        yield started
