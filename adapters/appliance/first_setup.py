"""The first set-up of an adapter, from a few answers.

Invariants: everything is checked before anything is written; nothing that is there is overwritten; the request for the operator holds public keys
only.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from adapters import keyring
from adapters.errors import AdapterError
from adapters.key_lock import Lock, place_of
from adapters.process.unit_databases import UnitDatabases
from adapters.process.unit_house import KEYS
from adapters.settings import SETTINGS_FILE, load_settings, unit_folder
from contracts.admission import AdmissionError, AdmissionRequest, offer, offer_encryption, read_first_list
from contracts.names import InstitutionId, ProgrammeId, UnitId

REQUEST: Final = "request.json"
SIGN_IN: Final = "broker-sign-in"
CA_FILE: Final = "ca.pem"
FIRST_LIST: Final = "trust-list-1.dsse.json"


class SetUpError(AdapterError):
    """The answers do not fit together, or the folder is in use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What a set-up must be told."""

    programme: str
    bootstrap: str
    first_list: Path
    unit: str
    name: str
    institution: str
    institution_name: str
    language: str
    hand_over: Path | None = None
    """The folder for the connection that the operator gave: `broker-sign-in`, `ca.pem`."""
    secret: Path | None = None
    """The file that unlocks the keys; else beside the adapter's folder."""


@dataclass(frozen=True, slots=True)
class SetUp:
    """What was made: the file for the operator, the ids of the root keys to compare by telephone, and the file that unlocks the keys."""

    request: Path
    roots: Sequence[str]
    secret: Path


def set_up(home: Path, answers: Answers) -> SetUp:
    """Make settings, keys, database and request. Raises `SetUpError`, `SettingsError`, `KeyringError`, `LockError`.

    Then nothing was written but what is named.
    """
    if (home / SETTINGS_FILE).exists():
        raise SetUpError(
            f"{home / SETTINGS_FILE} is there already",
            advice="Use another folder; for a further unit: spojka-adapter enrol.",
        )
    envelope, roots = _first_list(answers)
    handed = _handed_over(answers.hand_over)
    unit = UnitId(answers.unit)
    _check(answers)
    secret = place_of(home, answers.secret)
    Lock.read_or_make(secret)
    _write(home, answers, envelope, handed)
    settings = load_settings(home)
    folder = unit_folder(settings.home, unit)
    keyring.lock(folder / KEYS, unit, secret)
    key = keyring.load_or_create(folder / KEYS, unit)
    opening = keyring.encryption_or_create(folder / KEYS, unit)
    UnitDatabases.of(folder, unit, settings.unencrypted).open_store().close()
    request = AdmissionRequest(
        programme=settings.programme,
        unit=unit,
        institution=InstitutionId(answers.institution),
        institution_name=answers.institution_name,
        name=answers.name,
        keys=offer([key, keyring.witness_or_new(folder / KEYS, unit)], unit=unit),
        encryption_keys=(offer_encryption(opening.sealing_key, unit=unit, vouching=key),),
    )
    path = folder / REQUEST
    path.write_text(request.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return SetUp(path, roots, secret)


def _first_list(answers: Answers) -> tuple[bytes, list[str]]:
    try:
        envelope = answers.first_list.read_bytes()
        directory, roots = read_first_list(envelope)
    except OSError as error:
        raise SetUpError(
            f"{answers.first_list} does not read", advice="Name the file that the operator gave you."
        ) from error
    except AdmissionError as error:
        raise SetUpError(f"{answers.first_list}: {error.problem}", advice=error.advice) from error
    if directory.listed.programme != answers.programme:
        raise SetUpError(
            f"The operator's list is of programme {directory.listed.programme}, you named {answers.programme}",
            advice="Take the name that the operator uses.",
        )
    return envelope, sorted(roots)


def _handed_over(folder: Path | None) -> dict[str, bytes]:
    """What the operator gave for the connection, by name; nothing where nothing was given."""
    if folder is None:
        return {}
    try:
        return {name: (folder / name).read_bytes() for name in (SIGN_IN, CA_FILE)}
    except OSError as error:
        raise SetUpError(
            f"{folder} does not hold {SIGN_IN} and {CA_FILE}", advice="Name the folder that the operator handed over."
        ) from error


def _check(answers: Answers) -> None:
    """The names, judged as the request will be."""
    try:
        AdmissionRequest.model_validate(
            {
                "programme": ProgrammeId(answers.programme),
                "unit": answers.unit,
                "institution": answers.institution,
                "institution_name": answers.institution_name,
                "name": answers.name,
                "keys": (),
            }
        )
    except ValidationError as error:
        faults = [
            f"{fault['loc'][0]}: {fault['msg']}"
            for fault in error.errors(include_url=False, include_input=False, include_context=False)
            if fault["loc"] and fault["loc"][0] != "keys"
        ]
        if faults:
            raise SetUpError("; ".join(faults), advice="Short names are a-z, 0-9 and hyphens.") from error


def _write(home: Path, answers: Answers, envelope: bytes, handed: dict[str, bytes]) -> None:
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    (home / FIRST_LIST).write_bytes(envelope)
    given = {"programme": answers.programme, "bootstrap": answers.bootstrap, "language": answers.language}
    if handed:
        given |= {"security_protocol": "SASL_SSL", "broker_sign_in": SIGN_IN, "ca_file": CA_FILE}
    for name, content in handed.items():
        _put(home / name, content)
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in given.items()]
    text = "# Every setting and its meaning: spojka-adapter settings\n" + "\n".join(lines) + "\n"
    _put(home / SETTINGS_FILE, text.encode())


def _put(path: Path, content: bytes) -> None:
    """A new file for its owner's eyes."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
