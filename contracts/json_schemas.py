"""JSON Schemas (2020-12) of everything that crosses a border, made from the models that judge it.

Invariants: one schema a message type, whose `$id` is the message's `dataschema`; null is allowed nowhere; `x-spojka-coded` marks codes about the
person, which the schema forbids in the facts of a special or criminal category and asks for elsewhere. What a schema cannot say is in its `$comment`.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic import BaseModel

from contracts.access_view import AccessView
from contracts.catalogue import MessageSpec, specs
from contracts.categories import WHOLLY_SEALED, Category
from contracts.delivery import Delivery
from contracts.envelope import model_of
from contracts.facts import SealedContent
from contracts.feed_head import FeedHead
from contracts.ledger.announcement import Announcement, Sighting
from contracts.pae import PayloadType
from contracts.personal_report import PersonalReport, PortableCopy
from contracts.receipt import Receipt
from contracts.sealing.deposit import Deposit
from contracts.sealing.release import Release
from contracts.trust_list import TrustList

Schema = dict[str, Any]
"""One JSON Schema."""

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_BASE: Final = "urn:spojka:schema:"
_REST: Final = (
    "Not said here: numbers are written as integers without fraction; no member stands twice; `source` is urn:spojka:<programme>:<unit> "
    "of `programme`; every grant names the recipient of its message; the signature covers the exact bytes."
)
_DOCUMENTS: Final[Mapping[str, type[BaseModel]]] = {
    "receipt.v1": Receipt,
    "delivery.v1": Delivery,
    "feed-head.v1": FeedHead,
    "trust-list.v1": TrustList,
    "ledger-announcement.v1": Announcement,
    "ledger-sighting.v1": Sighting,
    "release.v1": Release,
    "deposit.v1": Deposit,
    "access-view.v1": AccessView,
    "personal-report.v1": PersonalReport,
    "portable-copy.v1": PortableCopy,
}


def schemas() -> Mapping[str, Schema]:
    """Every schema by its name: `session.held.v1`, `receipt.v1` …; its file is `<name>.schema.json`."""
    messages = {name_of(spec): message_schema(spec) for spec in specs()}
    documents = {name: document_schema(name, model) for name, model in _DOCUMENTS.items()}
    return messages | documents | {"feed-record.v1": _feed_record_schema()}


def name_of(spec: MessageSpec) -> str:
    """The name of a message type's schema."""
    return spec.schema_id.removeprefix(_BASE)


def message_schema(spec: MessageSpec) -> Schema:
    """The schema of one message type, whole: attributes, facts, and content in clear form."""
    schema = _plain(model_of(spec.type).model_json_schema())
    attributes: Schema = schema["properties"]
    attributes["type"] = {"const": spec.type}
    attributes["dataschema"] = {"const": spec.schema_id}
    _demand(schema, "subject", spec.about_subject)
    _demand(schema, "category", spec.categorised)
    _demand(schema, "purpose", spec.categorised)
    _demand(schema, "corrects", spec.correcting)
    if spec.categories is not None:
        attributes["category"] = {"enum": sorted(spec.categories)}
    _seal(schema, spec)
    if spec.coded and spec.categorised:
        schema |= _coded_rule(spec)
    return _headed(schema, spec.schema_id, str(spec.type)) | {"$comment": _REST}


def document_schema(name: str, model: type[BaseModel]) -> Schema:
    """The schema of a document that the hub or the operator signs, or that a client is handed."""
    return _headed(_plain(model.model_json_schema(mode="serialization")), _BASE + name, model.__name__)


def _headed(schema: Schema, schema_id: str, title: str) -> Schema:
    return {"$schema": DIALECT, "$id": schema_id, "title": title} | schema


def _demand(schema: Schema, attribute: str, needed: bool) -> None:  # noqa: FBT001 - the row of the catalogue says which
    if needed:
        schema["required"].append(attribute)
    else:
        del schema["properties"][attribute]


def _seal(schema: Schema, spec: MessageSpec) -> None:
    """The content in clear follows the type's sealed model; a type that seals nothing has no `sealed`."""
    definitions: Schema = schema["$defs"]
    data = definitions[f"{spec.facts.__name__}Data"]
    if spec.sealed is None:
        del data["properties"]["sealed"]
        for unused in ("Clear", "Jwe", "JsonValue"):
            definitions.pop(unused, None)
        return
    clear = definitions["Clear"]
    clear["properties"]["content"] = {"$ref": f"#/$defs/{spec.sealed.__name__}"}
    clear["required"] = ["form", "content"]
    definitions["Jwe"]["required"] = ["form", "jwe"]
    definitions |= _content_definitions(spec.sealed, spec)
    if not _uses(schema, "JsonValue"):
        definitions.pop("JsonValue", None)


def _content_definitions(model: type[SealedContent], spec: MessageSpec) -> Schema:
    content = _plain(model.model_json_schema())
    inner: Schema = content.pop("$defs", {})
    if spec.coded and _may_be_wholly_sealed(spec):
        named = {name: {"$ref": f"#/$defs/{spec.facts.__name__}/properties/{name}"} for name in spec.coded}
        content["properties"]["facts"] = {
            "description": "Under a special or criminal category: the codes that would else stand in the facts.",
            "type": "object",
            "properties": named,
            "additionalProperties": False,
        }
    return inner | {model.__name__: content}


def _may_be_wholly_sealed(spec: MessageSpec) -> bool:
    return bool((spec.categories or frozenset(Category)) & WHOLLY_SEALED)


def _coded_rule(spec: MessageSpec) -> Schema:
    """Codes are absent from the facts of special and criminal categories; elsewhere the required ones are there."""
    required = [name for name, needed in spec.coded.items() if needed]
    ordinary: Schema = {"properties": {"data": {"properties": {"facts": {"required": required}}}}} if required else {}
    if not _may_be_wholly_sealed(spec):
        return {"allOf": [ordinary]} if ordinary else {}
    absent: Schema = dict.fromkeys(spec.coded, False)
    return {
        "if": {"properties": {"category": {"enum": sorted(WHOLLY_SEALED)}}},
        "then": {"properties": {"data": {"properties": {"facts": {"properties": absent}}}}},
    } | ({"else": ordinary} if ordinary else {})


def _plain(schema: Schema) -> Schema:
    """Without null, without titles that only repeat names, and without keywords of other dialects."""
    cleaned: Schema = _cleaned(schema)
    cleaned.pop("title", None)
    return cleaned


def _cleaned(node: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(node, list):
        return [_cleaned(one) for one in node]
    if not isinstance(node, dict):
        return node
    kept = {
        name: {key: _cleaned(one) for key, one in value.items()} if name in ("properties", "$defs") else _cleaned(value)
        for name, value in node.items()
        if name not in ("title", "discriminator") and not (name == "default" and value is None)
    }
    return _without_null(kept)


def _without_null(node: Schema) -> Schema:
    choices = node.get("anyOf")
    if not isinstance(choices, list) or {"type": "null"} not in choices:
        return node
    rest = [one for one in choices if one != {"type": "null"}]
    others = {name: value for name, value in node.items() if name != "anyOf"}
    return (rest[0] if len(rest) == 1 else {"anyOf": rest}) | others


def _uses(schema: Schema, definition: str) -> bool:
    return f"'#/$defs/{definition}'" in repr(schema)


def _feed_record_schema() -> Schema:
    """What lies on a feed topic: one of four, each a DSSE envelope, a given delivery with its message beside it."""
    kinds = {
        "receipt": PayloadType.RECEIPT,
        "head": PayloadType.FEED_HEAD,
        "delivery": PayloadType.DELIVERY,
        "release": PayloadType.RELEASE,
    }
    choices = [_choice(kind, payload_type, beside=kind == "delivery") for kind, payload_type in kinds.items()]
    body: Schema = {"type": "object", "oneOf": choices, "$defs": {"Envelope": _envelope(), "Signature": _signature()}}
    return _headed(body, f"{_BASE}feed-record.v1", "FeedRecord")


def _choice(kind: str, payload_type: PayloadType, *, beside: bool) -> Schema:
    members = {kind: _typed(payload_type)} | ({"message": _typed(PayloadType.CLOUDEVENT)} if beside else {})
    return {"properties": members, "required": [kind], "additionalProperties": False}


def _typed(payload_type: PayloadType) -> Schema:
    return {"$ref": "#/$defs/Envelope", "properties": {"payloadType": {"const": payload_type.value}}}


def _envelope() -> Schema:
    return _closed(
        {
            "payload": _base64("The exact signed bytes."),
            "payloadType": {"type": "string"},
            "signatures": {"type": "array", "minItems": 1, "maxItems": 1, "items": {"$ref": "#/$defs/Signature"}},
        },
        description="DSSE v1.0.2 with exactly one signature.",
    )


def _signature() -> Schema:
    proof = {"type": "array", "maxItems": 8, "items": _base64("32 bytes, RFC 9162 inclusion path.")}
    size, index = {"type": "integer", "minimum": 1, "maximum": 256}, {"type": "integer", "minimum": 0, "maximum": 255}
    batch = _closed({"size": size, "index": index, "proof": proof}, description="Place in a signed tree.")
    members = {"keyid": {"type": "string"}, "sig": _base64("64 bytes of Ed25519."), "batch": batch}
    return _closed(members, optional=("batch",))


def _closed(members: Schema, *, optional: Iterable[str] = (), description: str = "") -> Schema:
    said = {"description": description} if description else {}
    required = [name for name in members if name not in optional]
    return said | {"type": "object", "properties": members, "required": required, "additionalProperties": False}


def _base64(description: str) -> Schema:
    return {"type": "string", "contentEncoding": "base64", "description": description}
