"""Who speaks in the corpus: one programme on trial, three institutions, their keys from fixed seeds, and two versions of the trust list.

Invariants: nothing here is drawn at random; every seed is SHA-256 of a published text; version 2 revokes the training provider's key.
"""

from base64 import b64encode
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import Final

from contracts.categories import Category, Purpose
from contracts.keys import KeyUse, SigningKey
from contracts.names import HUB, GroundId, InstitutionId, MessageId, ProgrammeId, ReferralId, SubjectId, UnitId
from contracts.signed_bytes import SignedBytes
from contracts.trust_list import (
    InstitutionEntry,
    KeyEntry,
    MandateEntry,
    Revocation,
    TrustList,
    UnitEntry,
    sign_trust_list,
)

PROGRAMME: Final = ProgrammeId("corpus")
ADVICE: Final = UnitId("debt-advice")
LABOUR: Final = UnitId("labour-office")
TRAINING: Final = UnitId("training-centre")
STRANGER: Final = UnitId("stranger")
"""A unit that no trust list names."""
SUBJECT: Final = SubjectId("r1.abcdefghijklmnopqrstuvwxyz")
NOW: Final = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
"""When all of it is judged."""
PARTITIONS: Final = 4

_YEAR: Final = timedelta(days=365)


def seed_text(unit: UnitId, use: KeyUse) -> str:
    """The text whose SHA-256 is the Ed25519 seed."""
    return f"spojka golden corpus/{unit}/{use}"


@cache
def key(unit: UnitId, use: KeyUse = KeyUse.MESSAGES) -> SigningKey:
    """A unit's key for one use."""
    return SigningKey(sha256(seed_text(unit, use).encode()).digest(), unit=unit, use=use)


def uuid_of(number: int) -> str:
    """The corpus's UUIDs: version 7 in form, counted instead of drawn."""
    return f"01953a10-0000-7000-8000-{number:012x}"


def message_id(number: int) -> MessageId:
    """The id of a message."""
    return MessageId(uuid_of(number))


CONSENT: Final = GroundId(uuid_of(0xC0))
STATUTORY: Final = GroundId(uuid_of(0xC1))
REFERRAL: Final = ReferralId(uuid_of(0xF0))


def _entry(unit: UnitId, use: KeyUse = KeyUse.MESSAGES, *, revoked: Revocation | None = None) -> KeyEntry:
    entry = KeyEntry.of(key(unit, use).verifying_key, valid_from=NOW - _YEAR, valid_until=NOW + _YEAR)
    return entry.model_copy(update={"revoked": revoked})


def _units(revoked: Revocation | None) -> tuple[UnitEntry, ...]:
    mandate = MandateEntry(
        statute="act-435-2004",
        bases=("A6-1-e",),
        purposes=(Purpose.SUPPORT, Purpose.ELIGIBILITY),
        categories=(Category.EMPLOYMENT, Category.IDENTITY),
    )
    return (
        UnitEntry(
            unit=ADVICE,
            institution=InstitutionId("advice-ngo"),
            name="Debt advice",
            roles=("advice-office",),
            keys=(_entry(ADVICE),),
        ),
        UnitEntry(
            unit=LABOUR,
            institution=InstitutionId("labour-office"),
            name="Labour office, branch",
            roles=("labour-office",),
            can_sanction=True,
            keys=(_entry(LABOUR),),
            mandates=(mandate,),
        ),
        UnitEntry(
            unit=TRAINING,
            institution=InstitutionId("training"),
            name="Training centre",
            roles=("training-provider",),
            keys=(_entry(TRAINING, revoked=revoked),),
        ),
    )


@cache
def trust_list(version: int) -> tuple[TrustList, SignedBytes]:
    """A version of the list, 1 or 2, and its signed bytes."""
    previous = trust_list(version - 1)[1].digest.hex() if version > 1 else None
    revoked = Revocation(at=NOW, compromised_since=NOW - timedelta(days=3)) if version > 1 else None
    names = ("advice-ngo", "labour-office", "training")
    listed = TrustList(
        programme=PROGRAMME,
        version=version,
        previous=previous,
        issued_at=NOW - timedelta(days=30),
        expires_at=NOW + timedelta(days=60),
        trial=True,
        time_zone="Europe/Prague",
        partitions=PARTITIONS,
        root_keys=(_entry(HUB, KeyUse.DIRECTORY),),
        hub_keys=tuple(_entry(HUB, use) for use in (KeyUse.MESSAGES, KeyUse.RECEIPTS, KeyUse.DELIVERIES)),
        institutions=tuple(InstitutionEntry(institution=InstitutionId(one), name=one) for one in names),
        units=_units(revoked),
    )
    return listed, sign_trust_list(listed, key(HUB, KeyUse.DIRECTORY))


def keys_document() -> list[dict[str, str]]:
    """Every key of the corpus with its private seed."""
    uses = [(unit, KeyUse.MESSAGES) for unit in (ADVICE, LABOUR, TRAINING, STRANGER)]
    uses += [(HUB, use) for use in (KeyUse.DIRECTORY, KeyUse.MESSAGES, KeyUse.RECEIPTS, KeyUse.DELIVERIES)]
    return [
        {
            "unit": unit,
            "use": use,
            "key_id": key(unit, use).key_id,
            "public_key": b64encode(key(unit, use).public_bytes).decode(),
            "seed": key(unit, use).seed.hex(),
            "seed_is_sha256_of": seed_text(unit, use),
        }
        for unit, use in uses
    ]
