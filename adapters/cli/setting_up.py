"""Setting a unit up.

Invariant: `enrol` makes a key where there is none and never another; what is printed holds public keys only.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from adapters import keyring
from adapters.cli.locking import Secret
from adapters.cli.opening import ChoiceError, Home, Unit, opened, screen
from adapters.key_lock import place_of, secret_place
from adapters.process.unit_databases import UnitDatabases
from adapters.process.unit_house import KEYS, UnitHouse
from adapters.settings import PREFIX, load_settings, settings_table, unit_folder, units_in
from adapters.words import Words
from contracts.admission import AdmissionRequest, offer, offer_encryption
from contracts.keys import SigningKey
from contracts.names import InstitutionId, UnitId
from contracts.sealing.suites import OpeningKey


def enrol(  # noqa: PLR0913 - one option a field
    unit: Annotated[str, typer.Argument(help="The unit's short name: a-z, 0-9 and hyphens.")],
    *,
    institution: Annotated[str, typer.Option(help="Short name of the institution that it belongs to.")],
    institution_name: Annotated[str, typer.Option(help="The institution's name.")],
    name: Annotated[str, typer.Option(help="The unit's name.")],
    secret: Secret = None,
    home: Home = None,
) -> None:
    """Make a unit with its key, and print the request for admission that goes to the operator.

    New keys are locked by a file that lies outside of the adapter's folder: keep a copy of it.
    """
    settings = load_settings(home)
    unit_id = UnitId(unit)
    folder = unit_folder(settings.home, unit_id)
    if not keyring.path_of(folder / KEYS, unit_id).exists():
        keyring.lock(folder / KEYS, unit_id, place_of(settings.home, secret or _place_of_others(settings.home)))
    key = keyring.load_or_create(folder / KEYS, unit_id)
    opening = keyring.encryption_or_create(folder / KEYS, unit_id)
    UnitDatabases.of(folder, unit_id, settings.unencrypted).open_store().close()
    request = AdmissionRequest(
        programme=settings.programme,
        unit=unit_id,
        institution=InstitutionId(institution),
        institution_name=institution_name,
        name=name,
        keys=offer([key, keyring.witness_or_new(folder / KEYS, unit_id)], unit=unit_id),
        encryption_keys=(offer_encryption(opening.sealing_key, unit=unit_id, vouching=key),),
    )
    sys.stdout.write(request.model_dump_json(indent=2) + "\n")


def _place_of_others(home: Path) -> Path | None:
    """Where the secret of the home's first unit lies, if it is locked."""
    return next((place for unit in units_in(home) if (place := secret_place(unit_folder(home, unit) / KEYS))), None)


def new_key(
    *,
    encryption: Annotated[
        bool, typer.Option(help="A new encryption key; a new signing key only if none speaks for the unit.")
    ] = False,
    home: Home = None,
    unit: Unit = None,
) -> None:
    """Make the unit's next key, and print the request that goes to the operator.

    It signs once the operator's list has it; until then the old one does. Typed again before that, it prints the same request.
    Have the old key revoked when nothing waits to be sent any more.

    With `--encryption` it is the key to which others seal for this unit. What was sealed to an earlier one stays readable with that one's file.
    """
    with opened(home, unit, None) as here:
        house, directory = here.house, here.house.directory
        entry = directory.units.get(house.unit)
        if entry is None:
            raise ChoiceError(
                "This unit is not admitted yet", advice="Send the operator what `spojka-adapter enrol` printed."
            )
        folder = house.folder / KEYS
        signing, opening = _keys_to_offer(folder, house, encryption=encryption)
        vouching = keyring.load_all(folder, house.unit)[-1]
        names = {one.institution: one.name for one in directory.listed.institutions}
        request = AdmissionRequest(
            programme=directory.listed.programme,
            unit=house.unit,
            institution=entry.institution,
            institution_name=names[entry.institution],
            name=entry.name,
            keys=offer(signing, unit=house.unit),
            encryption_keys=tuple(
                offer_encryption(key.sealing_key, unit=house.unit, vouching=vouching) for key in opening
            ),
        )
    sys.stdout.write(request.model_dump_json(indent=2) + "\n")


def _keys_to_offer(
    folder: Path, house: UnitHouse, *, encryption: bool
) -> tuple[Sequence[SigningKey], Sequence[OpeningKey]]:
    """What the list does not have yet, made now unless it was made before; a unit without an encryption or a witness key gets its first one along."""
    listed = {one.key_id for one in house.directory.listed.all_keys()}
    opening = keyring.load_encryption(folder, house.unit)
    if not opening or (encryption and opening[-1].key_id in listed):
        opening = [keyring.add_encryption(folder, house.unit)]
    unlisted = [] if opening[-1].key_id in listed else [opening[-1]]
    newest = keyring.load_all(folder, house.unit)[-1]
    known = house.directory.key(newest.key_id)
    if encryption and known is not None and known[0].valid(house.clock.now()):
        return (), unlisted
    key = newest if known is None else keyring.add(folder, house.unit)
    if encryption:
        return [key], unlisted
    witness = keyring.witness_or_new(folder, house.unit)
    return [key, *([] if witness.key_id in listed else [witness])], unlisted


def settings() -> None:
    """Every setting, what happens without it, and what it means."""
    words = Words("en")
    table = Table(*[words[name] for name in ("setting", "default", "meaning")])
    for name, default, meaning in settings_table():
        table.add_row(f"{PREFIX}{name.upper()}", default, meaning)
    screen().print(table)
