"""Signed messages that are in order: one of every type, a batch with proofs, one for each form of sealed content."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from contracts import strict_json
from contracts.catalogue import spec_of
from contracts.categories import Category
from contracts.envelope import compose, parse
from contracts.golden_corpus.actors import ADVICE, NOW, PROGRAMME, SUBJECT, key, message_id
from contracts.golden_corpus.examples import Example, examples
from contracts.golden_corpus.written import readable, record_of
from contracts.messages.need import NeedAssessed, NeedContent
from contracts.messages.session import SessionHeld
from contracts.names import HUB, RecordKey, source_of
from contracts.pae import PayloadType
from contracts.sealing.content import seal_content
from contracts.sealing.content_key import ContentKey, message_key, scope_of
from contracts.signed_bytes import SignedBytes, sign_batch, sign_one

HUB_KEY: Final = RecordKey("hub-0")
"""Under which the hub's own messages about no subject reach shard 0."""
BATCH: Final = 5


def compose_example(example: Example, number: int, *, sequence: int = 1) -> bytes:
    """The exact bytes of an example under id `number`."""
    spec = spec_of(example.facts)
    return compose(
        example.facts,
        id=message_id(number),
        source=source_of(PROGRAMME, example.author),
        time=NOW - timedelta(hours=1),
        programme=PROGRAMME,
        sequence=sequence,
        subject=SUBJECT if spec.about_subject else None,
        category=example.category,
        purpose=example.purpose,
        actor=example.actor,
        corrects=example.corrects,
        content=example.content,
    )


def key_of(payload: bytes) -> RecordKey:
    """The record key of a message."""
    message = parse(payload)
    return HUB_KEY if message.unit == HUB and message.subject is None else message.key


def document() -> dict[str, object]:
    """`messages.json`."""
    return {
        "about": "Every message here is accepted by parse and signature. Judge signatures by trust list version 1 of actors.json.",
        "messages": [
            _written(sign_one(compose_example(one, number), key(one.author), PayloadType.CLOUDEVENT), one)
            for number, one in enumerate(examples(), start=1)
        ],
        "batch": [_written(signed, one) for signed, one in zip(_batch(), _batched(), strict=True)],
        "jwe": _sealed_document(),
    }


def _written(signed: SignedBytes, example: Example) -> dict[str, object]:
    note = {"note": example.note} if example.note else {}
    return (
        {"type": spec_of(example.facts).type}
        | note
        | record_of(signed, key_of(signed.payload))
        | {"readable": readable(signed.payload)}
    )


def _batched() -> Sequence[Example]:
    return [
        Example(SessionHeld(kind="debt", form="phone", minutes=10 + one), None, Category.INCOME_DEBT)
        for one in range(BATCH)
    ]


def _batch() -> list[SignedBytes]:
    payloads = [compose_example(one, 0x100 + at, sequence=at + 1) for at, one in enumerate(_batched())]
    return sign_batch(payloads, key(ADVICE))


_SEALED: Final = Example(
    NeedAssessed(dimension="housing", level="urgent"), NeedContent(finding="Dluží nájem."), Category.HOUSING
)


def sealed_example() -> bytes:
    """The message of `sealed`, in clear."""
    return compose_example(_SEALED, 0x200)


def _sealed_document() -> dict[str, object]:
    """A message whose content is sealed, with the content key, so that deriving, opening and checking can be tried."""
    example, clear = _SEALED, sealed_example()
    content_key = ContentKey(bytes(range(32)))
    attributes = parse(clear)
    signed = sign_one(seal_content(clear, content_key, nonce=bytes(12)), key(ADVICE), PayloadType.CLOUDEVENT)
    return {
        "about": 'The form of a sealed message. `kid` is SHA-256("spojka/kid/v1" ‖ content_key); the message key is HKDF-SHA256 of the content '
        "key, without salt, over the u16be-length-prefixed `spojka/message-key/v1`, programme, source, subject, type and id. What opens is the "
        "content as JSON, padded with spaces to a multiple of 256 bytes.",
        "content_key": content_key.secret.hex(),
        "kid": content_key.key_id,
        "scope": scope_of(attributes),
        "message_key": message_key(content_key, attributes).hex(),
        "content": strict_json.canonical({"finding": "Dluží nájem."}).decode(),
    } | _written(signed, example)
