"""What unlocks the keys lies outside of the adapter's folder; this says where, and locks what was made before. And the key of the SQL views.

Invariants: keys that are locked are never locked by another secret, only found by theirs in another place; a key is written into a file that only its
owner may read, never onto the screen.
"""

from pathlib import Path
from typing import Annotated

import typer

from adapters import keyring
from adapters.cli.opening import Home, Lang, Unit, opened, screen
from adapters.errors import AdapterError
from adapters.key_lock import place_of, write_new
from adapters.process.unit_house import KEYS
from adapters.settings import load_settings, unit_folder
from adapters.words import Words

Secret = Annotated[
    Path | None,
    typer.Option(
        "--secret",
        help="File that unlocks the keys, outside of the adapter's folder: on a stick, or another disk. "
        "Left out: beside the folder, named like it with .unlock.",
    ),
]


class ViewsKeyError(AdapterError):
    """There is no key to hand out, or no room for it."""


def lock(secret: Secret = None, *, home: Home = None, lang: Lang = None) -> None:
    """Lock the keys of all units by a file outside of the folder, or say where that file lies now. Print it: without it nothing opens."""
    settings = load_settings(home)
    place = place_of(settings.home, secret)
    for unit in settings.unit_names:
        keyring.lock(unit_folder(settings.home, unit) / KEYS, unit, place)
    words = Words(lang or settings.language)
    screen().print(words["lock.done"].format(secret=place), markup=False)


def views_key(
    to: Annotated[Path, typer.Argument(help="The file to write; there must be none.")],
    *,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """Write down the key of the SQL views, for a local system that reads them with SQLCipher. It opens nothing else."""
    with opened(home, unit, lang) as here:
        key = here.house.databases.overviews
        if key is None:
            raise ViewsKeyError("The overviews lie in clear", advice="Open them as any SQLite file.")
        try:
            write_new(to, key.for_driver())
        except OSError as error:
            raise ViewsKeyError(f"{to} cannot be written: {error.strerror}", advice="Name a new file.") from error
        here.out.print(here.words["views-key"].format(file=to), markup=False, soft_wrap=True)
