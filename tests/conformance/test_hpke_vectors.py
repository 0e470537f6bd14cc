"""RFC 9180's published cases: the library derives the key and nonce that the RFC prints, and our suite is one of them."""

import json
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from contracts.names import UnitId
from contracts.sealing.suites import EncryptionKeyError, OpeningKey, SuiteId

_KDF: Final = {1: hpke.KDF.HKDF_SHA256, 3: hpke.KDF.HKDF_SHA512}
_AEAD: Final[dict[int, tuple[hpke.AEAD, type[AESGCM] | type[ChaCha20Poly1305]]]] = {
    1: (hpke.AEAD.AES_128_GCM, AESGCM),
    2: (hpke.AEAD.AES_256_GCM, AESGCM),
    3: (hpke.AEAD.CHACHA20_POLY1305, ChaCha20Poly1305),
}


def cases(shared_material: Path) -> list[dict[str, Any]]:
    text = (shared_material / "vectors" / "hpke_rfc9180_base_x25519.json").read_text(encoding="utf-8")
    found = json.loads(text)
    assert len(found) >= 6
    return list(found)


def sealed_by_the_book(case: dict[str, Any], plaintext: bytes) -> bytes:
    """What a sender with the RFC's own key and nonce sends; single shot without associated data, as we use it."""
    _, cipher = _AEAD[case["aead_id"]]
    text = cipher(bytes.fromhex(case["key"])).encrypt(bytes.fromhex(case["base_nonce"]), plaintext, None)
    return bytes.fromhex(case["enc"]) + text


def test_what_is_sealed_by_the_book_opens_with_the_library(shared_material: Path) -> None:
    for case in cases(shared_material):
        suite = hpke.Suite(hpke.KEM.X25519, _KDF[case["kdf_id"]], _AEAD[case["aead_id"]][0])
        private = X25519PrivateKey.from_private_bytes(bytes.fromhex(case["skRm"]))
        opened = suite.decrypt(sealed_by_the_book(case, b"beauty"), private, info=bytes.fromhex(case["info"]))
        assert opened == b"beauty"


def test_our_suite_without_ml_kem_is_the_published_one(shared_material: Path) -> None:
    case = next(one for one in cases(shared_material) if (one["kdf_id"], one["aead_id"]) == (1, 2))
    key = OpeningKey(bytes.fromhex(case["skRm"]), unit=UnitId("labour"), suite=SuiteId.X25519)

    assert key.sealing_key.public_bytes == bytes.fromhex(case["pkRm"])
    assert key.open(sealed_by_the_book(case, b"truth"), bytes.fromhex(case["info"])) == b"truth"
    with pytest.raises(EncryptionKeyError):
        key.open(sealed_by_the_book(case, b"truth"), b"another purpose")
