"""Naming a client by a national id, where the programme allows it: the number is typed unseen, checked, turned into a pseudonym and forgotten.

Invariants: off unless the settings say otherwise; the number stands in no argument, file, log or message.
"""

from typing import Annotated

import typer

from adapters.cli.opening import Home, Lang, Unit, opened
from adapters.drafts import ClientKey
from adapters.people import programme_key
from adapters.people.national_ids import normalised
from adapters.settings import SettingsError
from contracts.derived_subject import Scheme, derive_subject


def identify(
    client: Annotated[str, typer.Argument(help="Your case number.")],
    *,
    scheme: Annotated[Scheme, typer.Option(help="Whose number it is.")],
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """Name a client so that every entitled unit finds the same person. Asks for the number; it is not kept."""
    with opened(home, unit, lang) as here:
        settings = here.house.settings
        if not settings.derived_subjects:
            raise SettingsError(
                "Clients are not named by a national id here",
                advice="Where your institution may use the number and the programme has decided so: derived_subjects = true.",
            )
        key = programme_key.load(settings.home / settings.programme_key_file)
        number = str(typer.prompt(here.words["national-id"], hide_input=True))
        here.house.desk.adopt(derive_subject(scheme, normalised(scheme, number), programme_key=key), ClientKey(client))
        here.out.print(here.words["national-id.done"], markup=False)
