"""What an operator and a unit exchange before the unit is in the trust list: the root keys one way, the request for admission the other.

Invariants: a request proves possession of every key in it, by a signature over the operator's challenge and the key id, so no unit can pass off
another's key as its own; it carries public keys only. Root keys are compared by people, over another channel, by their key ids (DESIGN section 10).
"""

from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from contracts.errors import ContractsError
from contracts.keys import SigningKey, VerifyingKey, check_possession, parse_key_id, prove_possession
from contracts.names import Institution, Key, KeyId, Programme, ProgrammeId, ShortText, Unit

PublicKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]{43}=$")]
"""32 raw bytes in standard base64."""

Signature = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]{86}==$")]
"""64 raw bytes in standard base64."""


class AdmissionError(ContractsError):
    """A request for admission, or a file of root keys, does not hold."""


class _Closed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class OfferedKey(_Closed):
    """A public key and the proof that its private half is at hand."""

    key_id: Key
    public_key: PublicKey
    proof: Signature

    @property
    def verifying_key(self) -> VerifyingKey:
        """The key itself. Raises `KeyIdError`, `WeakKeyError`."""
        return VerifyingKey(b64decode(self.public_key), self.key_id)


class AdmissionRequest(_Closed):
    """What a unit sends to the operator."""

    programme: Programme
    unit: Unit
    institution: Institution
    institution_name: ShortText
    name: ShortText
    challenge: Annotated[str, Field(min_length=16, max_length=200)]
    """What the operator drew at random for this admission."""
    keys: Annotated[tuple[OfferedKey, ...], Field(min_length=1, max_length=8)]

    @model_validator(mode="after")
    def _own_keys(self) -> Self:
        if any(parse_key_id(key.key_id).unit != self.unit for key in self.keys):
            raise ValueError("a key id begins with its owner: offer this unit's own keys only")
        return self


def offer(keys: Iterable[SigningKey], *, challenge: str) -> tuple[OfferedKey, ...]:
    """The keys with their proofs."""
    return tuple(
        OfferedKey(
            key_id=key.key_id,
            public_key=b64encode(key.public_bytes).decode(),
            proof=b64encode(prove_possession(key, challenge.encode())).decode(),
        )
        for key in keys
    )


def check_request(raw: bytes, *, challenge: str) -> AdmissionRequest:
    """A request from its JSON, with every proof checked against the challenge. Raises `AdmissionError`, `SignatureError` and what keys raise."""
    try:
        request = AdmissionRequest.model_validate_json(raw)
    except ValidationError as error:
        raise AdmissionError(_first(error), advice="Ask the unit for a fresh request.") from error
    if request.challenge != challenge:
        raise AdmissionError(
            "the request answers another challenge", advice="Send the unit this admission's challenge."
        )
    for key in request.keys:
        check_possession(key.verifying_key, challenge.encode(), b64decode(key.proof))
    return request


class RootKey(_Closed):
    """One public root key."""

    key_id: Key
    public_key: PublicKey


class RootKeys(_Closed):
    """The file that the operator gives to every unit at enrolment."""

    programme: Programme
    root_keys: Annotated[tuple[RootKey, ...], Field(min_length=1)]

    @classmethod
    def of(cls, programme: ProgrammeId, keys: Iterable[VerifyingKey]) -> Self:
        """The file for these keys."""
        listed = (RootKey(key_id=k.key_id, public_key=b64encode(k.public_bytes).decode()) for k in keys)
        return cls(programme=programme, root_keys=tuple(listed))

    def verifying_keys(self) -> Mapping[KeyId, VerifyingKey]:
        """The keys, as the trust list is verified with. Raises `KeyIdError`, `WeakKeyError`."""
        return {one.key_id: VerifyingKey(b64decode(one.public_key), one.key_id) for one in self.root_keys}


def read_root_keys(raw: bytes) -> RootKeys:
    """The file from its bytes, keys checked. Raises `AdmissionError`."""
    try:
        found = RootKeys.model_validate_json(raw)
        found.verifying_keys()
    except (ValidationError, ContractsError) as error:
        problem = _first(error) if isinstance(error, ValidationError) else error.problem
        raise AdmissionError(problem, advice="Ask the operator for the file of root keys again.") from error
    return found


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
