"""The questions of `spojka-conformance vectors`, made of the golden corpus: one JSON object each, with the answer that is right.

Invariants: bytes travel as base64; questions about lists and feed records are asked in order, since each answer rests on those before; what is asked
needs nothing but the published contracts.
"""

import json
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from adapters.conformance.odd_jwe import tampered, with_a_type
from contracts.envelope import parse
from contracts.facts import Jwe
from contracts.golden_corpus import actors, dead_letters, feed, lists, messages, partitions, sealing
from contracts.golden_corpus.actors import LABOUR
from contracts.golden_corpus.messages import sealed_example
from contracts.golden_corpus.written import base64
from contracts.kafka_record import PROOF, SIGNATURE
from contracts.pae import PayloadType
from contracts.sealing.content import seal_content
from contracts.sealing.content_key import message_key
from contracts.sealing.jwe import open_sealed

Question = Mapping[str, Any]
_DEEP: Final = 65
_REFUSED: Final = {"verdict": "refused"}


@dataclass(frozen=True, slots=True)
class Case:
    """A question, the members that its answer must have, and the requirement that a wrong one breaks."""

    requirement: str
    question: Question
    answer: Question
    note: str


def adapter_cases() -> Iterator[Case]:
    """What every adapter must get right."""
    yield from _partitions()
    yield from _signatures()
    yield from _batch()
    yield from _json()
    yield from _lists()
    yield from _feed()
    yield from _sealed_keys()
    yield from _sealed_content()


def hub_cases() -> Iterator[Case]:
    """What a hub must get right besides."""
    yield from _partitions()
    yield from _json()
    yield from _records()


def _partitions() -> Iterator[Case]:
    for row in _rows(partitions.document(), "table"):
        for count, expected in row["partition"].items():
            asked = {"ask": "partition", "key": base64(row["key"].encode()), "count": int(count)}
            yield Case("VEC-1", asked, {"partition": expected}, f"key {row['key']!r} among {count}")


def _signatures() -> Iterator[Case]:
    seeds = {one["key_id"]: one["seed"] for one in actors.keys_document()}
    for row in _rows(messages.document(), "messages"):
        headers = {one["name"]: one for one in row["headers"]}
        asked = {
            "ask": "sign",
            "seed": seeds[headers["dsse-keyid"]["text"]],
            "type": PayloadType.CLOUDEVENT,
            "value": row["value"],
        }
        yield Case("VEC-2", asked, {"signature": headers[SIGNATURE]["text"]}, row["type"])


def _batch() -> Iterator[Case]:
    rows = _rows(messages.document(), "batch")
    headers = [{one["name"]: one for one in row["headers"]} for row in rows]
    asked = {"ask": "batch", "seed": actors.key(actors.ADVICE).seed.hex(), "values": [row["value"] for row in rows]}
    answer = {"signature": headers[0][SIGNATURE]["text"], "proofs": [one[PROOF]["value"] for one in headers]}
    yield Case("VEC-3", asked, answer, f"a batch of {len(rows)}")


def _json() -> Iterator[Case]:
    good = (
        '{"a":1}',
        ' {"a" : [1, 2.5e3, true, null, "\\u010d\\ud83d\\ude00"]}\n',
        '{"\u010d":"\u0161","b":{"a":1},"a":9007199254740991}',
    )
    for text in good:
        yield Case("VEC-4", _asked(text.encode()), {"verdict": "good"}, text)
    for note, raw in _not_strict().items():
        yield Case("VEC-4", _asked(raw), {"verdict": "refused"}, note)


def _not_strict() -> Mapping[str, bytes]:
    return {
        "a member twice": b'{"a":1,"a":1}',
        "a member twice within": b'{"a":[{"b":1,"c":2,"b":1}]}',
        "a member twice, once escaped": b'{"a":1,"\\u0061":2}',
        "a byte order mark": b'\xef\xbb\xbf{"a":1}',
        "bytes behind": b'{"a":1}x',
        "two objects": b"{}{}",
        "an array": b"[1]",
        "a string": b'"a"',
        "nothing": b"",
        "cut short": b'{"a":',
        "a comma too many": b'{"a":1,}',
        "NaN": b'{"a":NaN}',
        "an infinity": b'{"a":1e999}',
        "an inexact integer": b'{"a":9007199254740993}',
        "a leading zero": b'{"a":01}',
        "half a character": b'{"a":"\\ud83d"}',
        "no UTF-8": b'{"a":"\xff"}',
        "a line end in a string": b'{"a":"\n"}',
        "single quotes": b"{'a':1}",
        "a comment": b'{"a":1/**/}',
        "nested too deep": b'{"a":' + b"[" * _DEEP + b"]" * _DEEP + b"}",
    }


def _asked(raw: bytes) -> Question:
    return {"ask": "json", "value": base64(raw)}


def _lists() -> Iterator[Case]:
    first, second = (row["envelope"] for row in _rows(lists.document(), "trust_lists"))
    yield Case(
        "VEC-8", {"ask": "first-list", "envelope": first, "recipient": LABOUR}, {"verdict": "taken"}, "version 1"
    )
    tampered = _tampered(second)
    yield Case("VEC-8", {"ask": "list", "envelope": tampered}, {"verdict": "refused"}, "version 2, signature changed")
    yield Case("VEC-8", {"ask": "list", "envelope": first}, {"verdict": "refused"}, "version 1 again")


def _feed() -> Iterator[Case]:
    records = _rows(feed.document(), "records")
    receipts = [one for one in records if one["kind"] == "receipt"]
    first, second, third, again = (one["value"] for one in records if one["kind"] == "delivery")
    head = next(one["value"] for one in records if one["kind"] == "head")
    for number, one in enumerate(receipts):
        yield _record(one["value"], "receipt", f"receipt {number + 1}")
    yield _record(_tampered(receipts[0]["value"]), "refused", "a receipt with another signature")
    yield _record(_tampered(first), "refused", "slot 1 with another signature")
    yield _record(first, "given", "slot 1")
    yield _record(first, "repeated", "slot 1 again")
    yield _record(again, "repeated", "slot 1 under a shared tree")
    yield _record(third, "gap", "slot 3 before slot 2")
    yield _record(second, "withheld", "slot 2")
    yield _record(_beside(third, first), "refused", "slot 3 with the message of slot 1 beside it")
    yield _record(third, "given", "slot 3")
    yield _record(head, "head", "the head")
    yield _record(base64(b'{"head":1}'), "refused", "no envelope")


def _record(value: str, verdict: str, note: str) -> Case:
    return Case("VEC-7", {"ask": "feed-record", "value": value}, {"verdict": verdict}, note)


def _records() -> Iterator[Case]:
    for row in _rows(messages.document(), "messages"):
        record = {"key": base64(row["key"].encode()), "partition": row["partition"][str(actors.PARTITIONS)]}
        yield Case("VEC-5", _inbox(row, record, 1), {"verdict": "good"}, row["type"])
    for row in _rows(dead_letters.document(), "records"):
        record = {"key": base64(row["key"].encode()), "partition": row["partition"]}
        answer = {"verdict": "refused", "reason": row["reason"]}
        yield Case("VEC-6", _inbox(row, record, row["trust_list"]), answer, f"{row['reason']}: {row['note']}")


def _inbox(row: Mapping[str, Any], record: Mapping[str, Any], trust_list: int) -> Question:
    headers = [{"name": one["name"], "value": one["value"]} for one in row["headers"]]
    value = {} if row["value"] is None else {"value": row["value"]}
    return {
        "ask": "record",
        "trust_list": trust_list,
        "now": actors.NOW.isoformat(),
        "headers": headers,
        **record,
        **value,
    }


def _sealed_keys() -> Iterator[Case]:
    secret = sealing.CONTENT_KEY.secret
    yield Case("VEC-9", {"ask": "key-id", "key": base64(secret)}, {"key_id": sealing.CONTENT_KEY.key_id}, "a key's id")
    for row in _rows(sealing.document(), "sealed"):
        asked = {
            "ask": "open-key",
            "suite": row["suite"],
            "private_key": row["opens_with"]["private_key"],
            "public_key": row["opens_with"]["public_key"],
            "info": base64(bytes.fromhex(row["info"])),
            "sealed": row["sealed"],
        }
        opened, note = base64(bytes.fromhex(row["opened"])), f"{row['form']} by {row['suite']}"
        yield Case("VEC-9", asked, {"verdict": "good", "opened": opened}, note)
        other = asked | {"info": base64(bytes.fromhex(row["info"])[:-1] + b"!")}
        yield Case("VEC-9", other, {"verdict": "refused"}, f"{note}, for something else")


def _sealed_content() -> Iterator[Case]:
    message = parse(seal_content(sealed_example(), sealing.CONTENT_KEY, nonce=bytes(12)))
    sealed = message.data.sealed
    jwe, key = sealed.jwe if isinstance(sealed, Jwe) else "", message_key(sealing.CONTENT_KEY, message)
    bound = [message.programme, message.source, message.subject or "", message.type, message.id]
    asked = {"ask": "message-key", "key": base64(sealing.CONTENT_KEY.secret), "bound": bound}
    yield Case("VEC-10", asked, {"key": base64(key)}, "the key of a message")
    plain = open_sealed(jwe, key)
    good = {"verdict": "good", "content": json.loads(plain)}
    kid = sealing.CONTENT_KEY.key_id
    yield Case("VEC-10", _jwe(jwe, key), good, "content")
    yield Case("VEC-10", _jwe(jwe, bytes(32)), _REFUSED, "content under another key")
    yield Case("VEC-10", _jwe(with_a_type(plain, key, kid=kid), key), _REFUSED, "a header that holds more")
    yield Case("VEC-10", _jwe(tampered(plain, key, kid=kid), key), _REFUSED, "a tag that does not hold")
    yield Case("VEC-10", _jwe(jwe + ".", key), _REFUSED, "six parts")


def _jwe(jwe: str, key: bytes) -> Question:
    return {"ask": "open-content", "jwe": jwe, "key": base64(key)}


def _tampered(envelope: str) -> str:
    """The same JSON in base64 with one bit of the first signature changed."""
    document = json.loads(_raw(envelope))
    one = document if "signatures" in document else document[next(iter(document))]
    signature = bytearray(_raw(one["signatures"][0]["sig"]))
    signature[0] ^= 1
    one["signatures"][0]["sig"] = base64(bytes(signature))
    return base64(json.dumps(document, separators=(",", ":")).encode())


def _beside(value: str, other: str) -> str:
    document = json.loads(_raw(value)) | {"message": json.loads(_raw(other))["message"]}
    return base64(json.dumps(document, separators=(",", ":")).encode())


def _raw(text: str) -> bytes:
    return b64decode(text)


def _rows(document: Mapping[str, object], name: str) -> list[Any]:
    rows = document[name]
    assert isinstance(rows, list)  # noqa: S101 - our own corpus
    return rows
