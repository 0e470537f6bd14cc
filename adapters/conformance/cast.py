"""Who speaks for the kit while it plays a hub: a programme for trying out, with keys that everybody can make.

Invariants: every key's seed is SHA-256 of a published text, so the first trust list is the same wherever it is made; these keys are public and belong
into no real programme; versions of the list follow each other as DESIGN section 10 asks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from hashlib import sha256
from typing import Final

from contracts.admission import AdmissionRequest
from contracts.dsse import to_envelope
from contracts.keys import KeyUse, SigningKey, VerifyingKey, parse_key_id
from contracts.names import HUB, InstitutionId, KeyId, ProgrammeId, UnitId
from contracts.pae import PayloadType
from contracts.sealing.suites import PRIVATE_LENGTHS, OpeningKey, SealingKey, SuiteId
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
_SECOND_DEPOSIT_KEY: Final = 3
"""The version that brings it."""
_ENDS: Final = datetime(2046, 1, 1, tzinfo=UTC)


def public_key_pair(unit: UnitId, use: KeyUse = KeyUse.MESSAGES) -> SigningKey:
    """A key pair that everybody can make."""
    return SigningKey(sha256(f"spojka conformance kit/{unit}/{use}".encode()).digest(), unit=unit, use=use)


def public_opening_key(name: str, suite: SuiteId) -> OpeningKey:
    """An encryption key pair of the hub's that everybody can make."""
    drawn = b"".join(sha256(f"spojka conformance kit/{name}/{number}".encode()).digest() for number in range(3))
    return OpeningKey(drawn[: PRIVATE_LENGTHS[suite]], unit=HUB, suite=suite)


@dataclass(frozen=True)
class Cast:
    """The kit's programme, and the unit under test once its request for admission is known."""

    programme: ProgrammeId
    partitions: int
    request: AdmissionRequest | None = None
    sealed: bool = False
    """The programme is not on trial: content is sealed, and keys are deposited with the kit."""

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
        uses = (KeyUse.MESSAGES, KeyUse.RECEIPTS, KeyUse.DELIVERIES)
        sealing = (KeyUse.RELEASES, KeyUse.CHECKPOINTS) if self.sealed else ()
        return {use: public_key_pair(HUB, use) for use in (*uses, *sealing)}

    @cached_property
    def deposit_keys(self) -> tuple[OpeningKey, OpeningKey]:
        """To which units deposit their content keys: the first one's, and the one that version 3 brings, of the other suite."""
        return public_opening_key("deposits/1", SuiteId.HYBRID), public_opening_key("deposits/2", SuiteId.X25519)

    @cached_property
    def unit_keys(self) -> Mapping[KeyId, VerifyingKey]:
        """The keys of the unit under test."""
        offered = () if self.request is None else self.request.keys
        return {one.key_id: one.verifying_key for one in offered}

    @property
    def witness_key(self) -> VerifyingKey | None:
        """The key with which the unit under test cosigns the ledger; None where it offers none."""
        return next((key for name, key in self.unit_keys.items() if parse_key_id(name).use is KeyUse.WITNESS), None)

    @property
    def encryption_key(self) -> SealingKey | None:
        """To which the unit under test is given keys: the last one that it offers."""
        offered = () if self.request is None else self.request.encryption_keys
        return offered[-1].sealing_key if offered else None

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
            trial=not self.sealed,
            time_zone="Europe/Prague",
            partitions=self.partitions,
            root_keys=(_entry(self.root),),
            hub_keys=(*(_entry(key) for key in self.hub_keys.values()), *self._deposit_entries(version)),
            institutions=tuple(InstitutionEntry(institution=name, name=name) for name in sorted(names)),
            units=admitted,
        )

    def _deposit_entries(self, version: int) -> tuple[KeyEntry, ...]:
        known = self.deposit_keys[: 1 if version < _SECOND_DEPOSIT_KEY else 2] if self.sealed else ()
        begun = [_BEGAN + timedelta(days=30 * number) for number in range(len(known))]
        return tuple(
            KeyEntry.of_encryption(key.sealing_key, valid_from=since, valid_until=_ENDS)
            for key, since in zip(known, begun, strict=True)
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
            keys += tuple(
                KeyEntry(
                    key_id=one.key_id, public_key=one.public_key, suite=one.suite, valid_from=_BEGAN, valid_until=_ENDS
                )
                for one in self.request.encryption_keys
                if self.sealed
            )
            tested = UnitEntry(
                unit=self.request.unit, institution=self.request.institution, name=self.request.name, keys=keys
            )
            kits.append(tested)
        return tuple(kits)


def _entry(key: SigningKey) -> KeyEntry:
    return KeyEntry.of(key.verifying_key, valid_from=_BEGAN, valid_until=_ENDS)
