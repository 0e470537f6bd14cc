"""The kit's own units, which the operator of the hub under test admits like any others.

Invariant: their keys are drawn at random into a folder of the tester's; what the operator gets holds public keys only.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from adapters.conformance.errors import ConformanceError
from contracts.admission import AdmissionRequest, offer, offer_encryption
from contracts.keys import KeyUse, SigningKey
from contracts.names import InstitutionId, ProgrammeId, UnitId
from contracts.sealing.suites import OpeningKey, SealingKey, SuiteId

SOURCE: Final = UnitId("kit-source")
"""Takes the consent, records, refers."""
TARGET: Final = UnitId("kit-target")
"""Is given what the consent opens, and answers."""
OUTSIDER: Final = UnitId("kit-outsider")
"""Is named in no consent: must be given nothing."""
UNITS: Final = (SOURCE, TARGET, OUTSIDER)


def make(folder: Path, programme: ProgrammeId) -> list[Path]:
    """Make what is not there yet; returns the requests for admission."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    requests = []
    for unit in UNITS:
        path = _key_file(folder, unit)
        if not path.exists():
            write_key(path, SigningKey.generate(unit, KeyUse.MESSAGES))
        request = AdmissionRequest(
            programme=programme,
            unit=unit,
            institution=InstitutionId(f"{unit}-institution"),
            institution_name=f"Institution of {unit}",
            name=unit,
            keys=offer([_load(path, unit)], unit=unit),
            encryption_keys=(offer_encryption(_opening(folder, unit), unit=unit, vouching=_load(path, unit)),),
        )
        requests.append(folder / f"{unit}.request.json")
        requests[-1].write_text(request.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return requests


def load_opening(folder: Path) -> Mapping[UnitId, OpeningKey]:
    """The encryption keys of all units. Raises `ConformanceError`."""
    return {unit: _read_opening(folder, unit) for unit in UNITS}


def write_key(path: Path, key: SigningKey) -> None:
    """Keep a key where only its owner reads it."""
    path.touch(mode=0o600)
    path.write_text(json.dumps({"key_id": key.key_id, "seed": key.seed.hex()}) + "\n", encoding="utf-8")


def load(folder: Path) -> Mapping[UnitId, SigningKey]:
    """The keys of all units. Raises `ConformanceError`."""
    return {unit: _load(_key_file(folder, unit), unit) for unit in UNITS}


def _load(path: Path, unit: UnitId) -> SigningKey:
    return SigningKey(_secret(path, "seed"), unit=unit, use=KeyUse.MESSAGES)


def _secret(path: Path, name: str) -> bytes:
    try:
        return bytes.fromhex(json.loads(path.read_text(encoding="utf-8"))[name])
    except (OSError, ValueError, KeyError) as error:
        raise ConformanceError(
            f"no key at {path}", advice="Make the kit's units: spojka-conformance units --folder …"
        ) from error


def _opening(folder: Path, unit: UnitId) -> SealingKey:
    """Made where it is not there yet."""
    path = _opening_file(folder, unit)
    if not path.exists():
        made = OpeningKey.generate(unit)
        path.touch(mode=0o600)
        path.write_text(
            json.dumps({"key_id": made.key_id, "private": made.private_bytes.hex()}) + "\n", encoding="utf-8"
        )
    return _read_opening(folder, unit).sealing_key


def _read_opening(folder: Path, unit: UnitId) -> OpeningKey:
    return OpeningKey(_secret(_opening_file(folder, unit), "private"), unit=unit, suite=SuiteId.HYBRID)


def _opening_file(folder: Path, unit: UnitId) -> Path:
    return folder / f"{unit}.encryption.json"


def _key_file(folder: Path, unit: UnitId) -> Path:
    return folder / f"{unit}.key.json"
