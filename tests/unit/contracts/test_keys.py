"""A key proves who signed, for one use and under one name only."""

import hashlib

import pytest

from contracts.keys import (
    KeyIdError,
    KeyUse,
    KeyUseError,
    SignatureError,
    SignatureFault,
    SigningKey,
    VerifyingKey,
    WeakKeyError,
    check_possession,
    key_id,
    parse_key_id,
    prove_possession,
)
from contracts.names import KeyId, UnitId
from contracts.pae import PayloadType

PRIME = 2**255 - 19
D = -121665 * pow(121666, -1, PRIME) % PRIME
UNIT = UnitId("labour-office")

# RFC 8032 §7.1, test 1.
SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
PUBLIC = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")

Point = tuple[int, int]


def add(p: Point, q: Point) -> Point:
    """The addition law of edwards25519 (RFC 8032 §5.1.4, affine)."""
    product = D * p[0] * q[0] * p[1] * q[1] % PRIME
    x = (p[0] * q[1] + q[0] * p[1]) * pow(1 + product, -1, PRIME) % PRIME
    y = (p[1] * q[1] + p[0] * q[0]) * pow(1 - product, -1, PRIME) % PRIME
    return x, y


def times(n: int, p: Point) -> Point:
    result = (0, 1)
    while n:
        result = add(result, p) if n & 1 else result
        p, n = add(p, p), n >> 1
    return result


def root_of(square: int) -> int | None:
    x = pow(square, (PRIME + 3) // 8, PRIME)
    for candidate in (x, x * pow(2, (PRIME - 1) // 4, PRIME) % PRIME):
        if candidate * candidate % PRIME == square:
            return candidate
    return None


def torsion() -> set[Point]:
    """The eight points whose order divides 8, from the curve alone: any point times the prime order of the base point."""
    order = 2**252 + 27742317777372353535851937790883648493
    for y in range(2, 100):
        x = root_of((y * y - 1) * pow(D * y * y + 1, -1, PRIME) % PRIME)
        if x is None:
            continue
        start = times(order, (x, y))
        points = {times(n, start) for n in range(8)}
        if len(points) == 8:
            return points
    raise AssertionError("no point of order 8 found")


def encodings() -> list[bytes]:
    """Every 32 bytes that some decoder takes for one of them: reduced or not, with either sign bit."""
    ys = {y for _, y in torsion()}
    unreduced = {y + PRIME for y in ys if y + PRIME < 2**255}
    return [(y | sign << 255).to_bytes(32, "little") for y in sorted(ys | unreduced) for sign in (0, 1)]


def under_its_id(public: bytes) -> VerifyingKey:
    return VerifyingKey(public, key_id(UNIT, KeyUse.MESSAGES, public))


def test_no_encoding_of_a_small_order_point_becomes_a_key_that_verifies_anything() -> None:
    weak = encodings()
    assert len(weak) == 14
    for public in weak:
        with pytest.raises(WeakKeyError):
            under_its_id(public)


@pytest.mark.parametrize("excess", range(19))
def test_no_key_is_admitted_twice_under_two_encodings(excess: int) -> None:
    with pytest.raises(WeakKeyError):
        under_its_id((PRIME + excess).to_bytes(32, "little"))


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(WeakKeyError):
        under_its_id(b"\x07" * length)


def test_the_key_of_rfc_8032_has_its_published_public_half_and_our_name_for_it() -> None:
    key = SigningKey(SEED, unit=UNIT, use=KeyUse.MESSAGES)
    assert key.public_bytes == PUBLIC
    assert key.key_id == f"labour-office/messages/{hashlib.sha256(PUBLIC).hexdigest()[:16]}"
    assert key.seed == SEED


def test_a_stored_seed_signs_as_the_key_did_before_a_restart() -> None:
    key = SigningKey.generate(UNIT, KeyUse.RECEIPTS)
    again = SigningKey(key.seed, unit=UNIT, use=KeyUse.RECEIPTS)
    assert again.sign(PayloadType.RECEIPT, b"x") == key.sign(PayloadType.RECEIPT, b"x")
    assert again.verifying_key == key.verifying_key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a/messages/0123456789abcde",
        "a/messages/0123456789ABCDEF",
        "a/unheard/0123456789abcdef",
        "A/messages/0123456789abcdef",
        "a/messages/0123456789abcdef\n",
        "a/b/messages/0123456789abcdef",
        "x" * 41 + "/messages/0123456789abcdef",
    ],
)
def test_a_malformed_key_id_is_refused(text: str) -> None:
    with pytest.raises(KeyIdError):
        parse_key_id(text)


def test_a_key_id_gives_back_its_unit_and_use() -> None:
    assert parse_key_id("advice-1/deliveries/0123456789abcdef") == (
        "advice-1",
        KeyUse.DELIVERIES,
        "0123456789abcdef",
    )


def test_a_key_cannot_be_listed_under_the_name_of_another() -> None:
    other = SigningKey.generate(UNIT, KeyUse.MESSAGES)
    with pytest.raises(KeyIdError):
        VerifyingKey(PUBLIC, other.key_id)


def test_an_encryption_key_never_signs() -> None:
    with pytest.raises(KeyUseError):
        SigningKey(SEED, unit=UNIT, use=KeyUse.ENCRYPTION)


@pytest.mark.parametrize(
    ("payload_type", "payload"),
    [(PayloadType.CLOUDEVENT, b"accepteD"), (PayloadType.RECEIPT, b"accepted")],
)
def test_a_signature_holds_for_no_other_bytes_and_no_other_type(payload_type: PayloadType, payload: bytes) -> None:
    key = SigningKey.generate(UNIT, KeyUse.MESSAGES)
    signature = key.sign(PayloadType.CLOUDEVENT, b"accepted")
    key.verifying_key.verify(PayloadType.CLOUDEVENT, b"accepted", signature)
    with pytest.raises(SignatureError) as caught:
        key.verifying_key.verify(payload_type, payload, signature)
    assert (caught.value.key_id, caught.value.reason) == (key.key_id, SignatureFault.FORGED)


def test_a_signature_of_another_length_is_refused_as_such() -> None:
    key = SigningKey.generate(UNIT, KeyUse.MESSAGES)
    with pytest.raises(SignatureError) as caught:
        key.verifying_key.verify(PayloadType.CLOUDEVENT, b"x", b"\x00" * 63)
    assert caught.value.reason is SignatureFault.WRONG_LENGTH


def test_a_unit_proves_that_it_holds_its_private_key() -> None:
    key = SigningKey.generate(UNIT, KeyUse.MESSAGES)
    proof = prove_possession(key, b"challenge")
    check_possession(key.verifying_key, b"challenge", proof)
    with pytest.raises(SignatureError):
        check_possession(key.verifying_key, b"another challenge", proof)


def test_no_unit_can_be_admitted_with_the_key_and_the_answer_of_another() -> None:
    key = SigningKey.generate(UNIT, KeyUse.MESSAGES)
    proof = prove_possession(key, b"challenge")
    claimed = VerifyingKey(key.public_bytes, key_id(UnitId("impostor"), KeyUse.MESSAGES, key.public_bytes))
    with pytest.raises(SignatureError):
        check_possession(claimed, b"challenge", proof)


def test_a_log_line_with_a_key_in_it_shows_no_secret() -> None:
    key = SigningKey(SEED, unit=UNIT, use=KeyUse.MESSAGES)
    assert SEED.hex() not in repr(key)
    assert repr(key) == f"SigningKey({key.key_id})"


def test_one_key_in_two_trust_lists_is_the_same_key_and_a_name_alone_is_not() -> None:
    keys = {under_its_id(PUBLIC), under_its_id(PUBLIC)}
    assert len(keys) == 1
    assert under_its_id(PUBLIC) != KeyId(key_id(UNIT, KeyUse.MESSAGES, PUBLIC))
