"""What a vendor builds from: the published schemas, the AsyncAPI document and the catalogue agree with the code that judges."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from contracts.catalogue import specs
from contracts.codes import DeadLetterReason, DenialReason, RefusalCode
from contracts.envelope import MessageError, parse
from contracts.facts import coded_fields
from contracts.json_schemas import name_of, schemas
from contracts.strict_json import canonical
from deploy.publish_contracts import FOLDER, publish, stale

Document = dict[str, Any]


@cache
def published(name: str) -> Document:
    document: Document = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    return document


@cache
def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(
        published(f"schemas/{name}.schema.json"), format_checker=Draft202012Validator.FORMAT_CHECKER
    )


def golden_messages() -> list[Document]:
    corpus = published("golden/messages.json")
    return [*corpus["messages"], *corpus["batch"], corpus["jwe"]]


def schema_of(message: Mapping[str, Any]) -> Draft202012Validator:
    return validator(message["type"].removeprefix("eu.spojka."))


def example(name: str, **where: str) -> Document:
    """A fresh copy of the golden message of a type."""
    found = [
        one["readable"]
        for one in golden_messages()
        if one["type"] == f"eu.spojka.{name}" and where.items() <= one["readable"].items()
    ]
    copied: Document = json.loads(json.dumps(found[0]))
    return copied


def test_what_is_published_is_what_the_code_says() -> None:
    assert stale() == [], "run python -m deploy.publish_contracts and commit what it wrote"


def test_a_file_that_was_edited_or_that_the_code_no_longer_makes_is_found_and_put_right(tmp_path: Path) -> None:
    publish(tmp_path)
    (tmp_path / "catalogue.md").write_text("edited", encoding="utf-8")
    (tmp_path / "schemas" / "gone.v1.schema.json").write_text("{}", encoding="utf-8")
    (tmp_path / "golden" / "feed.json").unlink()
    assert stale(tmp_path) == ["catalogue.md", "golden/feed.json", "schemas/gone.v1.schema.json"]
    publish(tmp_path)
    assert stale(tmp_path) == []


@pytest.mark.parametrize("name", sorted(schemas()))
def test_every_schema_is_sound_and_carries_the_id_that_messages_name(name: str) -> None:
    schema = published(f"schemas/{name}.schema.json")
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:spojka:schema:{name}"
    for reference in references(schema):
        assert resolve(schema, reference) is not None, reference


def test_every_type_has_an_example_that_its_schema_and_the_parser_accept() -> None:
    seen = set()
    for message in golden_messages():
        assert list(schema_of(message).iter_errors(message["readable"])) == []
        assert parse(canonical(message["readable"])).type == message["type"]
        seen.add(message["type"])
    assert seen == {spec.type for spec in specs()}


def test_every_message_is_a_cloudevent_to_tools_that_know_nothing_of_us(shared_material: Path) -> None:
    text = (shared_material / "vectors/cloudevents.schema.json").read_text(encoding="utf-8")
    cloudevents = Draft7Validator(json.loads(text), format_checker=Draft7Validator.FORMAT_CHECKER)
    for message in golden_messages():
        assert list(cloudevents.iter_errors(message["readable"])) == [], message["type"]
        assert all(name.islower() and name.isalnum() for name in message["readable"]), message["type"]


BROKEN: dict[str, tuple[str, dict[str, Any]]] = {
    "an unknown attribute": ("session.held.v1", {"extra": "x"}),
    "no category": ("session.held.v1", {"category": None}),
    "no subject": ("session.held.v1", {"subject": None}),
    "a subject that is a name": ("session.held.v1", {"subject": "jana"}),
    "a category where none belongs": ("consent.withdrawn.v1", {"category": "housing"}),
    "a subject where none belongs": ("feed.acknowledged.v1", {"subject": "r1." + "a" * 26}),
    "another category than the type's": ("client.enrolled.v1", {"category": "housing"}),
    "corrects nothing": ("entry.corrected.v1", {"corrects": None}),
    "a correction of another type": ("session.held.v1", {"corrects": "01953a10-0000-7000-8000-000000000001"}),
    "number 0": ("session.held.v1", {"sequence": 0}),
    "another type's schema": ("session.held.v1", {"dataschema": "urn:spojka:schema:need.assessed.v1"}),
    "a local time": ("session.held.v1", {"time": "2026-03-02T09:00:00"}),
    "seconds since 1970": ("session.held.v1", {"time": "1772442000"}),
    "codes in clear about health": ("session.held.v1", {"category": "health"}),
    "codes in clear about a crime": ("need.assessed.v1", {"category": "criminal"}),
    "a required code left out": ("session.held.v1", {"data": {"facts": {"kind": "debt"}}}),
    "a code outside its list": ("session.held.v1", {"data": {"facts": {"kind": "tea", "form": "phone"}}}),
    "an unknown fact": ("session.held.v1", {"data": {"facts": {"kind": "debt", "form": "phone", "who": "J"}}}),
    "content where none belongs": (
        "consent.attested.v1",
        {"data": {"facts": None, "sealed": {"form": "clear", "content": {}}}},
    ),
    "a third form of content": (
        "session.held.v1",
        {"data": {"facts": {"kind": "debt", "form": "phone"}, "sealed": {"form": "zip", "zip": "x"}}},
    ),
    "a JWE of three parts": (
        "session.held.v1",
        {"data": {"facts": {"kind": "debt", "form": "phone"}, "sealed": {"form": "jwe", "jwe": "a.b.c"}}},
    ),
    "conduct in a grant": ("consent.given.v1", {"grants": {"categories": ["conduct"]}}),
    "a source named twice": ("consent.given.v1", {"grants": {"sources": ["debt-advice", "debt-advice"]}}),
    "neither target nor external": ("referral.sent.v1", {"facts": {"target": None}}),
    "target and external": ("referral.sent.v1", {"facts": {"external": True}}),
}


def merged(document: Document, change: Mapping[str, Any]) -> Document:
    """The document with members replaced, or left out where the change says None; facts: null keeps the example's facts."""
    result = dict(document)
    for name, value in change.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = value
    return result


def broken(name: str, change: dict[str, Any]) -> Document:
    message = example(name)
    facts = message["data"]["facts"]
    if "grants" in change:
        facts["grants"][0] |= change["grants"]
        return message
    if "facts" in change:
        message["data"]["facts"] = merged(facts, change["facts"])
        return message
    message = merged(message, change)
    if "data" in change and change["data"]["facts"] is None:
        message["data"] = {"facts": facts, "sealed": change["data"]["sealed"]}
    return message


@pytest.mark.parametrize("why", BROKEN)
def test_the_schema_and_the_parser_refuse_the_same_broken_message(why: str) -> None:
    name, change = BROKEN[why]
    message = broken(name, change)
    assert list(validator(name).iter_errors(message)), "the published schema lets it pass"
    with pytest.raises(Exception) as caught:  # noqa: PT011 - an EnvelopeError or a MessageError, told apart below
        parse(canonical(message))
    assert type(caught.value).__name__ in {"EnvelopeError", "MessageError"}


def test_every_code_about_the_person_is_marked_and_can_be_sealed() -> None:
    for spec in specs():
        properties = published(f"schemas/{name_of(spec)}.schema.json")["$defs"][spec.facts.__name__]["properties"]
        marked = {name for name, field in properties.items() if "x-spojka-coded" in field}
        assert marked == set(coded_fields(spec.facts))
        assert not marked or spec.sealed is not None, f"{spec.type}: its codes have nowhere to go"


def test_sealed_content_is_described_as_openers_read_it() -> None:
    message = example("need.assessed.v1", category="health")
    message["data"]["sealed"]["content"]["facts"]["level"] = "terrible"
    assert list(validator("need.assessed.v1").iter_errors(message))
    message = example("client.enrolled.v1")
    message["data"]["sealed"]["content"]["birth_year"] = "1990"
    assert list(validator("client.enrolled.v1").iter_errors(message))


def test_the_hubs_own_documents_follow_their_schemas() -> None:
    corpus = published("golden/feed.json")
    names = {"receipt": "receipt.v1", "delivery": "delivery.v1", "head": "feed-head.v1"}
    for record in corpus["records"]:
        assert list(validator(names[record["kind"]]).iter_errors(record["readable"])) == []
    for listed in published("golden/actors.json")["trust_lists"]:
        assert list(validator("trust-list.v1").iter_errors(listed["readable"])) == []


def test_the_ledger_s_announcements_and_what_witnesses_say_follow_their_schemas() -> None:
    corpus = published("golden/ledger.json")
    for one in corpus["announcements"]:
        faults = list(validator("ledger-announcement.v1").iter_errors(json.loads(one["value"])))
        assert bool(faults) == ("null" in one["value"]), one["why"]
    for one in corpus["sightings"]:
        assert list(validator("ledger-sighting.v1").iter_errors(json.loads(one["value"]))) == []


def references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def resolve(document: Document, reference: str) -> object:
    if reference.startswith("./"):
        return published(f"schemas/{reference[2:]}")
    node: Any = document
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    return node


def test_the_asyncapi_document_has_what_version_3_asks_for() -> None:
    document = published("schemas/asyncapi.json")
    assert document["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= document["info"].keys()
    assert {one["address"] for one in document["channels"].values()} == {
        "hub.inbox",
        "hub.directory",
        "hub.ledger",
        "hub.witness",
        "feed.{unit}",
    }
    assert document["channels"]["feed"]["parameters"].keys() == {"unit"}
    for reference in references(document):
        assert resolve(document, reference) is not None, reference
    for name, operation in document["operations"].items():
        assert operation["action"] in {"send", "receive"}, name
        channel = operation["channel"]["$ref"]
        assert operation["messages"], name
        assert all(one["$ref"].startswith(f"{channel}/messages/") for one in operation["messages"]), name


def test_the_asyncapi_document_tells_every_type_with_its_schema_key_and_headers() -> None:
    document = published("schemas/asyncapi.json")
    inbox = document["channels"]["inbox"]["messages"]
    assert inbox.keys() == {name_of(spec) for spec in specs()}
    for name in inbox:
        message = document["components"]["messages"][name]
        assert message["payload"]["schema"]["$ref"] == f"./{name}.schema.json"
        assert message["bindings"]["kafka"]["key"]["type"] == "string"
    headers = document["components"]["schemas"]["recordHeaders"]
    assert set(headers["required"]) == {"content-type", "dsse-keyid", "dsse-sig"}


def test_the_catalogue_explains_every_type_and_every_code() -> None:
    page = (FOLDER / "catalogue.md").read_text(encoding="utf-8")
    for spec in specs():
        assert f"### `{spec.type}`" in page
    for code in (*RefusalCode, *DeadLetterReason, *DenialReason):
        assert f"| `{code}` | " in page
        assert f"| `{code}` |  |" not in page, f"{code} has no explanation: write one below it in contracts/codes.py"


def test_a_refusal_names_the_schema_to_compare_with() -> None:
    message = broken(*BROKEN["a required code left out"])
    with pytest.raises(MessageError) as caught:
        parse(canonical(message))
    assert caught.value.code is RefusalCode.INVALID_DATA
    assert "urn:spojka:schema:session.held.v1" in caught.value.advice
