"""What two readers could take differently is refused, and with the same verdict on every machine."""

import sys
import time

import pytest

from contracts.strict_json import MAX_DEPTH, MAX_INTEGER, JsonFault, StrictJsonError, canonical, parse


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        (b'{"grant":"all","grant":"none"}', JsonFault.DUPLICATE_MEMBER),
        (b'{"data":[{"deep":{"a":1,"a":1}}]}', JsonFault.DUPLICATE_MEMBER),
        (b'{"a":1,"\\u0061":2}', JsonFault.DUPLICATE_MEMBER),
        (b'{"n":NaN}', JsonFault.NON_FINITE_NUMBER),
        (b'{"n":[-Infinity]}', JsonFault.NON_FINITE_NUMBER),
        (b'{"n":1e999}', JsonFault.NON_FINITE_NUMBER),
        (b'{"n":%d}' % (MAX_INTEGER + 1), JsonFault.INTEGER_TOO_LARGE),
        (b'{"n":-%d}' % (MAX_INTEGER + 1), JsonFault.INTEGER_TOO_LARGE),
        (b'{"n":' + b"9" * 100_000 + b"}", JsonFault.INTEGER_TOO_LARGE),
        (b'{"s":"\\ud800"}', JsonFault.LONE_SURROGATE),
        (b'{"s":["\\udc00\\ud800"]}', JsonFault.LONE_SURROGATE),
        (b'{"\\ud800":1}', JsonFault.LONE_SURROGATE),
        (b'\xef\xbb\xbf{"a":1}', JsonFault.BYTE_ORDER_MARK),
        ('{"a":1}'.encode("utf-16"), JsonFault.NOT_UTF8),
        (b'{"s":"\xed\xa0\x80"}', JsonFault.NOT_UTF8),
        (b'{"s":"\xc0\x80"}', JsonFault.NOT_UTF8),
        (b'{"a":1}{"a":2}', JsonFault.TRAILING_BYTES),
        (b'{"a":1}\x00', JsonFault.TRAILING_BYTES),
        (b'{"a":1}\xc2\xa0', JsonFault.TRAILING_BYTES),
        (b"[1]", JsonFault.NOT_AN_OBJECT),
        (b'"text"', JsonFault.NOT_AN_OBJECT),
        (b"null", JsonFault.NOT_AN_OBJECT),
        (b"", JsonFault.NOT_JSON),
        (b'{"a":', JsonFault.NOT_JSON),
        (b"{'a':1}", JsonFault.NOT_JSON),
        (b'{"a":01}', JsonFault.NOT_JSON),
        (b'{"a":1,}', JsonFault.NOT_JSON),
        (b'{"s":"line\nbreak"}', JsonFault.NOT_JSON),
        (b'{"a":' * 100_000, JsonFault.NESTED_TOO_DEEP),
        (b'{"a":' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}", JsonFault.NESTED_TOO_DEEP),
    ],
)
def test_a_document_that_two_readers_could_take_differently_is_refused_with_its_reason(
    raw: bytes, fault: JsonFault
) -> None:
    with pytest.raises(StrictJsonError) as caught:
        parse(raw)
    assert caught.value.reason is fault
    assert caught.value.advice


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"{}", {}),
        (b' \t\r\n{"a":[1,-2.5,true,null]}\n', {"a": [1, -2.5, True, None]}),
        (b'{"s":"\\ud83d\\ude00 \\u0159"}', {"s": "\U0001f600 ř"}),
        ('{"s":"Žďár \U0001f600"}'.encode(), {"s": "Žďár \U0001f600"}),
        (b'{"n":%d}' % MAX_INTEGER, {"n": MAX_INTEGER}),
        (b'{"s":"[[[{{{ \\" ]]]"}', {"s": '[[[{{{ " ]]]'}),
    ],
)
def test_ordinary_documents_of_other_writers_are_read(raw: bytes, value: object) -> None:
    assert parse(raw) == value


def test_brackets_within_text_do_not_count_as_nesting() -> None:
    text = '[{"' * 1_000
    assert parse(canonical({"note": text})) == {"note": text}


def test_many_shallow_objects_are_no_deep_nesting() -> None:
    rows = [{"n": [n]} for n in range(1_000)]
    assert parse(canonical({"rows": rows})) == {"rows": rows}


def test_the_deepest_allowed_document_is_read_even_with_most_of_the_stack_in_use() -> None:
    raw = b'{"a":' + b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1) + b"}"

    def below(frames: int) -> dict[str, object]:
        return parse(raw) if frames == 0 else below(frames - 1)

    assert below(sys.getrecursionlimit() // 2).keys() == {"a"}


def test_no_input_of_message_size_keeps_the_reader_busy() -> None:
    hostile = b'{"a":"' + b'\\"' * 128_000 + b"[" * 100
    started = time.process_time()
    with pytest.raises(StrictJsonError):
        parse(hostile)
    assert time.process_time() - started < 1


def test_an_error_never_repeats_what_the_client_told() -> None:
    with pytest.raises(StrictJsonError) as caught:
        parse(b'{"Jana Novakova":1,"Jana Novakova":2}')
    assert "Novakova" not in str(caught.value)


def test_what_is_signed_is_compact_utf8_in_the_given_order() -> None:
    assert canonical({"z": "ř", "a": [1, {"b": None}]}) == '{"z":"ř","a":[1,{"b":null}]}'.encode()


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ({"n": float("nan")}, JsonFault.NON_FINITE_NUMBER),
        ({"s": "\ud800"}, JsonFault.LONE_SURROGATE),
    ],
)
def test_what_nobody_could_read_back_is_never_signed(value: object, fault: JsonFault) -> None:
    with pytest.raises(StrictJsonError) as caught:
        canonical(value)
    assert caught.value.reason is fault
