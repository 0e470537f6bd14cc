"""The key service's own keys, on their way into the trust list: for its releases, for what it says in the log, and to which units deposit.

Invariants: public halves only; a signing key proves possession, and the key for messages vouches for those that cannot sign; each deposit key is used
for 30 days, and taken for as long again from units that were offline, so that its private half can be destroyed on a day that is known beforehand.
"""

from base64 import b64decode
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contracts.admission import OfferedEncryptionKey, OfferedKey, check_offered, offer, offer_encryption
from contracts.civil_time import Instant
from contracts.errors import ContractsError
from contracts.keys import KeyUse, SigningKey, VerifyingKey, check_possession
from contracts.names import HUB, KeyId, Programme, ProgrammeId
from contracts.sealing.suites import SealingKey
from contracts.trust_list import Directory, KeyEntry, TrustList
from hub.application.admission import KEY_VALID, AdmissionError, next_list

USED_FOR: Final = timedelta(days=30)
"""How long units seal to one deposit key."""
TAKEN_FOR: Final = 2 * USED_FOR
"""How long the hub takes what is sealed to it."""
_USES: Final = frozenset({KeyUse.RELEASES, KeyUse.MESSAGES})


class OfferedDepositKey(BaseModel):
    """A key to which units deposit, from a day on."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    key: OfferedEncryptionKey
    valid_from: Instant


class KeyServiceRequest(BaseModel):
    """What `spojka-keys` gives to the operator of the trust list."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    programme: Programme
    signing: Annotated[tuple[OfferedKey, ...], Field(max_length=8)] = ()
    deposits: Annotated[tuple[OfferedDepositKey, ...], Field(max_length=64)] = ()


def request_of(
    programme: ProgrammeId,
    *,
    signing: Iterable[SigningKey],
    deposits: Iterable[tuple[SealingKey, datetime]],
    vouching: SigningKey,
) -> KeyServiceRequest:
    """The public halves with their proofs."""
    offered = [
        OfferedDepositKey(key=offer_encryption(key, unit=HUB, vouching=vouching), valid_from=valid_from)
        for key, valid_from in deposits
    ]
    return KeyServiceRequest(programme=programme, signing=offer(signing, unit=HUB), deposits=tuple(offered))


def read_request(raw: bytes) -> KeyServiceRequest:
    """From its JSON. Raises `AdmissionError`."""
    try:
        return KeyServiceRequest.model_validate_json(raw)
    except ValidationError as error:
        raise AdmissionError(
            "These are no keys of a key service.", advice="Give the file that `spojka-keys` wrote."
        ) from error


def with_key_service(directory: Directory, request: KeyServiceRequest, *, at: datetime) -> TrustList:
    """Admit the keys that the list does not have. Raises `AdmissionError`."""
    listed = directory.listed
    if request.programme != listed.programme:
        raise AdmissionError(
            f"These are keys for programme {request.programme}.", advice="Give them to that programme's operator."
        )
    known = {entry.key_id for entry in listed.all_keys()}
    proven = {one.key_id: _proven(one) for one in request.signing}
    fresh = [
        KeyEntry.of(key, valid_from=at, valid_until=at + KEY_VALID) for name, key in proven.items() if name not in known
    ]
    fresh += [_deposit_entry(directory, one, proven) for one in request.deposits if one.key.key_id not in known]
    if not fresh:
        raise AdmissionError(
            "The list has these keys already.", advice="Make new ones: `spojka-keys rotate-deposit-key`."
        )
    return next_list(directory, at, hub_keys=(*listed.hub_keys, *fresh))


def starts(after: datetime | None, *, count: int, at: datetime) -> Sequence[datetime]:
    """From when on each of the next deposit keys is used: one every 30 days, behind the last one that was made."""
    first = at if after is None else max(at, after + USED_FOR)
    return [first + number * USED_FOR for number in range(count)]


def _proven(offered: OfferedKey) -> VerifyingKey:
    try:
        key = offered.verifying_key
        check_possession(key, HUB.encode(), b64decode(offered.proof))
    except ContractsError as error:
        raise _not_proven(offered.key_id, error) from error
    if key.use not in _USES:
        raise AdmissionError(f"{key.key_id} is no key of a key service.", advice="Give the file that it wrote.")
    return key


def _deposit_entry(directory: Directory, offered: OfferedDepositKey, proven: dict[KeyId, VerifyingKey]) -> KeyEntry:
    listed = directory.key(offered.key.vouched_by)
    voucher = proven.get(offered.key.vouched_by, None if listed is None else listed[1])
    if voucher is None:
        raise AdmissionError(
            f"Nobody whom this list knows vouches for {offered.key.key_id}.", advice="Give the first file too."
        )
    try:
        key = check_offered(offered.key, unit=HUB, vouching=voucher)
    except ContractsError as error:
        raise _not_proven(offered.key.key_id, error) from error
    until = offered.valid_from + TAKEN_FOR
    return KeyEntry.of_encryption(key, valid_from=offered.valid_from, valid_until=until)


def _not_proven(name: KeyId, error: ContractsError) -> AdmissionError:
    return AdmissionError(f"Key {name} is not proven: {error.problem}.", advice="Have `spojka-keys` write it again.")
