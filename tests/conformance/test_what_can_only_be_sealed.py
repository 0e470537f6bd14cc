"""Every message type, walked: free text, identity, contact and codes of special categories have no place but the sealed part."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from contracts import strict_json
from contracts.catalogue import specs
from contracts.categories import WHOLLY_SEALED, Category
from contracts.envelope import MessageError, parse
from contracts.facts import Clear, Jwe
from contracts.golden_corpus.examples import Example, examples
from contracts.golden_corpus.messages import compose_example
from contracts.json_schemas import schemas
from contracts.messages.client import ClientContent
from contracts.sealing.content import seal_composed, seal_content
from contracts.sealing.content_key import ContentKey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contracts.catalogue import MessageSpec

ALL = list(specs())
SCHEMAS = schemas()
ALL_EXAMPLES = list(examples())
WRITTEN = ("Karel Novák", "karel@example.org", "+420 601 234 567", "Teplická 12, Děčín", "Nezaplatil nájem.\nZnovu.")
"""What a person writes, or is reached by."""
WHOLE_LIST = {("trust-list.published", "document")}
"""The operator's list: about institutions and keys, and signed as one text."""
IDENTIFYING = {
    "given_name",
    "family_name",
    "name",
    "birth_year",
    "birth_date",
    "phone",
    "email",
    "address",
    "contact",
    "case_number",
}


def named(spec: MessageSpec) -> str:
    return spec.name


def leaves(schema: dict[str, Any], defs: dict[str, Any], place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every value that the schema allows, with its place."""
    if "$ref" in schema:
        yield from leaves(defs[schema["$ref"].rpartition("/")[2]], defs, place)
    for one in (
        *schema.get("anyOf", ()),
        *schema.get("oneOf", ()),
        *schema.get("allOf", ()),
        *schema.get("prefixItems", ()),
    ):
        yield from leaves(one, defs, place)
    for name, one in schema.get("properties", {}).items():
        yield from leaves(one, defs, f"{place}.{name}".lstrip("."))
    if isinstance(schema.get("items"), dict):
        yield from leaves(schema["items"], defs, place)
    if schema.get("type") not in {None, "object", "array"} or "enum" in schema or "const" in schema:
        yield place, schema


def takes(schema: dict[str, Any], text: str) -> bool:
    """Whether a text passes for a value of this leaf."""
    if "enum" in schema or "const" in schema:
        return text in (schema.get("enum") or [schema.get("const")])
    if schema.get("type") != "string":
        return False
    pattern = schema.get("pattern")
    return pattern is None or re.search(pattern, text) is not None


def facts_of(spec: MessageSpec) -> list[tuple[str, dict[str, Any]]]:
    schema = SCHEMAS[f"{spec.name}.v{spec.version}"]
    return list(leaves(schema["$defs"][spec.facts.__name__], schema["$defs"]))


@pytest.mark.parametrize("spec", ALL, ids=named)
def test_no_fact_takes_what_a_person_wrote_or_is_reached_by(spec: MessageSpec) -> None:
    found = facts_of(spec)
    assert bool(found) is bool(spec.facts.model_fields)
    for place, schema in found:
        if (spec.name, place) not in WHOLE_LIST:
            assert not [text for text in WRITTEN if takes(schema, text)], f"{spec.name}: {place} takes free text"
            assert not IDENTIFYING & set(place.split(".")), f"{spec.name}: {place} says who somebody is"


@pytest.mark.parametrize("spec", ALL, ids=named)
def test_no_attribute_in_clear_takes_what_a_person_wrote(spec: MessageSpec) -> None:
    schema = SCHEMAS[f"{spec.name}.v{spec.version}"]
    clear = {name: one for name, one in schema["properties"].items() if name != "data"}
    for place, leaf in leaves({"properties": clear}, schema["$defs"]):
        assert not [text for text in WRITTEN if takes(leaf, text)], f"{spec.name}: {place} takes free text"


def test_who_somebody_is_stands_in_sealed_content() -> None:
    assert IDENTIFYING & set(ClientContent.model_fields) >= {"given_name", "family_name", "contact", "case_number"}


@pytest.mark.parametrize(
    "example", ALL_EXAMPLES, ids=lambda one: f"{type(one.facts).__name__}-{one.category or 'parties'}"
)
def test_what_an_example_says_in_its_content_is_gone_once_it_is_sealed(example: Example) -> None:
    raw = compose_example(example, 0x900)
    before = parse(raw).data.sealed
    sealed = parse(seal_content(raw, ContentKey.generate()))
    assert isinstance(sealed.data.sealed, Jwe) == isinstance(before, Clear)
    assert not isinstance(sealed.data.sealed, Clear)
    key, nonce = ContentKey.generate(), bytes(12)
    assert seal_composed(raw, key, nonce=nonce) == seal_content(raw, key, nonce=nonce)
    if isinstance(before, Clear):
        clear = sealed.model_dump_json().encode()
        for text in set(texts(before.content)) - {example.category}:
            assert strict_json.canonical({"": text})[5:-2] not in clear, text


SPECIAL = [
    (spec, category)
    for spec in ALL
    for category in sorted(WHOLLY_SEALED)
    if spec.categorised and (spec.categories is None or category in spec.categories)
]


@pytest.mark.parametrize(("spec", "category"), SPECIAL, ids=lambda one: getattr(one, "name", str(one)))
def test_codes_of_a_special_category_are_refused_in_clear(spec: MessageSpec, category: Category) -> None:
    coded = [one for one in ALL_EXAMPLES if isinstance(one.facts, spec.facts) and clear_codes(one)]
    assert coded or not spec.coded, f"{spec.name}: no example bears a code"
    for example in coded:
        document = strict_json.parse(compose_example(example, 0x901)) | {"category": category}
        with pytest.raises(MessageError, match="belongs into sealed"):
            parse(strict_json.canonical(document))


def clear_codes(example: Example) -> list[str]:
    """The codes that an example says in clear, under an ordinary category."""
    if example.category in WHOLLY_SEALED:
        return []
    spec = next(one for one in ALL if one.facts is type(example.facts))
    return [name for name in spec.coded if getattr(example.facts, name) is not None]


def texts(value: object) -> Iterator[str]:
    """Every text of some length in a content."""
    if isinstance(value, dict):
        for one in value.values():
            yield from texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from texts(one)
    elif isinstance(value, str) and len(value) > 3:
        yield value
