"""What a client can ask of a Kafka broker, all of it: for each API the requests that would do harm, on every topic, group and the cluster.

`attempts` and `QUIET` together name every API that the broker offers to clients; a test compares, so that a new version of Kafka with another API
makes it red until somebody has said what must come of it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

NEED_READING: Final = frozenset({"FETCH", "DESCRIBE_PRODUCERS"})
NEED_ANY: Final = frozenset({"LIST_OFFSETS", "OFFSET_FOR_LEADER_EPOCH", "DESCRIBE_TOPIC_PARTITIONS", "METADATA"})
"""What whoever may read or write a topic is told about it: where it is and where it ends."""
GROUP: Final = "somebody-elses-group"
TRANSACTION: Final = "somebody-elses-transaction"
_TOPIC, _BROKER, _LOGGER, _GROUP = 2, 4, 8, 32
"""Kinds of resources that have settings."""
_ANYTHING: Final = {
    "resourceTypeFilter": 1,
    "resourceNameFilter": None,
    "patternTypeFilter": 1,
    "principalFilter": None,
    "hostFilter": None,
    "operation": 1,
    "permissionType": 1,
}


@dataclass(frozen=True)
class Attempt:
    """One request; `latest` where a newer version would name the topic by its id."""

    api: str
    body: Mapping[str, Any] = field(default_factory=dict)
    latest: int | None = None

    def document(self) -> dict[str, Any]:
        """As the probe reads it."""
        limit = {} if self.latest is None else {"latest": self.latest}
        return {"api": self.api, "body": self.body, **limit}


QUIET: Final[Mapping[str, Mapping[str, Any]]] = {
    "API_VERSIONS": {"clientSoftwareName": "probe", "clientSoftwareVersion": "1"},
    "METADATA": {"topics": None, "includeTopicAuthorizedOperations": True},
    "DESCRIBE_CLUSTER": {},
    "DESCRIBE_TOPIC_PARTITIONS": {"topics": [], "responsePartitionLimit": 2000},
    "LIST_GROUPS": {},
    "LIST_TRANSACTIONS": {},
    "LIST_CONFIG_RESOURCES": {},
    "DESCRIBE_DELEGATION_TOKEN": {"owners": None},
    "SASL_HANDSHAKE": {"mechanism": "PLAIN"},
    "SASL_AUTHENTICATE": {"authBytes": "x"},
}
"""APIs that are not denied as such: what they tell must name nothing of others."""


def on_reading(name: str, topic_id: str) -> Iterator[Attempt]:
    """Whatever tells what a topic holds, or where it ends."""
    by_id = {"topicId": topic_id}
    part = {"partition": 0, "partitionMaxBytes": 1_000_000, "currentLeaderEpoch": -1}
    whole = {"replicaId": -1, "maxBytes": 1_000_000, "sessionEpoch": -1}
    yield Attempt("FETCH", {**whole, "topics": [{"topic": name, "partitions": [part]}]}, latest=12)
    yield Attempt("FETCH", {**whole, "topics": [{**by_id, "partitions": [part]}]})
    times = [{"partitionIndex": 0, "timestamp": -1, "currentLeaderEpoch": -1}]
    yield Attempt("LIST_OFFSETS", {"replicaId": -1, "topics": [{"name": name, "partitions": times}]})
    epochs = [{"partition": 0, "currentLeaderEpoch": -1, "leaderEpoch": 0}]
    yield Attempt("OFFSET_FOR_LEADER_EPOCH", {"replicaId": -1, "topics": [{"topic": name, "partitions": epochs}]})
    yield Attempt("DESCRIBE_PRODUCERS", {"topics": [{"name": name, "partitionIndexes": [0]}]})
    yield Attempt("DESCRIBE_TOPIC_PARTITIONS", {"topics": [{"name": name}], "responsePartitionLimit": 2000})
    yield Attempt("METADATA", {"topics": [{"name": name}]})
    yield Attempt("METADATA", {"topics": [{"topicId": topic_id, "name": None}]})
    yield Attempt("DESCRIBE_QUORUM", {"topics": [{"topicName": name, "partitions": [{"partitionIndex": 0}]}]})


def on_writing(name: str, topic_id: str) -> Iterator[Attempt]:
    """Whatever puts something into a topic."""
    records = [{"index": 0, "records": "forged"}]
    yield Attempt(
        "PRODUCE", {"acks": -1, "timeoutMs": 5000, "topicData": [{"name": name, "partitionData": records}]}, latest=12
    )
    by_id = [{"topicId": topic_id, "partitionData": records}]
    yield Attempt("PRODUCE", {"acks": -1, "timeoutMs": 5000, "topicData": by_id})


def on_managing(name: str, topic_id: str) -> Iterator[Attempt]:
    """Whatever makes, changes, moves or deletes a topic, or tells its settings."""
    yield Attempt(
        "CREATE_TOPICS",
        {"topics": [{"name": f"{name}.copy", "numPartitions": 1, "replicationFactor": 1}], "validateOnly": True},
    )
    yield Attempt("DELETE_TOPICS", {"topics": [{"name": name}], "timeoutMs": 5000})
    yield Attempt("DELETE_TOPICS", {"topics": [{"name": None, "topicId": topic_id}], "timeoutMs": 5000})
    yield Attempt("DELETE_RECORDS", {"topics": [{"name": name, "partitions": [{"partitionIndex": 0, "offset": -1}]}]})
    yield Attempt("CREATE_PARTITIONS", {"topics": [{"name": name, "count": 9, "assignments": None}]})
    yield Attempt(
        "DESCRIBE_CONFIGS", {"resources": [{"resourceType": _TOPIC, "resourceName": name, "configurationKeys": None}]}
    )
    setting = {"resourceType": _TOPIC, "resourceName": name, "configs": [{"name": "retention.ms", "value": "1"}]}
    yield Attempt("ALTER_CONFIGS", {"resources": [setting]})
    yield Attempt("INCREMENTAL_ALTER_CONFIGS", {"resources": [setting]})
    yield Attempt("ELECT_LEADERS", {"topicPartitions": [{"topic": name, "partitions": [0]}], "timeoutMs": 5000})
    moved = [{"name": name, "partitions": [{"partitionIndex": 0, "replicas": [1]}]}]
    yield Attempt("ALTER_PARTITION_REASSIGNMENTS", {"topics": moved, "timeoutMs": 5000})
    yield Attempt(
        "LIST_PARTITION_REASSIGNMENTS", {"topics": [{"name": name, "partitionIndexes": [0]}], "timeoutMs": 5000}
    )
    places = [{"path": "/var/lib", "topics": [{"name": name, "partitions": [0]}]}]
    yield Attempt("ALTER_REPLICA_LOG_DIRS", {"dirs": places})
    yield Attempt("DESCRIBE_LOG_DIRS", {"topics": [{"topic": name, "partitions": [0]}]})


def on_groups(name: str, topic_id: str) -> Iterator[Attempt]:
    """Whatever reads through a group or a transaction, which nobody here needs, or tells of one."""
    of_group = {"groupId": GROUP}
    member = {**of_group, "memberId": ""}
    part = [{"name": name, "partitions": [{"partitionIndex": 0, "committedOffset": 1}]}]
    yield Attempt("FIND_COORDINATOR", {"keyType": 0, "coordinatorKeys": [GROUP]})
    yield Attempt("FIND_COORDINATOR", {"keyType": 1, "coordinatorKeys": [TRANSACTION]})
    join = {"sessionTimeoutMs": 10_000, "rebalanceTimeoutMs": 10_000, "protocolType": "consumer"}
    yield Attempt("JOIN_GROUP", {**member, **join, "protocols": [{"name": "range", "metadata": ""}]})
    yield Attempt("SYNC_GROUP", {**member, "protocolType": "consumer", "protocolName": "range"})
    yield Attempt("HEARTBEAT", member)
    yield Attempt("LEAVE_GROUP", {**of_group, "members": [{"memberId": "m"}]})
    yield Attempt("DESCRIBE_GROUPS", {"groups": [GROUP]})
    yield Attempt("DELETE_GROUPS", {"groupsNames": [GROUP]})
    yield Attempt("OFFSET_COMMIT", {**member, "topics": part}, latest=9)
    yield Attempt("OFFSET_FETCH", {"groups": [{"groupId": GROUP, "topics": None}]}, latest=9)
    yield Attempt("OFFSET_DELETE", {**of_group, "topics": [{"name": name, "partitions": [{"partitionIndex": 0}]}]})
    new = {"memberId": "AAAAAAAAAAAAAAAAAAAAAQ", "memberEpoch": 0}
    topics = {"subscribedTopicNames": [name]}
    yield Attempt(
        "CONSUMER_GROUP_HEARTBEAT", {**of_group, **new, **topics, "rebalanceTimeoutMs": 5000, "topicPartitions": []}
    )
    yield Attempt("CONSUMER_GROUP_DESCRIBE", {"groupIds": [GROUP]})
    yield Attempt("SHARE_GROUP_HEARTBEAT", {**of_group, **new, **topics})
    yield Attempt("SHARE_GROUP_DESCRIBE", {"groupIds": [GROUP]})
    shared = [{"topicId": topic_id, "partitions": [{"partitionIndex": 0}]}]
    session = {**of_group, "memberId": new["memberId"]}
    yield Attempt("SHARE_FETCH", {**session, "maxRecords": 10, "batchSize": 10, "maxBytes": 1000, "topics": shared})
    yield Attempt("SHARE_ACKNOWLEDGE", {**session, "shareSessionEpoch": 1, "topics": shared})
    yield Attempt("STREAMS_GROUP_HEARTBEAT", {**of_group, **new, "rebalanceTimeoutMs": 5000, "topology": {"epoch": 0}})
    yield Attempt("STREAMS_GROUP_DESCRIBE", {"groupIds": [GROUP]})
    named = [{"topicName": name, "partitions": [0]}]
    yield Attempt("DESCRIBE_SHARE_GROUP_OFFSETS", {"groups": [{**of_group, "topics": named}]})
    changed = [{"topicName": name, "partitions": [{"partitionIndex": 0, "startOffset": 0}]}]
    yield Attempt("ALTER_SHARE_GROUP_OFFSETS", {**of_group, "topics": changed})
    yield Attempt("DELETE_SHARE_GROUP_OFFSETS", {**of_group, "topics": [{"topicName": name}]})
    for api in ("INITIALIZE", "READ", "WRITE", "DELETE"):
        state = [{"topicId": topic_id, "partitions": [{"partition": 0}]}]
        yield Attempt(f"{api}_SHARE_GROUP_STATE", {**of_group, "topics": state})
    summary = [{"topicId": topic_id, "partitions": [{"partition": 0}]}]
    yield Attempt("READ_SHARE_GROUP_STATE_SUMMARY", {**of_group, "topics": summary})
    producer = {"transactionalId": TRANSACTION, "producerId": 1, "producerEpoch": 0}
    yield Attempt("INIT_PRODUCER_ID", {"transactionalId": TRANSACTION, "transactionTimeoutMs": 5000})
    old = {"v3AndBelowTransactionalId": TRANSACTION, "v3AndBelowProducerId": 1}
    yield Attempt("ADD_PARTITIONS_TO_TXN", {**old, "v3AndBelowTopics": [{"name": name, "partitions": [0]}]}, latest=3)
    own = {**producer, "topics": [{"name": name, "partitions": [0]}]}
    yield Attempt("ADD_PARTITIONS_TO_TXN", {"transactions": [own]})
    yield Attempt("ADD_OFFSETS_TO_TXN", {**producer, "groupId": GROUP})
    yield Attempt("END_TXN", {**producer, "committed": True})
    yield Attempt("TXN_OFFSET_COMMIT", {**producer, **member, "topics": part})
    yield Attempt("DESCRIBE_TRANSACTIONS", {"transactionalIds": [TRANSACTION]})
    marker = {"producerId": 1, "transactionResult": True, "topics": [{"name": name, "partitionIndexes": [0]}]}
    yield Attempt("WRITE_TXN_MARKERS", {"markers": [marker]})


def on_cluster(user: str) -> Iterator[Attempt]:
    """Whatever tells or changes who may do what, or how the brokers are."""
    yield Attempt("DESCRIBE_ACLS", _ANYTHING)
    rule = {"resourceType": 2, "resourceName": "*", "resourcePatternType": 3, "principal": f"User:{user}", "host": "*"}
    yield Attempt("CREATE_ACLS", {"creations": [{**rule, "operation": 2, "permissionType": 3}]})
    yield Attempt("DELETE_ACLS", {"filters": [_ANYTHING]})
    yield Attempt("DESCRIBE_USER_SCRAM_CREDENTIALS", {"users": [{"name": user}]})
    salted = {"name": user, "mechanism": 2, "iterations": 8192, "salt": "salt", "saltedPassword": "x" * 64}
    yield Attempt("ALTER_USER_SCRAM_CREDENTIALS", {"upsertions": [salted]})
    yield Attempt("DESCRIBE_CLIENT_QUOTAS", {"components": []})
    quota = {
        "entity": [{"entityType": "user", "entityName": user}],
        "ops": [{"key": "producer_byte_rate", "value": 9.0}],
    }
    yield Attempt("ALTER_CLIENT_QUOTAS", {"entries": [quota]})
    yield Attempt(
        "CREATE_DELEGATION_TOKEN",
        {"maxLifetimeMs": -1, "ownerPrincipalType": "User", "ownerPrincipalName": "hub-intake.1"},
    )
    yield Attempt("RENEW_DELEGATION_TOKEN", {"hmac": "x"})
    yield Attempt("EXPIRE_DELEGATION_TOKEN", {"hmac": "x"})
    for kind, name, setting, value in (
        (_BROKER, "1", "leader.replication.throttled.rate", "1000"),
        (_BROKER, "", "message.max.bytes", "1000000"),
        (_GROUP, GROUP, "consumer.session.timeout.ms", "45000"),
    ):
        asked = {"resourceType": kind, "resourceName": name}
        yield Attempt("DESCRIBE_CONFIGS", {"resources": [{**asked, "configurationKeys": None}]})
        changed = {"resources": [{**asked, "configs": [{"name": setting, "value": value}]}]}
        yield Attempt("INCREMENTAL_ALTER_CONFIGS", changed)
        yield Attempt("ALTER_CONFIGS", changed)
    loggers = {"resourceType": _LOGGER, "resourceName": "1"}
    yield Attempt("DESCRIBE_CONFIGS", {"resources": [{**loggers, "configurationKeys": None}]})
    quieter = [{"name": "kafka.authorizer.logger", "value": "OFF"}]
    yield Attempt("INCREMENTAL_ALTER_CONFIGS", {"resources": [{**loggers, "configs": quieter}]})
    yield Attempt(
        "UPDATE_FEATURES", {"featureUpdates": [{"feature": "metadata.version", "maxVersionLevel": 7, "upgradeType": 1}]}
    )
    yield Attempt("UNREGISTER_BROKER", {"brokerId": 9})
    yield Attempt(
        "ADD_RAFT_VOTER", {"voterId": 9, "listeners": [{"name": "CONTROLLER", "host": "127.0.0.1", "port": 1}]}
    )
    yield Attempt("REMOVE_RAFT_VOTER", {"voterId": 1})
    yield Attempt("DESCRIBE_LOG_DIRS", {"topics": None})
    yield Attempt("ELECT_LEADERS", {"topicPartitions": None})
    yield Attempt("LIST_PARTITION_REASSIGNMENTS", {"topics": None})
