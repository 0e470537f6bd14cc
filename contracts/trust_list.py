"""The trust list: the operator's signed, versioned list of institutions, units, keys, roles and mandates (DESIGN section 10).

Invariants: versions rise by one and each names the digest of the one before; a list is signed by a root key of the list before it (the first by
a root key of its own, which every adapter is given at enrolment); no public key stands in it twice; validity is judged at the accepting log
position's time, never by a message's `time`.
"""

from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from contracts import strict_json
from contracts.categories import Category, Purpose
from contracts.civil_time import Instant
from contracts.dsse import from_envelope
from contracts.errors import ContractsError
from contracts.gate import Mandate, Party
from contracts.keys import (
    KeyIdError,
    KeyUse,
    SignatureError,
    SigningKey,
    VerifyingKey,
    WeakKeyError,
    parse_key_id,
)
from contracts.names import HUB, Code, Institution, Key, KeyId, Programme, Sha256Hex, ShortText, Slug, Unit, UnitId
from contracts.pae import PayloadType
from contracts.sealing.suites import EncryptionKeyError, SealingKey, SuiteId
from contracts.signed_bytes import SignedBytes, sign_one, verify


class TrustListError(ContractsError):
    """The list cannot be trusted: keep the one before and ask the operator."""


class _Closed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Revocation(_Closed):
    """From the version that carries it on, the key speaks for nobody; what it signed since `compromised_since` is flagged."""

    at: Instant
    compromised_since: Instant | None = None


class KeyEntry(_Closed):
    """One public key for one use."""

    key_id: Key
    public_key: Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9+/]{4}){10,410}([A-Za-z0-9+/]{2,3}={1,2})?$")]
    """Raw bytes in standard base64: 32 of Ed25519; of an encryption key as many as its suite says."""
    suite: SuiteId | None = None
    """Of an encryption key: how to seal to it. Nobody seals to it otherwise."""
    valid_from: Instant
    valid_until: Instant
    revoked: Revocation | None = None

    @classmethod
    def of(cls, key: VerifyingKey, *, valid_from: datetime, valid_until: datetime) -> Self:
        """The entry of a key, as admission writes it."""
        return cls(
            key_id=key.key_id,
            public_key=b64encode(key.public_bytes).decode(),
            valid_from=valid_from,
            valid_until=valid_until,
        )

    @classmethod
    def of_encryption(cls, key: SealingKey, *, valid_from: datetime, valid_until: datetime) -> Self:
        """The entry of an encryption key."""
        return cls(
            key_id=key.key_id,
            public_key=b64encode(key.public_bytes).decode(),
            suite=key.suite,
            valid_from=valid_from,
            valid_until=valid_until,
        )

    @property
    def use(self) -> KeyUse:
        """What the key is for, as its id says."""
        return parse_key_id(self.key_id).use

    def sealing_key(self) -> SealingKey:
        """The encryption key itself. Raises `EncryptionKeyError`, `KeyIdError`."""
        if self.suite is None:
            raise KeyIdError(f"{self.key_id} names no suite", advice="State how to seal to it.")
        key = SealingKey(b64decode(self.public_key), unit=parse_key_id(self.key_id).unit, suite=self.suite)
        if key.key_id != self.key_id:
            raise KeyIdError(f"{self.key_id} is not the id of this key", advice="Take key and id from the same entry.")
        return key

    def verifying_key(self) -> VerifyingKey:
        """The key itself. Raises `WeakKeyError`, `KeyIdError`."""
        return VerifyingKey(b64decode(self.public_key), self.key_id)

    def valid(self, at: datetime) -> bool:
        """True where it speaks for its unit at `at`."""
        return self.valid_from <= at < self.valid_until and (self.revoked is None or at < self.revoked.at)


class MandateEntry(_Closed):
    """What the law lets the unit register grounds for."""

    statute: Code
    bases: tuple[Code, ...]
    purposes: tuple[Purpose, ...]
    categories: tuple[Category, ...]
    sources: tuple[Unit, ...] = ()
    lifts_secrecy: bool = False


class UnitEntry(_Closed):
    """One unit of an institution."""

    unit: Unit
    institution: Institution
    name: ShortText
    roles: tuple[Slug, ...] = ()
    bound_by_secrecy: bool = False
    can_sanction: bool = False
    keys: tuple[KeyEntry, ...]
    mandates: tuple[MandateEntry, ...] = ()
    admitted_until: Instant | None = None


class InstitutionEntry(_Closed):
    """A legal body that takes part; the controller in GDPR's sense."""

    institution: Institution
    name: ShortText


class TrustList(_Closed):
    """One version of the list."""

    programme: Programme
    version: Annotated[int, Field(ge=1)]
    previous: Sha256Hex | None = None
    issued_at: Instant
    expires_at: Instant
    trial: bool = False
    """Content in clear is accepted."""
    time_zone: Annotated[str, Field(min_length=1, max_length=60)]
    """Civil dates end in this zone (`Europe/Prague`)."""
    partitions: Annotated[int, Field(ge=1, le=1024)]
    """Of `hub.inbox`, fixed at creation."""
    shards: Annotated[int, Field(ge=1, le=64)] = 1
    root_keys: Annotated[tuple[KeyEntry, ...], Field(min_length=1)]
    hub_keys: tuple[KeyEntry, ...]
    institutions: tuple[InstitutionEntry, ...] = ()
    units: tuple[UnitEntry, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.version == 1) != (self.previous is None):
            raise ValueError("version 1 has no previous list, every other names its digest")
        known = {one.institution for one in self.institutions}
        names = [one.unit for one in self.units]
        if len(set(names)) < len(names) or HUB in names:
            raise ValueError(f"every unit stands in the list once, and none is called {HUB!r}")
        if any(one.institution not in known for one in self.units):
            raise ValueError("a unit names an institution that is not in the list: add the institution first")
        publics = [key.public_key for key in self.all_keys()]
        if len(set(publics)) < len(publics):
            raise ValueError("a public key stands in the list twice: one key per use and unit")
        _check_owners(self)
        return self

    def all_keys(self) -> Iterable[KeyEntry]:
        """Every key of the list."""
        yield from self.root_keys
        yield from self.hub_keys
        for unit in self.units:
            yield from unit.keys


def _check_owners(listed: TrustList) -> None:
    owners = [(HUB, key) for key in (*listed.root_keys, *listed.hub_keys)]
    owners += [(unit.unit, key) for unit in listed.units for key in unit.keys]
    for owner, entry in owners:
        if not entry.key_id.startswith(f"{owner}/"):
            raise ValueError(f"key {entry.key_id} stands under {owner}: a key id begins with its owner")
        try:
            _check_key(entry)
        except (WeakKeyError, KeyIdError, EncryptionKeyError) as error:
            raise ValueError(str(error)) from error


def _check_key(entry: KeyEntry) -> None:
    if entry.use is KeyUse.ENCRYPTION:
        entry.sealing_key()
    elif entry.suite is not None:
        raise KeyIdError(f"{entry.key_id} signs and has no suite", advice="Name a suite for encryption keys alone.")
    else:
        entry.verifying_key()


def sign_trust_list(listed: TrustList, root: SigningKey) -> SignedBytes:
    """The signed list, ready for `hub.directory`."""
    return sign_one(
        strict_json.canonical(listed.model_dump(mode="json", exclude_none=True)), root, PayloadType.TRUST_LIST
    )


def read_trust_list(
    signed: SignedBytes, *, before: "Directory | None", roots: Mapping[KeyId, VerifyingKey], at: datetime
) -> "Directory":
    """Check a list against the one before it and return it as a directory. Raises `TrustListError`.

    `roots` are the root keys known from enrolment, used when there is no list before.
    """
    trusted = before.root_keys(at) if before is not None else roots
    key = trusted.get(signed.key_id)
    if key is None:
        raise TrustListError(
            f"signed by {signed.key_id}, which is no root key known here",
            advice="Check the root key with the operator.",
        )
    try:
        verify(signed, key, PayloadType.TRUST_LIST)
        strict_json.parse(signed.payload)
        listed = TrustList.model_validate_json(signed.payload)
    except (SignatureError, strict_json.StrictJsonError, ValidationError) as error:
        raise TrustListError(
            f"the list does not hold: {error}", advice="Keep the list before and ask the operator."
        ) from error
    directory = Directory(listed, signed.digest)
    _check_succession(directory, before, at)
    return directory


def read_envelope(
    envelope: bytes, *, before: "Directory | None", roots: Mapping[KeyId, VerifyingKey], at: datetime
) -> "Directory":
    """`read_trust_list` from a DSSE envelope."""
    signed, payload_type = from_envelope(envelope)
    if payload_type != PayloadType.TRUST_LIST:
        raise TrustListError(f"a {payload_type} is no trust list", advice="Take the record from hub.directory.")
    return read_trust_list(signed, before=before, roots=roots, at=at)


def _check_succession(new: "Directory", before: "Directory | None", at: datetime) -> None:
    listed = new.listed
    if at >= listed.expires_at:
        raise TrustListError(
            f"version {listed.version} expired at {listed.expires_at}", advice="The operator must publish a fresh list."
        )
    if before is None:
        return
    old = before.listed
    if listed.programme != old.programme:
        raise TrustListError(f"a list of programme {listed.programme}", advice="Check which hub this is.")
    if listed.version != old.version + 1 or listed.previous != before.digest.hex():
        raise TrustListError(
            f"version {listed.version} does not follow version {old.version}",
            advice="Read the versions in order, from the directory topic.",
        )
    if listed.partitions != old.partitions:
        raise TrustListError("the partition count is fixed at creation", advice="Publish the list with the old count.")


@dataclass(frozen=True)
class Directory:
    """A trust list with its look-ups. Not a pydantic model: it lives long and is asked often."""

    listed: TrustList
    digest: bytes

    @property
    def version(self) -> int:
        """Version of the list."""
        return self.listed.version

    @cached_property
    def units(self) -> Mapping[UnitId, UnitEntry]:
        """Units by name."""
        return {unit.unit: unit for unit in self.listed.units}

    @cached_property
    def zone(self) -> ZoneInfo:
        """The zone in which civil dates end."""
        return ZoneInfo(self.listed.time_zone)

    @cached_property
    def _keys(self) -> Mapping[KeyId, tuple[KeyEntry, VerifyingKey]]:
        return {
            entry.key_id: (entry, entry.verifying_key())
            for entry in self.listed.all_keys()
            if entry.use is not KeyUse.ENCRYPTION
        }

    def key(self, key_id: KeyId) -> tuple[KeyEntry, VerifyingKey] | None:
        """A key with its entry, valid or not; None where the list does not know it."""
        return self._keys.get(key_id)

    @cached_property
    def _sealing_keys(self) -> Mapping[UnitId, tuple[tuple[KeyEntry, SealingKey], ...]]:
        owned = [(HUB, self.listed.hub_keys), *((unit.unit, unit.keys) for unit in self.listed.units)]
        return {
            owner: tuple(
                (entry, entry.sealing_key())
                for entry in sorted(entries, key=lambda one: one.valid_from, reverse=True)
                if entry.use is KeyUse.ENCRYPTION
            )
            for owner, entries in owned
        }

    def sealing_keys(self, unit: UnitId) -> tuple[tuple[KeyEntry, SealingKey], ...]:
        """Every encryption key of a unit (or of the hub's key service), valid or not, the newest first."""
        return self._sealing_keys.get(unit, ())

    def sealing_key(self, unit: UnitId, at: datetime) -> SealingKey | None:
        """To which key of a unit (or of the hub's key service) one seals at `at`: the newest that is valid; None where there is none."""
        return next((key for entry, key in self._sealing_keys.get(unit, ()) if entry.valid(at)), None)

    def root_keys(self, at: datetime) -> Mapping[KeyId, VerifyingKey]:
        """Root keys valid at `at`."""
        return {entry.key_id: entry.verifying_key() for entry in self.listed.root_keys if entry.valid(at)}

    @cached_property
    def parties(self) -> Mapping[UnitId, Party]:
        """What the gate needs of every unit, leaving out until when it is admitted."""
        return {
            unit.unit: Party(
                unit=unit.unit,
                roles=frozenset(unit.roles),
                bound_by_secrecy=unit.bound_by_secrecy,
                can_sanction=unit.can_sanction,
            )
            for unit in self.listed.units
        }

    @cached_property
    def by_role(self) -> Mapping[str, frozenset[UnitId]]:
        """Units of each class."""
        roles = {role for unit in self.listed.units for role in unit.roles}
        return {role: frozenset(unit.unit for unit in self.listed.units if role in unit.roles) for role in roles}

    def party(self, unit: UnitId, at: datetime) -> Party:
        """A unit for the gate; one that the list does not know, or no longer admits, is given nothing."""
        known = self.parties.get(unit)
        if known is None:
            return Party(unit=unit, admitted=False)
        until = self.units[unit].admitted_until
        return known if until is None or at < until else Party(unit=unit, admitted=False)

    @cached_property
    def mandates(self) -> tuple[Mandate, ...]:
        """All mandates of the list."""
        return tuple(
            Mandate(
                unit=unit.unit,
                bases=frozenset(one.bases),
                purposes=frozenset(one.purposes),
                categories=frozenset(one.categories),
                sources=frozenset(one.sources),
                lifts_secrecy=one.lifts_secrecy,
            )
            for unit in self.listed.units
            for one in unit.mandates
        )


def digest_of(signed: SignedBytes) -> str:
    """What the next version names as `previous`."""
    return sha256(signed.payload).hexdigest()
