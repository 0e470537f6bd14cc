"""JSON that two languages cannot read differently.

Invariants: what `parse` accepts is one UTF-8 object without byte order mark, duplicate members, NaN or infinities,
lone surrogates, integers that are inexact in other languages, or nesting beyond `MAX_DEPTH`; white space of RFC 8259
§2 may surround it, nothing else may. The verdict depends on the bytes alone: not on the caller's stack or the
interpreter's settings. Errors name the place, never the content.
"""

import json
import math
import re
from enum import StrEnum
from itertools import accumulate
from typing import Final, NoReturn

from pydantic_core import from_json, to_json

from contracts.errors import ContractsError

MAX_DEPTH: Final = 64
"""Objects and arrays within each other, the outermost included."""
MAX_INTEGER: Final = 2**53 - 1
"""The largest magnitude that every JSON reader keeps exactly (RFC 7493 §2.2)."""

_MAX_DIGITS: Final = len(str(-MAX_INTEGER))
_BOM: Final = b"\xef\xbb\xbf"
_WHITE_SPACE: Final = " \t\n\r"
# An unclosed string matches to the end, so that no input makes the search quadratic.
_STRING: Final = re.compile(rb'"(?:[^"\\]+|\\.)*+"?', re.DOTALL)
_STEPS: Final = {ord("{"): 1, ord("["): 1, ord("}"): -1, ord("]"): -1}
_NO_BRACKETS: Final = bytes(set(range(256)) - set(_STEPS))
_DIGITS: Final = bytes(ord("0") if chr(byte).isdecimal() and byte < ord(":") else ord(" ") for byte in range(256))
_MANY_DIGITS: Final = b"0" * (_MAX_DIGITS - 1)


class JsonFault(StrEnum):
    """Why bytes are not strict JSON."""

    NOT_UTF8 = "not-utf8"
    BYTE_ORDER_MARK = "byte-order-mark"
    NOT_JSON = "not-json"
    NOT_AN_OBJECT = "not-an-object"
    TRAILING_BYTES = "trailing-bytes"
    DUPLICATE_MEMBER = "duplicate-member"
    NON_FINITE_NUMBER = "non-finite-number"
    INTEGER_TOO_LARGE = "integer-too-large"
    LONE_SURROGATE = "lone-surrogate"
    NESTED_TOO_DEEP = "nested-too-deep"


_ADVICE: Final[dict[JsonFault, str]] = {
    JsonFault.NOT_UTF8: "encode the document as UTF-8",
    JsonFault.BYTE_ORDER_MARK: "leave out the byte order mark (RFC 8259 §8.1)",
    JsonFault.NOT_JSON: "write one JSON object (RFC 8259)",
    JsonFault.NOT_AN_OBJECT: "the outermost value must be an object",
    JsonFault.TRAILING_BYTES: "write nothing but white space behind the object",
    JsonFault.DUPLICATE_MEMBER: "name each member of an object once",
    JsonFault.NON_FINITE_NUMBER: "JSON has no NaN and no infinity: leave the member out",
    JsonFault.INTEGER_TOO_LARGE: f"write integers beyond {MAX_INTEGER} as strings",
    JsonFault.LONE_SURROGATE: "escape characters beyond U+FFFF as a surrogate pair, or not at all",
    JsonFault.NESTED_TOO_DEEP: f"nest at most {MAX_DEPTH} objects and arrays",
}


class StrictJsonError(ContractsError):
    """Bytes, or a value to be written, are not strict JSON; `reason` says which rule they break."""

    def __init__(self, reason: JsonFault, advice: str | None = None, *, at: int | None = None) -> None:
        place = "" if at is None else f" at character {at}"
        super().__init__(f"not strict JSON ({reason}{place})", advice=advice or _ADVICE[reason])
        self.reason = reason
        self.at = at


def parse(raw: bytes) -> dict[str, object]:
    """Read one strict JSON object. Raises `StrictJsonError`, and nothing else, for any bytes."""
    value = _as_we_write(raw)
    return _any_writers(raw) if value is None else value


def _as_we_write(raw: bytes) -> dict[str, object] | None:
    """The object of bytes in the form that our own writers give them, in half the time; None of all others, right or wrong.

    What a compiled reader takes, and a compiled writer gives back to the byte, names no member twice and has nothing between its members, no escape
    that is not needed, no number in an odd form. What the bytes still can hold that is refused is looked for: long integers, and depth.
    """
    if _MANY_DIGITS in raw.translate(_DIGITS):
        return None
    try:
        value = from_json(raw, allow_inf_nan=False)
    except ValueError:
        return None
    if not isinstance(value, dict) or to_json(value) != raw:
        return None
    deep = raw.count(b"{") + raw.count(b"[") > MAX_DEPTH and _levels(value) > MAX_DEPTH
    return None if deep else value


def _levels(value: dict[str, object]) -> int:
    level, count = list[object]([value]), 0
    while level and count <= MAX_DEPTH:
        count += 1
        members = (member for one in level for member in (one.values() if isinstance(one, dict) else _items(one)))
        level = [member for member in members if isinstance(member, (dict, list))]
    return count


def _items(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _any_writers(raw: bytes) -> dict[str, object]:
    text = _decode(raw)
    if raw.count(b"{") + raw.count(b"[") > MAX_DEPTH and _depth(raw) > MAX_DEPTH:
        raise StrictJsonError(JsonFault.NESTED_TOO_DEEP)
    start = 0 if text.startswith("{") else len(text) - len(text.lstrip(_WHITE_SPACE))
    try:
        value, end = _scan(text, start)
    except json.JSONDecodeError as error:
        raise StrictJsonError(JsonFault.NOT_JSON, at=error.pos) from None
    if end != len(text) and text[end:].strip(_WHITE_SPACE):
        raise StrictJsonError(JsonFault.TRAILING_BYTES, at=end)
    if not isinstance(value, dict):
        raise StrictJsonError(JsonFault.NOT_AN_OBJECT)
    if b"\\u" in raw:
        canonical(value)  # only an escape can smuggle half a character past the UTF-8 decoder
    return value


def canonical(value: object) -> bytes:
    """Write the compact UTF-8 form that is signed: members in the given order, no escapes but those that JSON needs.

    Not JCS: whoever verifies does so over the bytes received and never writes them again. Raises `StrictJsonError`
    for NaN, infinities and lone surrogates, `TypeError` for what JSON cannot express.
    """
    try:
        return _write(value).encode()
    except UnicodeEncodeError:
        raise StrictJsonError(JsonFault.LONE_SURROGATE) from None
    except ValueError:
        raise StrictJsonError(JsonFault.NON_FINITE_NUMBER) from None


def _decode(raw: bytes) -> str:
    if raw.startswith(_BOM):
        raise StrictJsonError(JsonFault.BYTE_ORDER_MARK, at=0)
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise StrictJsonError(JsonFault.NOT_UTF8, at=error.start) from None


def _depth(raw: bytes) -> int:
    """The deepest nesting up to the first syntax error, or more."""
    brackets = _STRING.sub(b"", raw).translate(None, _NO_BRACKETS)
    return max(accumulate(map(_STEPS.__getitem__, brackets), initial=0))


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise StrictJsonError(JsonFault.DUPLICATE_MEMBER)
    return members


def _constant(_name: str) -> NoReturn:
    raise StrictJsonError(JsonFault.NON_FINITE_NUMBER)


def _float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):  # 1e999 would become an infinity
        raise StrictJsonError(JsonFault.NON_FINITE_NUMBER)
    return number


def _integer(digits: str) -> int:
    # The length first: beyond 4,300 digits int() would raise, or not, as the interpreter is set.
    if len(digits) > _MAX_DIGITS or abs(number := int(digits)) > MAX_INTEGER:
        raise StrictJsonError(JsonFault.INTEGER_TOO_LARGE)
    return number


# Not `decode`: it adds two regular expressions a call for the white space.
_scan: Final = json.JSONDecoder(
    object_pairs_hook=_members, parse_constant=_constant, parse_float=_float, parse_int=_integer
).raw_decode
_write: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
