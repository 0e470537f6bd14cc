"""What lies in an export is opened by the standard, and by nothing looser."""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from contracts.dsse import DsseError, from_envelope, pae, to_envelope
from contracts.keys import KeyUse, SigningKey
from contracts.names import UnitId
from contracts.pae import PayloadType
from contracts.signed_bytes import sign_batch, sign_one, verify

KEY = SigningKey(b"\x01" * 32, unit=UnitId("advice"), use=KeyUse.MESSAGES)
ONE = sign_one(b'{"n":1}', KEY, PayloadType.CLOUDEVENT)
OF_BATCH = sign_batch([b'{"n":%d}' % n for n in range(5)], KEY)[3]


def test_lengths_count_bytes_and_not_characters() -> None:
    assert pae("ř", "ž".encode()) == "DSSEv1 2 ř 2 ž".encode()


def test_an_export_of_a_message_is_a_plain_dsse_envelope() -> None:
    envelope = json.loads(to_envelope(ONE, PayloadType.CLOUDEVENT))
    assert envelope == {
        "payload": b64encode(ONE.payload).decode(),
        "payloadType": "application/cloudevents+json",
        "signatures": [{"keyid": KEY.key_id, "sig": b64encode(ONE.signature).decode()}],
    }


@pytest.mark.parametrize("signed", [ONE, OF_BATCH, *sign_batch([b""], KEY)])
def test_what_an_export_holds_verifies_after_reading_it_back(signed: Any) -> None:  # noqa: ANN401  parametrize erases it
    opened, payload_type = from_envelope(to_envelope(signed, PayloadType.CLOUDEVENT))
    assert opened == signed
    verify(opened, KEY.verifying_key, payload_type)


def change(edit: Callable[[dict[str, Any]], object]) -> bytes:
    envelope = json.loads(to_envelope(OF_BATCH, PayloadType.CLOUDEVENT))
    edit(envelope)
    return json.dumps(envelope).encode()


@pytest.mark.parametrize(
    "edit",
    [
        lambda e: e.update(extra=1),
        lambda e: e.pop("payload"),
        lambda e: e.update(payload=1),
        lambda e: e.update(payload="e30"),
        lambda e: e.update(payload="e31="),
        lambda e: e.update(payload="_-8="),
        lambda e: e.update(payload="e3\n0="),
        lambda e: e.update(payloadType="application/json"),
        lambda e: e.update(payloadType=None),
        lambda e: e.update(payloadType=PayloadType.BATCH),
        lambda e: e.update(signatures=[]),
        lambda e: e.update(signatures={}),
        lambda e: e["signatures"].append(e["signatures"][0]),
        lambda e: e["signatures"].__setitem__(0, "text"),
        lambda e: e["signatures"][0].update(keyid="testkey"),
        lambda e: e["signatures"][0].update(keyid=None),
        lambda e: e["signatures"][0].update(sig="AAAA"),
        lambda e: e["signatures"][0].update(cert="x"),
        lambda e: e["signatures"][0].update(batch=None),
        lambda e: e["signatures"][0]["batch"].update(size=True),
        lambda e: e["signatures"][0]["batch"].update(size=257),
        lambda e: e["signatures"][0]["batch"].update(index=5),
        lambda e: e["signatures"][0]["batch"].update(index=-1),
        lambda e: e["signatures"][0]["batch"].update(index=0.0),
        lambda e: e["signatures"][0]["batch"].update(proof=["AAAA"]),
        lambda e: e["signatures"][0]["batch"].update(proof="AAAA"),
        lambda e: e["signatures"][0]["batch"].pop("proof"),
    ],
)
def test_an_envelope_that_another_tool_could_read_differently_is_refused(
    edit: Callable[[dict[str, Any]], object],
) -> None:
    with pytest.raises(DsseError) as caught:
        from_envelope(change(edit))
    assert caught.value.advice


def test_an_envelope_with_two_payloads_is_refused() -> None:
    twice = to_envelope(ONE, PayloadType.CLOUDEVENT).replace(b"{", b'{"payload":"e30=",', 1)
    with pytest.raises(DsseError, match="duplicate-member"):
        from_envelope(twice)


def test_the_signature_over_a_batch_can_be_checked_with_the_documentation_alone() -> None:
    element = json.loads(to_envelope(sign_batch([b"left", b"right"], KEY)[1], PayloadType.CLOUDEVENT))["signatures"][0]
    assert (element["batch"]["size"], element["batch"]["index"]) == (2, 1)
    left, right = b64decode(element["batch"]["proof"][0]), sha256(b"\x00right").digest()
    root = sha256(b"\x01" + left + right).digest()
    signed = b"DSSEv1 28 application/vnd.spojka.batch 40 " + bytes(7) + b"\x02" + root
    Ed25519PublicKey.from_public_bytes(KEY.public_bytes).verify(b64decode(element["sig"]), signed)
    assert left == sha256(b"\x00left").digest()
