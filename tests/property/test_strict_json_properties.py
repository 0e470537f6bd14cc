"""Strict JSON over generated documents."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.strict_json import MAX_INTEGER, JsonFault, StrictJsonError, canonical, parse

TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-MAX_INTEGER, MAX_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4))
OBJECTS = st.dictionaries(TEXT, VALUES, max_size=5)


@given(OBJECTS)
def test_whatever_we_sign_every_reader_takes_back_as_it_was(value: dict[str, object]) -> None:
    raw = canonical(value)
    assert parse(raw) == value == json.loads(raw)
    assert canonical(parse(raw)) == raw


@given(OBJECTS, TEXT, VALUES)
def test_a_member_named_twice_is_refused_wherever_it_stands(value: dict[str, object], name: str, other: object) -> None:
    member = canonical(name) + b":" + canonical(other)
    twice = b"{" + member + b',"between":' + canonical(value) + b"," + member + b"}"
    with pytest.raises(StrictJsonError) as caught:
        parse(b'{"around":[' + twice + b"]}")
    assert caught.value.reason is JsonFault.DUPLICATE_MEMBER


@given(st.binary(max_size=60) | st.text(st.sampled_from('{}[]":,\\u0dN19e-+. '), max_size=60).map(str.encode))
def test_bytes_of_anyone_are_read_as_json_reads_them_or_refused_with_a_reason(raw: bytes) -> None:
    try:
        value = parse(raw)
    except StrictJsonError:
        return  # any other error fails the test
    assert value == json.loads(raw)


@given(OBJECTS, st.integers(0), st.binary(max_size=2))
def test_bytes_in_our_own_form_get_the_verdict_that_they_get_in_any_other(
    value: dict[str, object], place: int, put: bytes
) -> None:
    raw = canonical(value)
    at = place % len(raw)
    for one in (raw, raw[:at] + put + raw[at + 1 :], raw.replace(b"1", b"9" * 17), raw.replace(b'":', b'":[' * 70)):
        assert _verdict(one) == _verdict(b" " + one)


def _verdict(raw: bytes) -> object:
    """A space in front is another writer's form."""
    try:
        return parse(raw)
    except StrictJsonError as error:
        return error.reason
