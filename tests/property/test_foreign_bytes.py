"""Whatever somebody outside sends, in any form that we read: read, or refused with advice; never a crash, never another kind of error.

Good bytes are cut, flipped, doubled and mixed with others, since bytes drawn from nothing get no further than the first check.
"""

import json
from base64 import b64decode
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts import dsse, envelope, feed_record, pairing
from contracts.admission import read_first_list
from contracts.errors import ContractsError
from contracts.kafka_record import from_record
from contracts.ledger import announcement, checkpoint, policy, proof_file, signed_note, witnessing
from contracts.names import UnitId
from contracts.sealing import jwe
from contracts.sealing.content_key import ContentKey, KeyLabel
from contracts.sealing.deposit import deposit, read_deposit
from contracts.sealing.suites import EncryptionKeyError, OpeningKey, SuiteId

GOLDEN: Final = Path(__file__).parents[2] / "contracts" / "golden"
ODD: Final = [
    b"",
    b"\x00",
    b"\xff\xfe",
    b"null",
    b"{}",
    b'"',
    b"\\u0000",
    b"\\ud800",
    b"1e999",
    b"-0",
    b"[" * 70,
    b"\r\n",
]
LABEL: Final = KeyLabel("corpus", UnitId("advice"), "r1." + "a" * 26, "housing", 1)  # type: ignore[arg-type] # a programme


def _strings(node: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    if isinstance(node, dict):
        for value in node.values():
            yield from _strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from _strings(value)
    elif isinstance(node, str):
        yield node


@cache
def corpus() -> list[bytes]:
    """Everything that the golden corpus holds: values of records as bytes, and every text in it."""
    found: set[bytes] = set()
    for path in sorted(GOLDEN.glob("*.json")):
        for text in _strings(json.loads(path.read_text(encoding="utf-8"))):
            found.add(text.encode())
            try:
                found.add(b64decode(text, validate=True))
            except ValueError:
                continue
    return sorted(one for one in found if one)


@cache
def openings() -> list[OpeningKey]:
    """One key of each suite."""
    return [OpeningKey.generate(UnitId("hub"), suite) for suite in SuiteId]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Good bytes, spoilt a few times."""
    good = [*corpus(), *(deposit(ContentKey(bytes(32)), LABEL, custodians=[one.sealing_key]) for one in openings())]
    raw = bytearray(draw(st.sampled_from(good)))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(raw)))
        match draw(st.sampled_from(("flip", "cut", "insert", "splice", "repeat"))):
            case "flip" if at < len(raw):
                raw[at] ^= 1 << draw(st.integers(0, 7))
            case "cut":
                del raw[at : at + draw(st.integers(1, 40))]
            case "insert":
                raw[at:at] = draw(st.sampled_from(ODD))
            case "splice":
                other = draw(st.sampled_from(good))
                raw[at:] = other[draw(st.integers(0, len(other))) :]
            case "repeat":
                raw[at:at] = raw[at : at + 60]
            case _:
                pass
    return bytes(raw)


def _text(read: Callable[[str], object]) -> Callable[[bytes], object]:
    return lambda raw: read(raw.decode("utf-8", "replace"))


def _record(raw: bytes) -> object:
    names = ("content-type", "dsse-keyid", "dsse-sig", "spojka-batch", "spojka-proof", "spojka-key")
    at = len(raw) // (len(names) + 1)
    parts = [raw[number * at : (number + 1) * at] for number in range(len(names))]
    return from_record(
        raw, [("content-type", b"application/cloudevents+json"), *zip(names[1:], parts[1:], strict=True)]
    )


def _opened(raw: bytes) -> object:
    for opening in openings():
        try:
            opening.open(raw, b"a purpose")
        except EncryptionKeyError:
            continue
    return None


READERS: Final[dict[str, Callable[[bytes], object]]] = {
    "message": envelope.parse,
    "attributes": envelope.parse_attributes,
    "record": _record,
    "signed envelope": dsse.from_envelope,
    "feed record": feed_record.read,
    "trust list": read_first_list,
    "deposited key": read_deposit,
    "sealed key": _opened,
    "sealed content": _text(lambda text: jwe.open_sealed(text, bytes(32))),
    "pairing code": _text(pairing.read_code),
    "announcement": announcement.read_announcement,
    "sighting": announcement.read_sighting,
    "checkpoint": _text(checkpoint.parse),
    "signed note": _text(signed_note.parse),
    "note key": _text(signed_note.parse_key),
    "policy": _text(policy.parse),
    "proof": _text(proof_file.parse),
    "request to witness": _text(witnessing.parse),
}


@pytest.mark.parametrize("reader", READERS)
@settings(max_examples=60, deadline=None)
@given(raw=damaged())
def test_what_is_not_as_agreed_is_refused_with_advice_and_nothing_else_happens(reader: str, raw: bytes) -> None:
    assert all(_refusal(READERS[reader], raw))


def _refusal(read: Callable[[bytes], object], raw: bytes) -> tuple[str, ...]:
    """What a refusal says, problem and advice; nothing where it was read. Any other error comes out."""
    try:
        read(raw)
    except ContractsError as error:
        return error.problem, error.advice
    return ()
