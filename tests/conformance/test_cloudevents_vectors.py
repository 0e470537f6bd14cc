"""The CloudEvents conformance suite for Kafka: structured mode is read as published, binary mode is refused by design."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from contracts.kafka_record import RecordError, RecordFault, from_record, to_headers
from contracts.keys import KeyUse, SigningKey
from contracts.names import UnitId
from contracts.pae import PayloadType
from contracts.signed_bytes import sign_one, verify
from contracts.strict_json import parse

KEY = SigningKey(b"\x01" * 32, unit=UnitId("advice"), use=KeyUse.MESSAGES)
FEATURE = "data/cloudevents/conformance/features/kafka-protocol-binding.feature"


def cases(shared_material: Path, mode: str) -> list[dict[str, Any]]:
    published = json.loads((shared_material / "vectors/cloudevents_kafka.json").read_text(encoding="utf-8"))["cases"]
    return [case for case in published if case["mode"] == mode]


def record(value: bytes, published: dict[str, str]) -> list[tuple[str, bytes]]:
    """The published headers of another producer, with the signature that every message needs here."""
    signature = to_headers(sign_one(value, KEY, PayloadType.CLOUDEVENT))[1:]
    return [*((name, content.encode()) for name, content in published.items()), *signature]


def test_structured_events_of_other_producers_are_read_with_their_attributes_and_data(shared_material: Path) -> None:
    structured = cases(shared_material, "structured")
    assert len(structured) == 2
    for case in structured:
        value = case["value"].encode()
        signed = from_record(value, record(value, case["headers"]))
        verify(signed, KEY.verifying_key, PayloadType.CLOUDEVENT)
        event = parse(signed.payload)
        assert event.pop("data") == case["data"]
        assert event == case["attributes"]


def test_binary_events_are_refused_since_no_signature_covers_their_attributes(shared_material: Path) -> None:
    (binary,) = cases(shared_material, "binary")
    value = binary["value"].encode()
    with pytest.raises(RecordError) as caught:
        from_record(value, record(value, binary["headers"]))
    assert caught.value.reason is RecordFault.NOT_STRUCTURED_CLOUDEVENT


def test_the_feature_file_itself_is_met_for_each_content_type_that_it_lists(shared_material: Path) -> None:
    outline = (shared_material / FEATURE).read_text(encoding="utf-8").split("Scenario Outline:")[1]
    payload = re.findall(r'"""\n(.*?)\n\s*"""', outline, re.DOTALL)[0].encode()
    content_types = re.findall(r"\| (application/cloudevents\S.*?)\s*\|", outline)
    assert content_types == ["application/cloudevents+json", "application/cloudevents+json; charset=utf-8"]
    expected = dict(re.findall(r"\|\s+(\w+) \| (\S+)\s+\|", outline.split("attributes are:")[1].split("data is")[0]))
    assert len(expected) == 6
    for content_type in content_types:
        event = parse(from_record(payload, record(payload, {"content-type": content_type})).payload)
        assert event.pop("data") == {"message": "Hello World!"}
        assert event == expected
