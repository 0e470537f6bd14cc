"""What all commands take, and how they open a unit.

Invariant: what was opened is closed, whatever the command does.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from adapters.desk.actions.occasion import Occasion
from adapters.errors import AdapterError
from adapters.process.unit_house import UnitHouse
from adapters.settings import AdapterSettings, SettingsError, load_settings
from adapters.words import Language, Words
from contracts.categories import Purpose
from contracts.names import ActorId, UnitId

Home = Annotated[Path | None, typer.Option(help="Folder of the adapter; else SPOJKA_ADAPTER_HOME, else here.")]
Unit = Annotated[str | None, typer.Option(help="Which unit, where there are several.")]
Lang = Annotated[Language | None, typer.Option(help="Language of the answer; else as the settings say.")]
AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]
By = Annotated[str | None, typer.Option("--actor", help="Role and pseudonym of the worker: adviser/w12.")]
ByWhom = Annotated[str, typer.Option("--actor", help="Who looks: role and pseudonym, adviser/w12. It is reported.")]
WhatFor = Annotated[Purpose, typer.Option("--purpose", help="What the look is for. It is reported.")]
Happened = Annotated[datetime | None, typer.Option(help="When it happened; else now.")]

_A_DAY: Final = timedelta(days=1)
_WIDE: Final = 200


class ChoiceError(AdapterError):
    """It is not clear what is meant."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A unit, the words for its screen, and where to write."""

    house: UnitHouse
    words: Words
    out: Console

    def occasion(self, actor: str | None, happened: datetime | None) -> Occasion:
        """When, and by whom."""
        return Occasion(self.instant(happened), None if actor is None else ActorId(actor))

    def instant(self, given: datetime | None) -> datetime | None:
        """What was typed, in the programme's time zone where it has no offset."""
        if given is None or given.tzinfo is not None:
            return given
        return given.replace(tzinfo=self.house.directory.zone).astimezone(UTC)

    def end_of(self, day: date) -> datetime:
        """The end of a civil day in the programme's time zone."""
        return datetime.combine(day + _A_DAY, time(), tzinfo=self.house.directory.zone)

    def local(self, instant: datetime) -> str:
        """An instant as people in the programme read it."""
        return instant.astimezone(self.house.directory.zone).strftime("%Y-%m-%d %H:%M")


@contextmanager
def opened(home: Path | None, unit: str | None, lang: Language | None) -> Iterator[Opened]:
    """The unit that is meant. Raises `ChoiceError`, `SettingsError` and what opening raises."""
    settings = load_settings(home)
    house = UnitHouse.open(settings, _choose(settings, unit))
    try:
        yield Opened(house, Words(lang or settings.language), screen())
    finally:
        house.close()


def screen() -> Console:
    """The screen; not cut to 80 columns where the output goes into a file."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_WIDE)


def _choose(settings: AdapterSettings, unit: str | None) -> UnitId:
    known = settings.unit_names
    if not known:
        raise SettingsError(f"There is no unit in {settings.home}", advice="Make one: spojka-adapter enrol UNIT …")
    if unit is None and len(known) > 1:
        raise ChoiceError(f"There are several units: {', '.join(known)}", advice="Name one with --unit.")
    chosen = known[0] if unit is None else UnitId(unit)
    if chosen not in known:
        raise ChoiceError(f"There is no unit {chosen} here", advice=f"Name one of {', '.join(known)}.")
    return chosen
