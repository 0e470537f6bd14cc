"""Records that speak for nobody, each made of a message that would be in order but for one thing. Pure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from adapters.conformance.voice import Spoken, Voice
from contracts.kafka_record import CONTENT_TYPE, SIGNATURE, Headers, to_headers
from contracts.keys import KeyUse, SigningKey
from contracts.partition import partition_of
from contracts.signed_bytes import SignedBytes, sign_batch


@dataclass(frozen=True, slots=True)
class Hostile:
    """One record; `signed` is what a receipt for it would name."""

    name: str
    key: str
    signed: SignedBytes
    value: bytes | None
    headers: Headers
    partition: int
    spoken: Spoken


def hostile_records(fresh: Callable[[], Spoken], voice: Voice, other: Voice, partitions: int) -> Iterator[Hostile]:
    """All of them; `fresh` composes a message that would be the next one, `other` is another unit."""
    make = _Maker(fresh, voice, partitions)
    yield make.of("null-value", value=None)
    yield make.of("another content type", headers=lambda one: _with(one, CONTENT_TYPE, b"application/json"))
    yield make.of("no signature", headers=lambda one: [each for each in one if each[0] != SIGNATURE])
    yield make.of("a header twice", headers=lambda one: [*one, one[-1]])
    yield make.of("a reserved header", headers=lambda one: [*one, ("spojka-extra", b"1")])
    yield make.signed("another's source", other.sign)
    stranger = Voice(voice.unit, voice.programme, SigningKey.generate(voice.unit, KeyUse.MESSAGES))
    yield make.signed("an unknown key", stranger.sign)
    yield make.signed(
        "a forged signature",
        lambda payload: replace(voice.sign(payload), signature=voice.sign(payload + b" ").signature),
    )
    yield make.signed("another leaf's proof", lambda payload: _moved(payload, voice))
    yield make.signed("cut short", lambda payload: voice.sign(payload[:-1]))
    yield make.signed(
        "a member twice", lambda payload: voice.sign(payload.replace(b'{"specversion"', b'{"id":"x","specversion"', 1))
    )
    yield make.signed(
        "an unknown attribute",
        lambda payload: voice.sign(payload.replace(b'{"specversion"', b'{"extra":"x","specversion"', 1)),
    )
    yield make.of("another key", key=voice.source)
    yield make.of("another partition", shift=1)


@dataclass(frozen=True, slots=True)
class _Maker:
    fresh: Callable[[], Spoken]
    voice: Voice
    partitions: int

    def signed(self, name: str, sign: Callable[[bytes], SignedBytes]) -> Hostile:
        spoken = self.fresh()
        signed = sign(spoken.payload)
        where = partition_of(spoken.key, self.partitions)
        return Hostile(name, spoken.key, signed, signed.payload, to_headers(signed), where, spoken)

    def of(
        self,
        name: str,
        *,
        value: bytes | None = b"",
        headers: Callable[[list[tuple[str, bytes]]], Headers] = lambda one: one,
        key: str | None = None,
        shift: int = 0,
    ) -> Hostile:
        """Signed well; with no value, other headers, another key, or moved to another partition."""
        good = self.signed(name, self.voice.sign)
        other = good.key if key is None else key
        where = (partition_of(other, self.partitions) + shift) % self.partitions
        sent = None if value is None else good.signed.payload
        return replace(good, key=other, value=sent, headers=headers(list(good.headers)), partition=where)


def _with(headers: list[tuple[str, bytes]], name: str, value: bytes) -> Headers:
    return [(each, value if each == name else old) for each, old in headers]


def _moved(payload: bytes, voice: Voice) -> SignedBytes:
    mine, neighbour = sign_batch([payload, payload + b" "], voice.key)
    return replace(mine, proof=neighbour.proof)
