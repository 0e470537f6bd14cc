"""Who speaks for the kit while it plays a hub: a programme for trying out, with keys that everybody can make.

Invariants: every key's seed is SHA-256 of a published text, so the first trust list is the same wherever it is made; these keys are public and belong
into no real programme; versions of the list follow each other as DESIGN section 10 asks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from typing import Final

from contracts.admission import AdmissionRequest
from contracts.dsse import to_envelope
from contracts.keys import KeyUse, SigningKey, VerifyingKey
from contracts.names import HUB, InstitutionId, KeyId, ProgrammeId, UnitId
from contracts.pae import PayloadType
from contracts.signed_bytes import SignedBytes
from contracts.trust_list import (
    InstitutionEntry,
    KeyEntry,
    TrustList,
    UnitEntry,
    digest_of,
    sign_trust_list,
)

PARTNER: Final = UnitId("kit-partner")
"""Shares with the unit under test, and refers to it."""
OTHER: Final = UnitId("kit-other")
"""Whose slots must not be taken for one's own."""
LATE: Final = UnitId("kit-late")
"""Admitted by version 3 only."""
_KIT: Final = InstitutionId("kit")
_BEGAN: Final = datetime(2026, 1, 1, tzinfo=UTC)
_ENDS: Final = datetime(2046, 1, 1, tzinfo=UTC)


def public_key_pair(unit: UnitId, use: KeyUse = KeyUse.MESSAGES) -> SigningKey:
    """A key pair that everybody can make."""
    return SigningKey(sha256(f"spojka conformance kit/{unit}/{use}".encode()).digest(), unit=unit, use=use)


@dataclass(frozen=True)
class Cast:
    """The kit's programme, and the unit under test once its request for admission is known."""

    programme: ProgrammeId
    partitions: int
    request: AdmissionRequest | None = None

    @property
    def unit(self) -> UnitId:
        """The unit under test."""
        if self.request is None:
            raise ValueError("there is a unit under test only after its request was read")
        return self.request.unit

    @cached_property
    def root(self) -> SigningKey:
        """Signs the trust lists."""
        return public_key_pair(HUB, KeyUse.DIRECTORY)

    @cached_property
    def rogue_root(self) -> SigningKey:
        """Signs lists too, but no list names it."""
        return SigningKey(sha256(b"spojka conformance kit/rogue").digest(), unit=HUB, use=KeyUse.DIRECTORY)

    @cached_property
    def hub_keys(self) -> Mapping[KeyUse, SigningKey]:
        """The hub's keys by use."""
        return {use: public_key_pair(HUB, use) for use in (KeyUse.MESSAGES, KeyUse.RECEIPTS, KeyUse.DELIVERIES)}

    @cached_property
    def unit_keys(self) -> Mapping[KeyId, VerifyingKey]:
        """The keys of the unit under test."""
        offered = () if self.request is None else self.request.keys
        return {one.key_id: one.verifying_key for one in offered}

    @cached_property
    def lists(self) -> tuple[SignedBytes, ...]:
        """Versions 1 to 4: the roots; the unit and the kit's units; the late unit; nothing new."""
        signed: list[SignedBytes] = []
        for version in range(1, 5):
            listed = self._listed(version, signed[-1] if signed else None)
            signed.append(sign_trust_list(listed, self.root))
        return tuple(signed)

    @cached_property
    def false_list(self) -> SignedBytes:
        """Version 3 as a root key would write it that nobody knows."""
        return sign_trust_list(self._listed(3, self.lists[1]), self.rogue_root)

    @property
    def first_list(self) -> bytes:
        """What the adapter under test is given at enrolment, as a DSSE envelope."""
        return to_envelope(self.lists[0], PayloadType.TRUST_LIST)

    def _listed(self, version: int, before: SignedBytes | None) -> TrustList:
        admitted = () if version == 1 else self._units(late=version >= 3)  # noqa: PLR2004 - the version that admits the late unit
        names = {one.institution for one in admitted}
        return TrustList(
            programme=self.programme,
            version=version,
            previous=None if before is None else digest_of(before),
            issued_at=_BEGAN.replace(day=version),
            expires_at=_ENDS,
            trial=True,
            time_zone="Europe/Prague",
            partitions=self.partitions,
            root_keys=(_entry(self.root),),
            hub_keys=tuple(_entry(key) for key in self.hub_keys.values()),
            institutions=tuple(InstitutionEntry(institution=name, name=name) for name in sorted(names)),
            units=admitted,
        )

    def _units(self, *, late: bool) -> tuple[UnitEntry, ...]:
        names = (PARTNER, OTHER, LATE) if late else (PARTNER, OTHER)
        kits = [
            UnitEntry(unit=name, institution=_KIT, name=name, keys=(_entry(public_key_pair(name)),)) for name in names
        ]
        if self.request is not None:
            keys = tuple(
                KeyEntry(key_id=one.key_id, public_key=one.public_key, valid_from=_BEGAN, valid_until=_ENDS)
                for one in self.request.keys
            )
            tested = UnitEntry(
                unit=self.request.unit, institution=self.request.institution, name=self.request.name, keys=keys
            )
            kits.append(tested)
        return tuple(kits)


def _entry(key: SigningKey) -> KeyEntry:
    return KeyEntry.of(key.verifying_key, valid_from=_BEGAN, valid_until=_ENDS)
