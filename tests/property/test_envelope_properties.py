"""Whatever a sender writes, parsing ends with a message or with an error of ours: nothing else may reach the writer's loop."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.codes import RefusalCode
from contracts.envelope import EnvelopeError, MessageError, parse, parse_attributes
from contracts.golden_corpus.examples import examples
from contracts.golden_corpus.messages import compose_example

GOOD = [compose_example(one, number) for number, one in enumerate(examples())]
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from(["health", "criminal", "support", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


def paths(node: object, prefix: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document."""
    members = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [prefix, *(path for name, member in members for path in paths(member, (*prefix, name)))]


def replaced(node: Any, path: tuple[Any, ...], value: object) -> Any:  # noqa: ANN401 - any JSON value
    if not path:
        return value
    copy = dict(node) if isinstance(node, dict) else list(node)
    copy[path[0]] = replaced(node[path[0]], path[1:], value)
    return copy


def check(raw: bytes) -> None:
    """A message, an answer to its author, or nobody's: and where there is an answer, there are routing attributes for it."""
    try:
        refused = _refusal(raw)
    except EnvelopeError:
        return
    assert refused in {None, RefusalCode.UNKNOWN_TYPE, RefusalCode.INVALID_DATA}
    assert parse_attributes(raw)[0].sequence >= 1


def _refusal(raw: bytes) -> RefusalCode | None:
    try:
        parse(raw)
    except MessageError as error:
        return error.code
    return None


@settings(max_examples=500)
@given(st.data())
def test_a_good_message_with_anything_in_any_place_is_read_or_refused(data: st.DataObject) -> None:
    document = json.loads(data.draw(st.sampled_from(GOOD)))
    path = data.draw(st.sampled_from(paths(document)))
    check(json.dumps(replaced(document, path, data.draw(values))).encode())


@settings(max_examples=200)
@given(st.data())
def test_bytes_that_were_damaged_on_the_way_are_read_or_refused(data: st.DataObject) -> None:
    raw = bytearray(data.draw(st.sampled_from(GOOD)))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    check(bytes(raw))
