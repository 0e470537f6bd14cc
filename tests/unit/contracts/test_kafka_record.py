"""A record that cannot carry signed bytes is refused with the reason that its sender can act on."""

from base64 import b64encode

import pytest

from contracts.kafka_record import (
    MAX_VALUE,
    RecordError,
    RecordFault,
    batch_signed,
    content_type_of,
    from_record,
    to_headers,
)
from contracts.keys import KeyUse, SigningKey
from contracts.names import UnitId
from contracts.pae import PayloadType
from contracts.signed_bytes import SignedBytes, sign_batch, sign_one, verify

KEY = SigningKey(b"\x01" * 32, unit=UnitId("advice"), use=KeyUse.MESSAGES)
ONE = sign_one(b'{"n":1}', KEY, PayloadType.CLOUDEVENT)
BATCH = sign_batch([b'{"n":%d}' % n for n in range(256)], KEY)
TYPE = ("content-type", b"application/cloudevents+json")


def replaced(signed: SignedBytes, name: str, value: bytes | None) -> list[tuple[str, bytes]]:
    """The record's headers with one of them changed; a null value as aiokafka hands it over."""
    return [(key, value if key == name else old) for key, old in to_headers(signed)]  # type: ignore[misc]  # null


def fault(signed: SignedBytes, headers: list[tuple[str, bytes]]) -> RecordFault:
    with pytest.raises(RecordError) as caught:
        from_record(signed.payload, headers)
    assert caught.value.advice
    return caught.value.reason


@pytest.mark.parametrize("signed", [ONE, BATCH[0], BATCH[255], sign_batch([b""], KEY)[0]])
def test_what_was_sent_is_what_is_read_and_it_verifies(signed: SignedBytes) -> None:
    read = from_record(signed.payload, to_headers(signed))
    assert read == signed
    verify(read, KEY.verifying_key, PayloadType.CLOUDEVENT)


def test_the_headers_are_those_that_the_standards_page_fixes() -> None:
    last = BATCH[255]
    assert last.proof is not None
    assert to_headers(last, traceparent="00-a-b-01") == [
        ("content-type", b"application/cloudevents+json"),
        ("dsse-keyid", KEY.key_id.encode()),
        ("dsse-sig", b64encode(last.signature)),
        ("spojka-batch", bytes(6) + b"\x01\x00" + bytes(7) + b"\xff"),
        ("spojka-proof", b"".join(last.proof.path)),
        ("traceparent", b"00-a-b-01"),
    ]


def test_a_record_says_whether_its_signature_is_a_batchs() -> None:
    assert batch_signed(to_headers(BATCH[3]))
    assert not batch_signed(to_headers(ONE, traceparent="00-a-b-01"))
    assert not batch_signed([])


def test_a_tombstone_is_refused_and_deletes_nothing() -> None:
    with pytest.raises(RecordError) as caught:
        from_record(None, to_headers(ONE))
    assert caught.value.reason is RecordFault.NULL_VALUE


def test_a_message_of_exactly_the_limit_passes_and_one_byte_more_does_not() -> None:
    headers = to_headers(ONE)
    assert len(from_record(b"x" * MAX_VALUE, headers).payload) == 256 * 1024
    with pytest.raises(RecordError) as caught:
        from_record(b"x" * (MAX_VALUE + 1), headers)
    assert caught.value.reason is RecordFault.TOO_LARGE


@pytest.mark.parametrize(
    "content_type",
    [
        b"application/json",
        b"application/cloudevents",
        b"application/cloudevents-batch+json",
        b"application/cloudevents+avro",
        b"application/cloudevents+json; charset=utf-16",
        b"application/cloudevents+json\xff",
        b"",
        None,
    ],
)
def test_a_content_type_that_does_not_promise_one_json_event_is_refused(content_type: bytes | None) -> None:
    assert fault(ONE, replaced(ONE, "content-type", content_type)) is RecordFault.NOT_STRUCTURED_CLOUDEVENT


def test_a_record_without_content_type_is_no_structured_cloudevent() -> None:
    assert fault(ONE, to_headers(ONE)[1:]) is RecordFault.NOT_STRUCTURED_CLOUDEVENT
    assert content_type_of([]) is None


def test_a_binary_mode_record_is_refused_since_its_attributes_are_unsigned() -> None:
    headers = [("ce_id", b"1"), ("content-type", b"application/json"), *to_headers(ONE)[1:]]
    assert fault(ONE, headers) is RecordFault.NOT_STRUCTURED_CLOUDEVENT


def test_a_feed_record_is_read_as_what_it_is_and_nothing_else() -> None:
    key = SigningKey.generate(UnitId("hub"), KeyUse.RECEIPTS)
    receipt = sign_one(b"{}", key, PayloadType.RECEIPT)
    headers = to_headers(receipt, PayloadType.RECEIPT)
    assert content_type_of(headers) == PayloadType.RECEIPT
    assert from_record(b"{}", headers, PayloadType.RECEIPT) == receipt
    with pytest.raises(RecordError) as caught:
        from_record(b"{}", headers, PayloadType.DELIVERY)
    assert caught.value.reason is RecordFault.OTHER_CONTENT_TYPE


@pytest.mark.parametrize("name", ["content-type", "dsse-keyid", "dsse-sig", "traceparent", "anything"])
def test_a_header_given_twice_is_refused_whatever_its_name(name: str) -> None:
    headers = [(name, b"x"), (name, b"x")] if name == "anything" else [(name, b"x")]
    assert fault(ONE, [*to_headers(ONE, traceparent="00"), *headers]) is RecordFault.DUPLICATE_HEADER


@pytest.mark.parametrize("name", ["dsse-alg", "spojka-override", "DSSE-sig", "Spojka-Batch"])
def test_an_unknown_header_in_our_name_is_refused_rather_than_ignored(name: str) -> None:
    assert fault(ONE, [*to_headers(ONE), (name, b"x")]) is RecordFault.UNKNOWN_HEADER


def test_tracing_headers_of_others_do_not_stop_a_message() -> None:
    headers = [*to_headers(ONE, traceparent="00-a"), ("tracestate", b"\xff"), ("b3", b"1"), ("spojka-key", b"sealed")]
    assert from_record(ONE.payload, headers) == ONE


@pytest.mark.parametrize("missing", ["dsse-keyid", "dsse-sig"])
def test_a_stripped_signature_is_refused(missing: str) -> None:
    assert fault(ONE, [each for each in to_headers(ONE) if each[0] != missing]) is RecordFault.MISSING_SIGNATURE
    assert fault(ONE, replaced(ONE, missing, None)) is RecordFault.MISSING_SIGNATURE
    assert fault(ONE, replaced(ONE, missing, b"")) is RecordFault.MISSING_SIGNATURE


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("dsse-keyid", b"\xff\xfe"),
        ("dsse-keyid", b"advice/messages/0123"),
        ("dsse-keyid", "advicě/messages/0123456789abcdef".encode()),
        ("dsse-sig", b"A" * 84),
        ("dsse-sig", b"\xff" * 88),
        ("dsse-sig", b"_" * 86 + b"=="),
        ("dsse-sig", b"A" * 85 + b"B=="),
        ("dsse-sig", b"A" * 86 + b"==\n"),
        ("spojka-batch", b""),
        ("spojka-batch", bytes(15)),
        ("spojka-batch", bytes(16)),
        ("spojka-batch", bytes(7) + b"\x05" + bytes(7) + b"\x05"),
        ("spojka-batch", bytes(6) + b"\x01\x01" + bytes(8)),
        ("spojka-batch", None),
        ("spojka-proof", bytes(33)),
        ("spojka-proof", bytes(32 * 9)),
        ("spojka-proof", None),
    ],
)
def test_a_header_that_no_verifier_could_use_is_named(name: str, value: bytes | None) -> None:
    with pytest.raises(RecordError) as caught:
        from_record(BATCH[0].payload, replaced(BATCH[0], name, value))
    assert (caught.value.reason, caught.value.header) == (RecordFault.BAD_HEADER, name)


def test_a_batch_proof_of_null_headers_is_not_read_as_a_single_signature() -> None:
    nulls: list[tuple[str, bytes]] = [("spojka-batch", None), ("spojka-proof", None)]  # type: ignore[list-item]  # null
    assert fault(ONE, [*to_headers(ONE), *nulls]) is RecordFault.BAD_HEADER


@pytest.mark.parametrize("missing", ["spojka-batch", "spojka-proof"])
def test_half_a_batch_proof_is_refused_and_not_read_as_a_single_signature(missing: str) -> None:
    assert fault(BATCH[0], [each for each in to_headers(BATCH[0]) if each[0] != missing]) is RecordFault.BAD_HEADER
