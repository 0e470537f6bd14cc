"""`spojka-hub settings-change`: what decides something about clients is changed by a message in the log, never by a file."""

import asyncio
import time
from collections.abc import Sequence
from typing import Annotated, Final

import typer

from contracts.categories import Category
from contracts.messages.hub import RetentionPeriod, SettingsChanged
from hub.domain.settings import DecisionSettings
from hub.entrypoints.cli.opening import Home, databases, house_of, out, telling
from hub.entrypoints.house import House
from hub.entrypoints.publishing import publish
from hub.infrastructure.postgres.log_reading import LogReading
from hub.infrastructure.postgres.session import Session
from hub.infrastructure.postgres.shard_database import ShardDatabase

_PATIENCE: Final = 15.0
"""Seconds to wait until every shard has recorded it."""


def settings_change(  # noqa: PLR0913, PLR0917 - one option a setting
    obligation_days: Annotated[
        int | None, typer.Option(min=1, help="Days in which a duty to erase is answered.")
    ] = None,
    close_after_days: Annotated[
        int | None, typer.Option(min=1, help="Days after which the hub closes a completed referral.")
    ] = None,
    reopen_within_days: Annotated[
        int | None, typer.Option(min=1, help="Days in which a closed referral can be reopened.")
    ] = None,
    waitlist_grace_days: Annotated[
        int | None, typer.Option(min=0, help="Days after the expected date before a waiting referral expires.")
    ] = None,
    notice_days: Annotated[
        int | None, typer.Option(min=0, help="Days before a consent ends when its parties are told; 0: never.")
    ] = None,
    retention: Annotated[
        list[str] | None,
        typer.Option(
            help="CATEGORY=DAYS: what is shared of it is erased so many days after; CATEGORY=0: never. Repeat it."
        ),
    ] = None,
    home: Home = None,
) -> None:
    """Change settings that decide something, on every shard; what is not named stays. Without options: show them."""
    house = house_of(home)
    before = max((_recorded(house, database) for database in databases(house)), key=lambda one: one.version)
    wanted = {
        "obligation_days": obligation_days,
        "close_after_days": close_after_days,
        "reopen_within_days": reopen_within_days,
        "waitlist_grace_days": waitlist_grace_days,
        "notice_days": notice_days,
    }
    values = {name: getattr(before, name) if value is None else value for name, value in wanted.items()}
    periods = {one: days for one, days in {**before.retention, **_periods(retention or ())}.items() if days}
    if all(value is None for value in wanted.values()) and not retention:
        out.print(f"version {before.version}", *(f"{name} = {value}" for name, value in values.items()), sep="\n")
        out.print(*(f"retention {one} = {days}" for one, days in sorted(periods.items())), sep="\n")
        return
    kept = tuple(RetentionPeriod(category=one, days=days) for one, days in sorted(periods.items()))
    facts = SettingsChanged(version=before.version + 1, retention=kept, **values)
    asyncio.run(publish(house, [(facts, house.clock.now())]))
    missing = _wait(house, facts.version)
    told = f"Version {facts.version} is sent"
    out.print(
        f"{told}, and recorded by every shard." if not missing else f"{told}; not recorded yet by shard {missing}."
    )


def _periods(stated: Sequence[str]) -> dict[Category, int]:
    """Days by category. Raises `typer.BadParameter`."""
    found = {}
    for one in stated:
        category, _, days = one.partition("=")
        if category not in set(Category) or not days.isdigit():
            raise typer.BadParameter(f"{one}: write a category and days, as in housing=1825.")
        found[Category(category)] = int(days)
    return found


def _recorded(house: House, database: ShardDatabase) -> DecisionSettings:
    """The settings that a shard's log holds."""
    session = Session(database, name="settings")
    try:
        return house.programme.caught_up(LogReading(session, house.mapper())).settings
    finally:
        session.close()


def _wait(house: House, version: int) -> str:
    """Wait until every shard has recorded a version; names those that had not in time."""
    end = time.monotonic() + _PATIENCE
    with telling("Waiting for the writers …"):
        while True:
            missing = [str(one.shard) for one in databases(house) if _recorded(house, one).version < version]
            if not missing or time.monotonic() > end:
                return ", ".join(missing)
            time.sleep(0.1)
