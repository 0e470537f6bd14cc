"""Three brokers of the full set-up: among themselves they speak TLS only and know each other by certificate."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from confluent_kafka import TopicCollection
from confluent_kafka.admin import AdminClient

from deploy.servers.errors import MissingComponentError
from deploy.servers.kafka_broker import KafkaBroker
from deploy.servers.kafka_security import OPERATOR, KafkaSecurity, node_name
from hub.application.broker_permissions import Operation, Permission
from hub.infrastructure.transport.authority import Authority, Holder, Kind
from hub.infrastructure.transport.broker_access import BrokerAccess
from projections.kafka.batch_producer import BatchProducer, OutgoingRecord
from projections.kafka.connection import KafkaConnection
from projections.kafka.sign_in import SignIn
from tests.integration.kafka_rig import until

_NODES = 3
_HERE = ("localhost", "127.0.0.1")
_SIGN_IN = SignIn("hub-dispatch.1", "known-to-this-test-alone")


@pytest.mark.kafka
@pytest.mark.long
async def test_what_one_broker_takes_all_three_hold_and_each_loads_its_new_certificate(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "transport")
    authority.begin(at=datetime.now(UTC))
    brokers = [Holder(node_name(number), _HERE, Kind.BROKER) for number in range(1, _NODES + 1)]
    for holder in (*brokers, Holder(OPERATOR, kind=Kind.CLIENT)):
        authority.issue(holder, at=datetime.now(UTC))
    cluster = KafkaBroker(tmp_path / "kafka", nodes=_NODES, security=KafkaSecurity(authority.folder, _NODES))
    try:
        cluster.start()
    except MissingComponentError as missing:
        pytest.skip(str(missing))
    try:
        access = BrokerAccess(cluster.administrator)
        access.put_user(_SIGN_IN.user, _SIGN_IN.password)
        access.permit_exactly([Permission(_SIGN_IN.user, Operation.WRITE, "feed.op")])
        cluster.create_topic("feed.op")
        connection = KafkaConnection(
            bootstrap=lambda: cluster.bootstrap,
            security_protocol="SASL_SSL",
            sign_in=lambda: _SIGN_IN,
            trusted=authority.trusted,
        )
        async with BatchProducer(connection=connection) as producer:
            await producer.send([OutgoingRecord("feed.op", 0, None, b"held by all")])
        admin = AdminClient({**cluster.administrator, "log_level": 0})
        described = admin.describe_topics(TopicCollection(["feed.op"]))["feed.op"].result(20)
        assert len(described.partitions[0].isr) == _NODES
        for holder in brokers:
            authority.issue(holder, at=datetime.now(UTC))
        assert len(access.load_certificates()) == _NODES
        await until(lambda: len(access.users()) == 1)  # and the operator, who trusts the same authority, still gets in
    finally:
        cluster.stop()
