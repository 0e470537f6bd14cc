"""Records of anyone: read back as sent, or refused with a reason, never another error."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.dsse import DsseError, from_envelope, to_envelope
from contracts.kafka_record import RecordError, from_record, to_headers
from contracts.keys import KeyUse, SigningKey
from contracts.names import UnitId
from contracts.pae import PayloadType, pae
from contracts.signed_bytes import BatchRoots, sign_batch, verify

KEY = SigningKey(b"\x01" * 32, unit=UnitId("advice"), use=KeyUse.MESSAGES)
NAMES = st.sampled_from(["content-type", "dsse-keyid", "dsse-sig", "spojka-batch", "spojka-proof"]) | st.text(
    max_size=8
)
TRUE_HEADERS = st.sampled_from(to_headers(sign_batch([b"a", b"b", b"c"], KEY)[1]))


@settings(max_examples=30)
@given(st.lists(st.binary(max_size=40), min_size=1, max_size=20))
def test_a_batch_survives_the_wire_and_the_archive(payloads: list[bytes]) -> None:
    roots = BatchRoots()
    for payload, signed in zip(payloads, sign_batch(payloads, KEY), strict=True):
        read = from_record(payload, to_headers(signed))
        assert from_envelope(to_envelope(read, PayloadType.CLOUDEVENT)) == (signed, PayloadType.CLOUDEVENT)
        verify(read, KEY.verifying_key, PayloadType.CLOUDEVENT, roots=roots)


@given(st.none() | st.binary(max_size=9), st.lists(TRUE_HEADERS | st.tuples(NAMES, st.binary(max_size=70)), max_size=7))
def test_no_record_of_anyone_stops_the_reader(value: bytes | None, headers: list[tuple[str, bytes]]) -> None:
    try:
        signed = from_record(value, headers)
    except RecordError:
        return  # any other error fails the test
    assert signed.payload == value
    assert [content for name, content in headers if name == "dsse-keyid"] == [signed.key_id.encode()]


@given(st.binary(max_size=80))
def test_no_file_of_anyone_stops_the_reader_of_an_archive(raw: bytes) -> None:
    with pytest.raises(DsseError):  # eighty bytes hold no envelope
        from_envelope(raw)


@given(st.text(max_size=9), st.binary(max_size=9), st.text(max_size=9), st.binary(max_size=9))
def test_two_different_things_never_have_the_same_bytes_to_sign(
    type1: str, body1: bytes, type2: str, body2: bytes
) -> None:
    assert (pae(type1, body1) == pae(type2, body2)) == ((type1, body1) == (type2, body2))
