"""What an operator and a unit exchange before the unit is in the trust list: the first list one way, the request for admission the other.

Invariants: a request proves possession of every signing key in it, by a signature over the key id and the unit's name, so no unit can pass off
another's key as its own; an encryption key cannot sign, so a message key of the unit vouches for it; it carries public keys only. The first list
names the root keys and signs itself: people compare their key ids over another channel (DESIGN section 10).
"""

from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from contracts.dsse import from_envelope
from contracts.errors import ContractsError
from contracts.keys import (
    SigningKey,
    VerifyingKey,
    check_possession,
    check_vouched,
    parse_key_id,
    prove_possession,
    vouch,
)
from contracts.names import Institution, Key, KeyId, Programme, ShortText, Unit, UnitId
from contracts.pae import PayloadType
from contracts.sealing.suites import SealingKey, SuiteId
from contracts.trust_list import Directory, TrustList, read_trust_list

PublicKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]{43}=$")]
"""32 raw bytes in standard base64."""

Signature = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]{86}==$")]
"""64 raw bytes in standard base64."""


class AdmissionError(ContractsError):
    """A request for admission, or the first trust list, does not hold."""


class OfferedKey(BaseModel):
    """A public key and the proof that its private half is at hand."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    key_id: Key
    public_key: PublicKey
    proof: Signature

    @property
    def verifying_key(self) -> VerifyingKey:
        """The key itself. Raises `KeyIdError`, `WeakKeyError`."""
        return VerifyingKey(b64decode(self.public_key), self.key_id)


class OfferedEncryptionKey(BaseModel):
    """A public encryption key, and the unit's word that it is its own."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    key_id: Key
    suite: SuiteId
    public_key: Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9+/]{4}){10,410}([A-Za-z0-9+/]{2,3}={1,2})?$")]
    vouched_by: Key
    """A message key of the unit: of this request, or one that the trust list has."""
    proof: Signature

    @property
    def sealing_key(self) -> SealingKey:
        """The key itself. Raises `EncryptionKeyError`."""
        return SealingKey(b64decode(self.public_key), unit=parse_key_id(self.key_id).unit, suite=self.suite)


class AdmissionRequest(BaseModel):
    """What a unit sends to the operator."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    programme: Programme
    unit: Unit
    institution: Institution
    institution_name: ShortText
    name: ShortText
    keys: Annotated[tuple[OfferedKey, ...], Field(max_length=8)]
    encryption_keys: Annotated[tuple[OfferedEncryptionKey, ...], Field(max_length=8)] = ()

    @model_validator(mode="after")
    def _own_keys(self) -> Self:
        named = [key.key_id for key in self.keys] + [key.key_id for key in self.encryption_keys]
        named += [key.vouched_by for key in self.encryption_keys]
        if not named:
            raise ValueError("a request offers a key at least")
        if any(parse_key_id(name).unit != self.unit for name in named):
            raise ValueError("a key id begins with its owner: offer this unit's own keys only")
        return self


def offer(keys: Iterable[SigningKey], *, unit: UnitId) -> tuple[OfferedKey, ...]:
    """The keys with their proofs."""
    return tuple(
        OfferedKey(
            key_id=key.key_id,
            public_key=b64encode(key.public_bytes).decode(),
            proof=b64encode(prove_possession(key, unit.encode())).decode(),
        )
        for key in keys
    )


def offer_encryption(key: SealingKey, *, unit: UnitId, vouching: SigningKey) -> OfferedEncryptionKey:
    """An encryption key with the unit's word for it."""
    return OfferedEncryptionKey(
        key_id=key.key_id,
        suite=key.suite,
        public_key=b64encode(key.public_bytes).decode(),
        vouched_by=vouching.key_id,
        proof=b64encode(vouch(vouching, key.key_id, unit.encode())).decode(),
    )


def check_offered(offered: OfferedEncryptionKey, *, unit: UnitId, vouching: VerifyingKey) -> SealingKey:
    """The encryption key, if the message key vouches for it. Raises `AdmissionError`, `SignatureError`, `EncryptionKeyError`."""
    key = offered.sealing_key
    if key.key_id != offered.key_id or vouching.key_id != offered.vouched_by:
        raise AdmissionError(f"{offered.key_id} is not the id of this key", advice="Ask the unit for a fresh request.")
    check_vouched(vouching, offered.key_id, unit.encode(), b64decode(offered.proof))
    return key


def read_request(raw: bytes) -> AdmissionRequest:
    """A request from its JSON, with every proof checked but that of a key which an earlier key vouches for: see `check_offered`.

    Raises `AdmissionError`, and `SignatureError` for a proof that does not hold.
    """
    try:
        request = AdmissionRequest.model_validate_json(raw)
    except ValidationError as error:
        raise AdmissionError(_first(error), advice="Ask the unit for a fresh request.") from error
    for key in request.keys:
        check_possession(key.verifying_key, request.unit.encode(), b64decode(key.proof))
    known = {key.key_id: key.verifying_key for key in request.keys}
    for offered in request.encryption_keys:
        if offered.vouched_by in known:
            check_offered(offered, unit=request.unit, vouching=known[offered.vouched_by])
    return request


def read_first_list(envelope: bytes) -> tuple[Directory, Mapping[KeyId, VerifyingKey]]:
    """The first trust list and the root keys that it names, judged at its own date. Raises `AdmissionError`."""
    try:
        signed, payload_type = from_envelope(envelope)
        listed = TrustList.model_validate_json(signed.payload)
        roots = {entry.key_id: entry.verifying_key() for entry in listed.root_keys}
        directory = read_trust_list(signed, before=None, roots=roots, at=listed.issued_at)
    except (ValidationError, ContractsError) as error:
        problem = _first(error) if isinstance(error, ValidationError) else error.problem
        raise AdmissionError(problem, advice="Ask the operator for the first trust list again.") from error
    if payload_type is not PayloadType.TRUST_LIST or listed.version != 1:
        raise AdmissionError("not the first trust list", advice="Ask the operator for version 1: it names the roots.")
    return directory, roots


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
