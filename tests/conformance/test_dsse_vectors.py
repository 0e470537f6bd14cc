"""Our pre-authentication encoding is that of DSSE: signatures of other implementations verify over it."""

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePublicKey,
    EllipticCurvePublicNumbers,
)
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from contracts.dsse import DsseError, from_envelope, pae


def read(shared_material: Path, name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((shared_material / "vectors" / name).read_text(encoding="utf-8"))
    return document


def public_key(vector: dict[str, Any]) -> EllipticCurvePublicKey:
    return EllipticCurvePublicNumbers(int(vector["key"]["X"]), int(vector["key"]["Y"]), SECP256R1()).public_key()


def verifies(key: EllipticCurvePublicKey, signature: bytes, signed: bytes) -> bool:
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    try:
        key.verify(encode_dss_signature(r, s), signed, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def test_the_published_encoding_and_signature_of_dsse_hold(shared_material: Path) -> None:
    vector = read(shared_material, "dsse.json")
    encoded = pae(vector["payloadType"], vector["payload_utf8"].encode())
    assert encoded == vector["pae_utf8"].encode()
    assert verifies(public_key(vector), b64decode(vector["sig_base64"]), encoded)


def cloudevents_cases(shared_material: Path) -> list[tuple[dict[str, Any], bytes]]:
    cases = read(shared_material, "cloudevents_dsse.json")["cases"]
    return [(case, b64decode(case["dssematerial"])) for case in cases if "dssematerial" in case]


def test_the_signatures_of_the_cloudevents_extension_verify_over_our_encoding(shared_material: Path) -> None:
    """Cases 6a and 6b are defective as published: signed without the stray `=` that their payload ends with."""
    key = public_key(read(shared_material, "cloudevents_dsse.json"))
    cases = cloudevents_cases(shared_material)
    assert len(cases) == 8
    for case, material in cases:
        envelope = json.loads(material)
        payload, signature = b64decode(envelope["payload"]), b64decode(envelope["signatures"][0]["sig"])
        published = case["verified_here"]
        assert verifies(key, signature, pae(envelope["payloadType"], payload)) is published["signature"], case["title"]
        if not published["signature"]:
            assert payload.endswith(b"=")
            assert verifies(key, signature, pae(envelope["payloadType"], payload[:-1])), case["title"]


def test_an_envelope_of_another_purpose_is_not_taken_for_ours(shared_material: Path) -> None:
    for case, material in cloudevents_cases(shared_material):
        with pytest.raises(DsseError, match="unknown payload type"):
            from_envelope(material)
        assert json.loads(material)["signatures"][0]["keyid"] == "testkey", case["title"]
