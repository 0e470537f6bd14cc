"""Setting a unit up.

Invariant: `enrol` makes a key where there is none and never another; what is printed holds public keys only.
"""

import sys
from typing import Annotated

import typer
from rich.table import Table

from adapters import keyring
from adapters.cli.opening import ChoiceError, Home, Unit, opened, screen
from adapters.process.unit_house import DATABASE, KEYS
from adapters.settings import PREFIX, load_settings, settings_table, unit_folder
from adapters.storage.unit_store import UnitStore
from adapters.words import Words
from contracts.admission import AdmissionRequest, offer
from contracts.names import InstitutionId, UnitId


def enrol(
    unit: Annotated[str, typer.Argument(help="The unit's short name: a-z, 0-9 and hyphens.")],
    *,
    institution: Annotated[str, typer.Option(help="Short name of the institution that it belongs to.")],
    institution_name: Annotated[str, typer.Option(help="The institution's name.")],
    name: Annotated[str, typer.Option(help="The unit's name.")],
    home: Home = None,
) -> None:
    """Make a unit with its key, and print the request for admission that goes to the operator."""
    settings = load_settings(home)
    unit_id = UnitId(unit)
    folder = unit_folder(settings.home, unit_id)
    key = keyring.load_or_create(folder / KEYS, unit_id)
    UnitStore.open(folder / DATABASE).close()
    request = AdmissionRequest(
        programme=settings.programme,
        unit=unit_id,
        institution=InstitutionId(institution),
        institution_name=institution_name,
        name=name,
        keys=offer([key], unit=unit_id),
    )
    sys.stdout.write(request.model_dump_json(indent=2) + "\n")


def new_key(*, home: Home = None, unit: Unit = None) -> None:
    """Make the unit's next key, and print the request that goes to the operator.

    It signs once the operator's list has it; until then the old one does. Typed again before that, it prints the same request.
    Have the old key revoked when nothing waits to be sent any more.
    """
    with opened(home, unit, None) as here:
        house, directory = here.house, here.house.directory
        entry = directory.units.get(house.unit)
        if entry is None:
            raise ChoiceError(
                "This unit is not admitted yet", advice="Send the operator what `spojka-adapter enrol` printed."
            )
        folder = house.folder / KEYS
        newest = keyring.load_all(folder, house.unit)[-1]
        key = newest if directory.key(newest.key_id) is None else keyring.add(folder, house.unit)
        names = {one.institution: one.name for one in directory.listed.institutions}
        request = AdmissionRequest(
            programme=directory.listed.programme,
            unit=house.unit,
            institution=entry.institution,
            institution_name=names[entry.institution],
            name=entry.name,
            keys=offer([key], unit=house.unit),
        )
    sys.stdout.write(request.model_dump_json(indent=2) + "\n")


def settings() -> None:
    """Every setting, what happens without it, and what it means."""
    words = Words("en")
    table = Table(*[words[name] for name in ("setting", "default", "meaning")])
    for name, default, meaning in settings_table():
        table.add_row(f"{PREFIX}{name.upper()}", default, meaning)
    screen().print(table)
