"""A unit is admitted with keys that it holds, and with no other's."""

import json
from base64 import b64encode

import pytest

from contracts.admission import (
    AdmissionError,
    AdmissionRequest,
    offer,
    offer_encryption,
    read_first_list,
    read_request,
)
from contracts.keys import KeyUse, SignatureError, SigningKey
from contracts.names import InstitutionId, ProgrammeId, UnitId
from contracts.sealing.suites import OpeningKey, SuiteId
from tests.simulated_hub import SimulatedHub

OP = UnitId("op")
KEY = SigningKey(b"\x05" * 32, unit=OP, use=KeyUse.MESSAGES)
OPENING = OpeningKey(b"\x07" * 32, unit=OP, suite=SuiteId.X25519)


def request_of(key: SigningKey = KEY) -> bytes:
    request = AdmissionRequest(
        programme=ProgrammeId("decin"),
        unit=OP,
        institution=InstitutionId("ngo"),
        institution_name="An NGO",
        name="Advice office",
        keys=offer([key], unit=OP),
        encryption_keys=(offer_encryption(OPENING.sealing_key, unit=OP, vouching=key),),
    )
    return request.model_dump_json().encode()


def test_a_request_of_a_unit_that_holds_its_key_is_good() -> None:
    assert read_request(request_of()).keys[0].verifying_key == KEY.verifying_key


def test_a_request_without_a_valid_proof_is_refused() -> None:
    document = json.loads(request_of())
    document["keys"][0]["proof"] = b64encode(bytes(64)).decode()
    with pytest.raises(SignatureError):
        read_request(json.dumps(document).encode())


def test_another_units_key_cannot_be_offered_as_ones_own() -> None:
    document = json.loads(request_of())
    document["unit"] = "up"
    with pytest.raises(AdmissionError, match="own keys only"):
        read_request(json.dumps(document).encode())


def test_the_first_list_tells_the_root_keys_and_no_later_one_does() -> None:
    hub = SimulatedHub()
    directory, roots = read_first_list(hub.envelopes[0])
    assert (directory.version, roots) == (1, hub.roots)
    hub.publish_list()
    with pytest.raises(AdmissionError):
        read_first_list(hub.envelopes[1])


def test_a_first_list_that_somebody_changed_is_refused() -> None:
    hub = SimulatedHub()
    document = json.loads(hub.envelopes[0])
    document["payload"] = document["payload"][:40] + "AAAA" + document["payload"][44:]
    with pytest.raises(AdmissionError):
        read_first_list(json.dumps(document, separators=(",", ":")).encode())


def test_an_encryption_key_for_which_the_unit_does_not_vouch_is_refused() -> None:
    assert read_request(request_of()).encryption_keys[0].sealing_key.key_id == OPENING.key_id
    document = json.loads(request_of())
    for field, value in (
        ("proof", b64encode(bytes(64)).decode()),
        ("public_key", b64encode(bytes(31) + b"\x09").decode()),
        ("proof", document["keys"][0]["proof"]),
    ):
        changed = json.loads(request_of())
        changed["encryption_keys"][0][field] = value
        with pytest.raises((AdmissionError, SignatureError)):
            read_request(json.dumps(changed).encode())


def test_a_request_without_any_key_asks_for_nothing() -> None:
    document = json.loads(request_of()) | {"keys": [], "encryption_keys": []}
    with pytest.raises(AdmissionError, match="a key at least"):
        read_request(json.dumps(document).encode())
