"""Setting a unit up.

Invariant: `enrol` makes a key where there is none and never another; what it prints holds public keys only.
"""

import sys
from typing import Annotated

import typer
from rich.table import Table

from adapters import keyring
from adapters.cli.opening import Home, screen
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


def settings() -> None:
    """Every setting, what happens without it, and what it means."""
    words = Words("en")
    table = Table(*[words[name] for name in ("setting", "default", "meaning")])
    for name, default, meaning in settings_table():
        table.add_row(f"{PREFIX}{name.upper()}", default, meaning)
    screen().print(table)
