"""A unit is admitted with keys that it holds, and with no other's."""

import json
from base64 import b64encode

import pytest

from contracts.admission import AdmissionError, AdmissionRequest, RootKeys, check_request, offer, read_root_keys
from contracts.keys import KeyUse, SignatureError, SigningKey
from contracts.names import HUB, InstitutionId, ProgrammeId, UnitId

OP = UnitId("op")
KEY = SigningKey(b"\x05" * 32, unit=OP, use=KeyUse.MESSAGES)
CHALLENGE = "drawn at random, once"


def request_of(key: SigningKey = KEY, *, unit: UnitId = OP, challenge: str = CHALLENGE) -> bytes:
    return (
        AdmissionRequest(
            programme=ProgrammeId("decin"),
            unit=unit,
            institution=InstitutionId("ngo"),
            institution_name="An NGO",
            name="Advice office",
            challenge=challenge,
            keys=offer([key], challenge=challenge),
        )
        .model_dump_json()
        .encode()
    )


def test_a_request_of_a_unit_that_holds_its_key_is_good() -> None:
    assert check_request(request_of(), challenge=CHALLENGE).keys[0].verifying_key == KEY.verifying_key


def test_a_copied_proof_does_not_answer_another_challenge() -> None:
    with pytest.raises(AdmissionError):
        check_request(request_of(), challenge="another challenge")
    forged = request_of().replace(CHALLENGE.encode(), b"another one, but the proof is old")
    with pytest.raises(SignatureError):
        check_request(forged, challenge="another one, but the proof is old")


def test_another_units_public_key_cannot_be_passed_off_as_ones_own() -> None:
    document = json.loads(request_of())
    document["keys"][0]["proof"] = b64encode(bytes(64)).decode()
    with pytest.raises(SignatureError):
        check_request(json.dumps(document).encode(), challenge=CHALLENGE)
    document["unit"] = "up"
    with pytest.raises(AdmissionError, match="own keys only"):
        check_request(json.dumps(document).encode(), challenge=CHALLENGE)


def test_root_keys_are_read_as_written_and_a_wrong_name_is_refused() -> None:
    root = SigningKey(b"\x06" * 32, unit=HUB, use=KeyUse.DIRECTORY)
    written = RootKeys.of(ProgrammeId("decin"), [root.verifying_key]).model_dump_json().encode()
    assert read_root_keys(written).verifying_keys() == {root.key_id: root.verifying_key}
    with pytest.raises(AdmissionError):
        read_root_keys(written.replace(root.key_id[-4:].encode(), b"0000"))
