"""Admission: the next version of the trust list, with an institution, a unit, a key or a mandate more, or a key less (DESIGN section 10).

Invariants: every function returns a whole list, one version higher, naming the digest of the one before; a unit comes in only with proof that it
holds its keys; nothing is published here.
"""

from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from contracts.admission import AdmissionRequest, OfferedEncryptionKey, OfferedKey, check_offered
from contracts.errors import ContractsError
from contracts.keys import SigningKey, VerifyingKey, check_possession
from contracts.names import KeyId, ProgrammeId, UnitId
from contracts.sealing.suites import SealingKey
from contracts.trust_list import (
    Directory,
    InstitutionEntry,
    KeyEntry,
    MandateEntry,
    Revocation,
    TrustList,
    UnitEntry,
)
from hub.application.ports import HubError

LIST_VALID: Final = timedelta(days=400)
KEY_VALID: Final = timedelta(days=800)


class AdmissionError(HubError):
    """The request cannot be admitted as it is."""


def first_list(  # noqa: PLR0913 - what a programme is, by keyword
    programme: ProgrammeId,
    *,
    at: datetime,
    time_zone: str,
    partitions: int,
    shards: int,
    trial: bool,
    root: SigningKey,
    hub_keys: Sequence[SigningKey],
) -> TrustList:
    """Version 1: root and hub keys, nobody else yet."""
    return TrustList(
        programme=programme,
        version=1,
        issued_at=at,
        expires_at=at + LIST_VALID,
        trial=trial,
        time_zone=time_zone,
        partitions=partitions,
        shards=shards,
        root_keys=(_entry(root.verifying_key, at),),
        hub_keys=tuple(_entry(key.verifying_key, at) for key in hub_keys),
    )


def with_unit(  # noqa: PLR0913 - what the operator decides about a unit, by keyword
    directory: Directory,
    request: AdmissionRequest,
    *,
    at: datetime,
    roles: Sequence[str] = (),
    bound_by_secrecy: bool = False,
    can_sanction: bool = False,
    mandates: Sequence[MandateEntry] = (),
) -> TrustList:
    """Admit a unit, and its institution if that is new. Raises `AdmissionError`."""
    listed = directory.listed
    if request.programme != listed.programme:
        raise AdmissionError(
            f"The request is for programme {request.programme}.", advice="Send it to that programme's operator."
        )
    keys = _admitted(directory, request, at)
    institutions = listed.institutions
    if request.institution not in {one.institution for one in institutions}:
        institutions += (InstitutionEntry(institution=request.institution, name=request.institution_name),)
    entry = UnitEntry(
        unit=request.unit,
        institution=request.institution,
        name=request.name,
        roles=tuple(roles),
        bound_by_secrecy=bound_by_secrecy,
        can_sanction=can_sanction,
        keys=keys,
        mandates=tuple(mandates),
    )
    if request.unit in directory.units:
        raise AdmissionError(
            f"Unit {request.unit} is admitted already.",
            advice="Give it a new key with `spojka-hub trust-list add-key` instead.",
        )
    return next_list(directory, at, institutions=institutions, units=(*listed.units, entry))


def with_keys(directory: Directory, request: AdmissionRequest, *, at: datetime) -> TrustList:
    """Add the keys of a request to an admitted unit: rotation with overlap. Raises `AdmissionError`."""
    if request.programme != directory.listed.programme:
        raise AdmissionError(
            f"The request is for programme {request.programme}.", advice="Send it to that programme's operator."
        )
    added = _admitted(directory, request, at)
    if not added:
        raise AdmissionError("The list has this key already.", advice="Ask the unit for `spojka-adapter new-key`.")
    return _changed(directory, request.unit, at, lambda entry: entry.model_copy(update={"keys": entry.keys + added}))


def without_key(
    directory: Directory, key_id: KeyId, *, at: datetime, compromised_since: datetime | None = None
) -> TrustList:
    """Revoke a key of a unit from `at` on. Raises `AdmissionError`."""
    unit = UnitId(key_id.split("/", 1)[0])
    owned = directory.units[unit].keys if unit in directory.units else ()
    if key_id not in {one.key_id for one in owned}:
        raise AdmissionError(
            f"There is no key {key_id} of a unit.", advice="List the keys with `spojka-hub trust-list show`."
        )
    revoked = Revocation(at=at, compromised_since=compromised_since)

    def change(entry: UnitEntry) -> UnitEntry:
        keys = tuple(one.model_copy(update={"revoked": revoked}) if one.key_id == key_id else one for one in entry.keys)
        return entry.model_copy(update={"keys": keys})

    return _changed(directory, unit, at, change)


def without_unit(directory: Directory, unit: UnitId, *, at: datetime) -> TrustList:
    """End a unit's admission at `at`. Raises `AdmissionError`."""
    return _changed(directory, unit, at, lambda entry: entry.model_copy(update={"admitted_until": at}))


def _changed(directory: Directory, unit: UnitId, at: datetime, change: Callable[[UnitEntry], UnitEntry]) -> TrustList:
    if unit not in directory.units:
        raise AdmissionError(f"There is no unit {unit}.", advice="List the units with `spojka-hub trust-list show`.")
    units = tuple(change(entry) if entry.unit == unit else entry for entry in directory.listed.units)
    return next_list(directory, at, units=units)


def next_list(directory: Directory, at: datetime, **changes: object) -> TrustList:
    """The list one version on, with these changes."""
    listed = directory.listed
    document = listed.model_dump() | {
        "version": listed.version + 1,
        "previous": directory.digest.hex(),
        "issued_at": at,
        "expires_at": at + LIST_VALID,
        **changes,
    }
    return TrustList.model_validate(document)


def _admitted(directory: Directory, request: AdmissionRequest, at: datetime) -> tuple[KeyEntry, ...]:
    """The entries of those keys of a request that the list does not have, each with its proof checked."""
    known = {one.key_id for one in directory.listed.all_keys()}
    proven = {one.key_id: _proven(request.unit, one) for one in request.keys}
    signing = [_entry(key, at) for key_id, key in proven.items() if key_id not in known]
    sealing = [
        _vouched(directory, request.unit, one, proven, at) for one in request.encryption_keys if one.key_id not in known
    ]
    until = at + KEY_VALID
    return (*signing, *(KeyEntry.of_encryption(key, valid_from=at, valid_until=until) for key in sealing))


def _vouched(
    directory: Directory,
    unit: UnitId,
    offered: OfferedEncryptionKey,
    proven: Mapping[KeyId, VerifyingKey],
    at: datetime,
) -> SealingKey:
    """An encryption key for which a message key of the unit vouches that speaks for it, or is admitted with it."""
    listed = directory.key(offered.vouched_by)
    speaks = None if listed is None or not listed[0].valid(at) else listed[1]
    voucher = proven.get(offered.vouched_by, speaks)
    if voucher is None:
        problem = f"Nobody whom this list knows vouches for {offered.key_id}."
        raise AdmissionError(problem, advice="Ask the unit for a new request, made with a key that is admitted.")
    try:
        return check_offered(offered, unit=unit, vouching=voucher)
    except ContractsError as error:
        problem = f"Key {offered.key_id} of {unit} is not proven: {error.problem}."
        raise AdmissionError(problem, advice="Ask the unit for a new request.") from error


def _proven(unit: UnitId, offered: OfferedKey) -> VerifyingKey:
    try:
        key = offered.verifying_key
        check_possession(key, unit.encode(), b64decode(offered.proof))
    except ContractsError as error:
        problem = f"Key {offered.key_id} of {unit} is not proven: {error.problem}."
        raise AdmissionError(problem, advice="Ask the unit for a new request.") from error
    return key


def _entry(key: VerifyingKey, at: datetime) -> KeyEntry:
    return KeyEntry.of(key, valid_from=at, valid_until=at + KEY_VALID)
