"""DSSE: how signed bytes lie at rest and in exports, so that standard tools open them.

Invariants: an envelope is strict JSON with exactly `payload`, `payloadType` and one element in `signatures` (DSSE
v1.0.2, envelope); base64 is the standard alphabet with padding, in its one canonical form; reading an envelope
verifies nothing and changes no byte of the payload.

A batch-signed payload has one more member in its signature object, which DSSE allows and other tools ignore:
`"batch": {"size": 256, "index": 17, "proof": ["<base64 of a 32-byte hash>", …]}`. There `sig` is over
`pae("application/vnd.spojka.batch", u64be size ‖ root)`, with the root that the proof gives for the payload (RFC 9162
§2.1.3.2).
"""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import Final

from contracts.errors import ContractsError
from contracts.keys import SIGNATURE_LENGTH, KeyIdError, parse_key_id
from contracts.merkle import HASH_LENGTH
from contracts.names import KeyId
from contracts.pae import PayloadType, pae
from contracts.signed_bytes import MAX_BATCH, BatchProof, SignedBytes
from contracts.strict_json import StrictJsonError, canonical, parse

__all__ = ["DsseError", "PayloadType", "decode_base64", "from_document", "from_envelope", "pae", "to_envelope"]

_ENVELOPE: Final = frozenset({"payload", "payloadType", "signatures"})
_SIGNATURE: Final = frozenset({"keyid", "sig"})
_BATCH: Final = frozenset({"size", "index", "proof"})
_ADVICE: Final = "write it as contracts/dsse.py describes; the payload is not to blame"


class DsseError(ContractsError):
    """Bytes are not one of our DSSE envelopes."""

    def __init__(self, problem: str, advice: str = _ADVICE) -> None:
        super().__init__(problem, advice=advice)


def to_envelope(signed: SignedBytes, payload_type: PayloadType) -> bytes:
    """The envelope of signed bytes, as compact JSON."""
    signature: dict[str, object] = {"keyid": signed.key_id, "sig": _encode(signed.signature)}
    if signed.proof is not None:
        path = [_encode(each) for each in signed.proof.path]
        signature["batch"] = {"size": signed.proof.size, "index": signed.proof.index, "proof": path}
    payload = _encode(signed.payload)
    return canonical({"payload": payload, "payloadType": payload_type.value, "signatures": [signature]})


def from_envelope(envelope: bytes) -> tuple[SignedBytes, PayloadType]:
    """Open an envelope without verifying it; the type is what its writer claims. Raises `DsseError`."""
    try:
        document = parse(envelope)
    except StrictJsonError as error:
        raise DsseError(error.problem, error.advice) from error
    return from_document(document)


def from_document(document: object) -> tuple[SignedBytes, PayloadType]:
    """As `from_envelope`, where the envelope is part of strict JSON that was parsed already. Raises `DsseError`."""
    members = _members(document, _ENVELOPE, "envelope")
    signatures = members["signatures"]
    if not isinstance(signatures, list) or len(signatures) != 1:
        raise DsseError("envelope without exactly one signature")
    payload_type = _payload_type(members["payloadType"])
    return _signed(_bytes(members["payload"], "payload"), signatures[0]), payload_type


def decode_base64(text: str | bytes) -> bytes:
    """Standard base64 with padding (RFC 4648 §4), in the one form that encoding gives. Raises `ValueError`."""
    try:
        decoded = b64decode(text, validate=True)
    except Base64Error as error:
        raise ValueError("not standard base64") from error
    if b64encode(decoded) != (text.encode() if isinstance(text, str) else text):
        raise ValueError("base64 in another than its canonical form")
    return decoded


def _signed(payload: bytes, element: object) -> SignedBytes:
    batch = element.get("batch") if isinstance(element, dict) else None
    signature = _members(element, _SIGNATURE if batch is None else _SIGNATURE | {"batch"}, "signature")
    return SignedBytes(
        payload,
        _key_id(signature["keyid"]),
        _bytes(signature["sig"], "sig", length=SIGNATURE_LENGTH),
        None if batch is None else _proof(batch),
    )


def _proof(value: object) -> BatchProof:
    batch = _members(value, _BATCH, "batch")
    size, index, path = batch["size"], batch["index"], batch["proof"]
    if type(size) is not int or type(index) is not int or not isinstance(path, list):  # True is an int to isinstance
        raise DsseError("batch members of another type")
    if not 0 <= index < size <= MAX_BATCH:
        raise DsseError(f"batch index or size outside 1 to {MAX_BATCH}")
    return BatchProof(size, index, tuple(_bytes(each, "proof", length=HASH_LENGTH) for each in path))


def _members(value: object, names: frozenset[str], where: str) -> dict[str, object]:
    if not isinstance(value, dict) or value.keys() != names:
        raise DsseError(f"{where} has other members than {', '.join(sorted(names))}")
    return value


def _payload_type(value: object) -> PayloadType:
    try:
        payload_type = PayloadType(value if isinstance(value, str) else "")
    except ValueError:
        raise DsseError("unknown payload type") from None
    if payload_type is PayloadType.BATCH:
        raise DsseError("a batch is a way of signing, not a payload")
    return payload_type


def _key_id(value: object) -> KeyId:
    try:
        parse_key_id(value if isinstance(value, str) else "")
    except KeyIdError as error:
        raise DsseError(error.problem, error.advice) from error
    return KeyId(str(value))


def _bytes(value: object, where: str, *, length: int | None = None) -> bytes:
    try:
        decoded = decode_base64(value if isinstance(value, str) else "=")
    except ValueError as error:
        raise DsseError(f"{where} is {error}") from error
    if length is not None and len(decoded) != length:
        raise DsseError(f"{where} has {len(decoded)} bytes, not {length}")
    return decoded


def _encode(value: bytes) -> str:
    return b64encode(value).decode()
