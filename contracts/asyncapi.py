"""The AsyncAPI 3.0 document of the hub's topics, made from the catalogue and the record format.

Invariants: said from the view of a unit's adapter (it sends to the inbox, it receives from directory and feed); payloads are the published JSON
Schemas, by relative reference; headers and keys are those that `contracts.kafka_record` and `contracts.partition` judge by.
"""

from typing import Any, Final

from contracts import feed_record, kafka_record
from contracts.catalogue import Author, MessageSpec, specs
from contracts.json_schemas import name_of
from contracts.ledger import announcement
from contracts.pae import PayloadType
from contracts.signed_bytes import MAX_BATCH

Node = dict[str, Any]
"""One object of the document."""

SPECIFICATION: Final = "3.0.0"
_BINDING: Final = "0.5.0"
_SCHEMA_FORMAT: Final = "application/schema+json;version=draft-2020-12"
_INBOX: Final = "hub.inbox"
_DIRECTORY: Final = "hub.directory"
_FEED: Final = "feed.{unit}"
_LEDGER: Final = "hub.ledger"
_WITNESS: Final = "hub.witness"


def document(version: str) -> Node:
    """The whole document, for contracts of this version."""
    return {
        "asyncapi": SPECIFICATION,
        "info": _info(version),
        "defaultContentType": PayloadType.CLOUDEVENT.value,
        "channels": {
            "inbox": _inbox(),
            "directory": _directory(),
            "feed": _feed(),
            "ledger": _ledger(),
            "witness": _witness(),
        },
        "operations": _operations(),
        "components": _components(),
    }


def _info(version: str) -> Node:
    return {
        "title": "Spojka: the support-path hub",
        "version": version,
        "description": "Topics between a unit's adapter and the hub. Every message is signed over its exact bytes; see catalogue.md "
        "for types and refusal codes, and golden/ for signed examples.",
        "license": {"name": "EUPL-1.2", "url": "https://eupl.eu/1.2/en/"},
    }


def _inbox() -> Node:
    return {
        "address": _INBOX,
        "title": "What units publish",
        "description": "Key: the subject, else the source. Partition: (Java's murmur2(key) & 0x7fffffff) mod the count in the trust list.",
        "messages": {name_of(spec): {"$ref": f"#/components/messages/{name_of(spec)}"} for spec in specs()},
        "bindings": _topic(**{"compression.type": "uncompressed"}),
    }


def _directory() -> Node:
    return {
        "address": _DIRECTORY,
        "title": "Trust lists",
        "description": "One partition, versions in order. The value is the DSSE envelope of the root-signed list.",
        "messages": {"trust-list": {"$ref": "#/components/messages/trust-list.v1"}},
        "bindings": {"kafka": {"partitions": 1, "bindingVersion": _BINDING}},
    }


def _feed() -> Node:
    return {
        "address": _FEED,
        "title": "What one unit is given",
        "description": "Partition: the shard. Receipts, deliveries and heads, each signed by the hub.",
        "parameters": {"unit": {"description": "The unit's name in the trust list: [a-z0-9-]{1,40}."}},
        "messages": {"feed-record": {"$ref": "#/components/messages/feed-record.v1"}},
        "bindings": _topic(**{"compression.type": "uncompressed"}),
    }


def _ledger() -> Node:
    return {
        "address": _LEDGER,
        "title": "How each shard's ledger grew",
        "description": "Partition: the shard. Extend the tree that you know by the leaves, compare the root with the signed checkpoint (C2SP "
        "tlog-checkpoint; names and proofs: adr/0020), cosign it, and ring where it does not follow.",
        "messages": {"ledger-announcement": {"$ref": "#/components/messages/ledger-announcement.v1"}},
        "bindings": _topic(**{"compression.type": "uncompressed"}),
    }


def _witness() -> Node:
    return {
        "address": _WITNESS,
        "title": "What witnesses have seen",
        "description": "Partition: the shard. Key: the unit. A cosignature (C2SP tlog-cosignature) by the unit's witness key over the checkpoint "
        "that it saw last; nobody has to.",
        "messages": {"ledger-sighting": {"$ref": "#/components/messages/ledger-sighting.v1"}},
        "bindings": _topic(**{"compression.type": "uncompressed"}),
    }


def _topic(**configuration: str) -> Node:
    """Kafka's channel binding; settings that the binding does not know stand in an extension."""
    return {"kafka": {"bindingVersion": _BINDING, "x-topic-configuration": configuration}}


def _operations() -> Node:
    """A unit sends its own types; the hub's own parts alone send the rest."""
    own = [spec for spec in specs() if spec.author is not Author.HUB]
    hubs = [spec for spec in specs() if spec.author is Author.HUB]
    return {
        "publish": _operation("send", "inbox", "A unit publishes.", [name_of(spec) for spec in own]),
        "speak": _operation("send", "inbox", "The hub's own parts publish.", [name_of(spec) for spec in hubs]),
        "followDirectory": _operation("receive", "directory", "Everyone follows the trust list.", ["trust-list"]),
        "followFeed": _operation("receive", "feed", "A unit follows its own feed.", ["feed-record"]),
        "followLedger": _operation("receive", "ledger", "A unit watches the ledger.", ["ledger-announcement"]),
        "witnessLedger": _operation("send", "witness", "A unit says what it has seen of it.", ["ledger-sighting"]),
    }


def _operation(action: str, channel: str, summary: str, messages: list[str]) -> Node:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "summary": summary,
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in messages],
    }


def _components() -> Node:
    messages = {name_of(spec): _message(spec) for spec in specs()}
    messages["trust-list.v1"] = {
        "name": "trust-list.v1",
        "title": "Trust list",
        "summary": "A DSSE envelope; its payload follows trust-list.v1.schema.json.",
        "contentType": "application/json",
        "payload": {"type": "object", "required": ["payload", "payloadType", "signatures"]},
        "x-payload-schema": "./trust-list.v1.schema.json",
    }
    messages["feed-record.v1"] = {
        "name": "feed-record.v1",
        "title": "Receipt, delivery or head",
        "summary": "DSSE envelopes; their payloads follow receipt.v1, delivery.v1 and feed-head.v1.",
        "contentType": feed_record.CONTENT_TYPE,
        "payload": _by_reference("feed-record.v1"),
    }
    for name, title in (("ledger-announcement.v1", "Ledger grew"), ("ledger-sighting.v1", "Ledger was seen")):
        messages[name] = {
            "name": name,
            "title": title,
            "contentType": announcement.CONTENT_TYPE,
            "payload": _by_reference(name),
        }
    return {"messages": messages, "schemas": {"recordHeaders": _record_headers()}}


def _message(spec: MessageSpec) -> Node:
    return {
        "name": spec.type,
        "title": spec.name,
        "summary": (spec.facts.__doc__ or "").strip().split("\n")[0],
        "contentType": PayloadType.CLOUDEVENT.value,
        "headers": {"$ref": "#/components/schemas/recordHeaders"},
        "payload": _by_reference(name_of(spec)),
        "bindings": {"kafka": {"key": _record_key(), "bindingVersion": _BINDING}},
        "x-spojka-audience": spec.audience.value,
        "x-spojka-author": spec.author.value,
    }


def _by_reference(name: str) -> Node:
    return {"schemaFormat": _SCHEMA_FORMAT, "schema": {"$ref": f"./{name}.schema.json"}}


def _record_key() -> Node:
    return {
        "type": "string",
        "description": "`subject` of the message, else its `source`; the hub's own without subject: hub-<n>.",
    }


def _record_headers() -> Node:
    return {
        "type": "object",
        "properties": {
            kafka_record.CONTENT_TYPE: {"const": PayloadType.CLOUDEVENT.value},
            kafka_record.KEY_ID: _text("<unit>/messages/<first 16 hex of SHA-256(public key)>"),
            kafka_record.SIGNATURE: _text("Base64 of Ed25519 over DSSE's PAE of the exact value, or of the batch."),
            kafka_record.BATCH: _text(f"16 bytes: u64be size (at most {MAX_BATCH}) ‖ u64be index; only in a batch."),
            kafka_record.PROOF: _text("RFC 9162 inclusion path, 32-byte hashes joined; only in a batch."),
            kafka_record.SEALED_KEY: _text("The sealed content key, for the key service alone."),
            kafka_record.TRACE_PARENT: _text("W3C trace context; not signed."),
        },
        "required": [kafka_record.CONTENT_TYPE, kafka_record.KEY_ID, kafka_record.SIGNATURE],
        "description": "Each header once; other names that begin with dsse- or spojka- are refused.",
    }


def _text(description: str) -> Node:
    return {"type": "string", "description": description}
