"""For a volunteer without an administrator: set up, ask what is wrong, keep a copy, put it back, start with the computer.

Invariants: `init` overwrites nothing; `doctor` changes nothing and ends with 1 where something stops the work; what goes to the operator holds public
keys only.
"""

import asyncio
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from adapters import keyring
from adapters.appliance.archive import back_up
from adapters.appliance.finding import Check, Finding, worst
from adapters.appliance.first_setup import Answers, set_up
from adapters.appliance.house_checks import at_rest, disk, house_findings
from adapters.appliance.line_checks import line_findings
from adapters.appliance.restoring import begin_without_backup
from adapters.appliance.restoring import restore as put_back
from adapters.appliance.service_unit import systemd_unit
from adapters.cli.answers import NOT_WELL
from adapters.cli.locking import Secret
from adapters.cli.opening import AsJson, Home, Lang, screen
from adapters.errors import AdapterError
from adapters.key_lock import place_of
from adapters.process.unit_house import KEYS, UnitHouse
from adapters.settings import AdapterSettings, home_of, load_settings, unit_folder
from adapters.words import Words
from contracts.names import UnitId

_MARKS = {"pass": "[green]✔[/green]", "warn": "[yellow]![/yellow]", "fail": "[red]✘[/red]"}


def init(  # noqa: PLR0913 - one option a question
    home: Home = None,
    *,
    programme: Annotated[str | None, typer.Option(help="Name of the programme; asked for when left out.")] = None,
    bootstrap: Annotated[
        str | None, typer.Option(help="The hub's address, name:port; asked for when left out.")
    ] = None,
    first_list: Annotated[
        Path | None, typer.Option(help="The operator's first list.", exists=True, dir_okay=False)
    ] = None,
    unit: Annotated[str | None, typer.Option(help="Short name of the unit; asked for when left out.")] = None,
    name: Annotated[str | None, typer.Option(help="The unit's name; asked for when left out.")] = None,
    institution: Annotated[
        str | None, typer.Option(help="Short name of the institution; asked for when left out.")
    ] = None,
    institution_name: Annotated[
        str | None, typer.Option(help="The institution's name; asked for when left out.")
    ] = None,
    hand_over: Annotated[
        Path | None,
        typer.Option(
            help="Folder for the connection that the operator gave: user, password, certificates.", exists=True
        ),
    ] = None,
    files: Annotated[str | None, typer.Option(help="Folder with the unit's files; asked for when left out.")] = None,
    secret: Secret = None,
    lang: Lang = None,
) -> None:
    """Set an adapter up by answering a few questions, and try the line to the hub."""
    words = Words(lang or "en")

    def ask(given: str | None, question: str, default: str | None = None) -> str:
        return given if given is not None else str(typer.prompt(words[f"init.{question}"], default=default)).strip()

    folder = home_of(home)
    answers = Answers(
        programme=ask(programme, "programme"),
        bootstrap=ask(bootstrap, "bootstrap"),
        first_list=first_list or Path(ask(None, "first-list")),
        unit=ask(unit, "unit"),
        name=ask(name, "name"),
        institution=ask(institution, "institution"),
        institution_name=ask(institution_name, "institution-name"),
        language=lang or "en",
        hand_over=hand_over,
        secret=secret,
    )
    files = ask(files, "files", "")
    made = set_up(folder, answers)
    out = screen()
    out.print(words["init.done"].format(home=folder, request=made.request), markup=False)
    out.print(words["lock.done"].format(secret=made.secret), markup=False)
    out.print(words["init.compare"].format(roots=", ".join(made.roots)), markup=False)
    if files:
        out.print(words["init.try"].format(files=files), markup=False)
    out.print(words["init.next"], markup=False)
    settings = load_settings(folder)
    _show(list(asyncio.run(line_findings(settings.connection("doctor"), settings.unit_names))), words)


def doctor(*, as_lines: AsJson = False, home: Home = None, lang: Lang = None) -> None:
    """Look at everything that the adapter needs, and say what is wrong and what to do. Exit code 1 where something stops the work."""
    settings = load_settings(home)
    findings = {unit: list(_look(settings, unit)) for unit in settings.unit_names}
    line = asyncio.run(line_findings(settings.connection("doctor"), settings.unit_names))
    every = [one for found in findings.values() for one in found] + line
    words = Words(lang or settings.language)
    if as_lines:
        sys.stdout.write(json.dumps(_document(findings, line, words), ensure_ascii=False) + "\n")
    else:
        for unit, found in findings.items():
            _show(found, words, title=unit)
        _show(line, words)
    if worst(every) == "fail" or not every:
        raise typer.Exit(NOT_WELL)


def backup(
    file: Annotated[Path, typer.Argument(help="Where to write it; on another disk.")],
    *,
    home: Home = None,
    lang: Lang = None,
) -> None:
    """Copy all that exists nowhere else into one file, while the adapter works on."""
    settings = load_settings(home)
    made = back_up(settings, file.resolve(), at=datetime.now(UTC))
    words = Words(lang or settings.language)
    screen().print(words["backup.done"].format(file=file, units=", ".join(made.units)), markup=False)


def restore(
    file: Annotated[Path | None, typer.Argument(help="The backup.", exists=True, dir_okay=False)] = None,
    *,
    without_backup: Annotated[
        str | None,
        typer.Option(help="Unit to go on with under its old key and a new database, where there is no backup."),
    ] = None,
    secret: Secret = None,
    home: Home = None,
    lang: Lang = None,
) -> None:
    """Put a backup back. What is here is moved aside; the hub gives back what the unit had sent since."""
    if (file is None) == (without_backup is None):
        raise typer.BadParameter("name the backup, or the unit with --without-backup")
    at, out = datetime.now(UTC), screen()
    if file is None:
        settings = load_settings(home)
        begin_without_backup(settings, UnitId(str(without_backup)), at=at)
        words = Words(lang or settings.language)
    else:
        done = put_back(file, home_of(home), at=at, secret=None if secret is None else place_of(home_of(home), secret))
        words = Words(lang or load_settings(home).language)
        made = f"{done.manifest.made_at:%Y-%m-%d %H:%M}"
        out.print(words["restore.done"].format(made=made, units=", ".join(done.manifest.units)), markup=False)
        if done.aside is not None:
            out.print(words["restore.aside"].format(aside=done.aside), markup=False)
    out.print(words["restore.next"], markup=False)


def service(home: Home = None) -> None:
    """Print a systemd unit that starts this adapter with the computer."""
    sys.stdout.write(systemd_unit(load_settings(home).home, command=Path(sys.argv[0]).resolve()))


def _look(settings: AdapterSettings, unit: UnitId) -> Iterator[Finding]:
    """The checks of one unit; a house that does not open says why and what can be looked at all the same."""
    try:
        first, roots = settings.read_first_list()
    except AdapterError as error:
        yield Finding(Check.FIRST_LIST, "fail", {"cause": str(error)})
        yield disk(settings.home)
        return
    del first
    yield Finding(Check.FIRST_LIST, "pass", {"roots": ", ".join(roots)})
    try:
        keyring.load(unit_folder(settings.home, unit) / KEYS, unit)
    except AdapterError as error:
        yield Finding(Check.KEY, "fail", {"cause": str(error)})
        yield disk(settings.home)
        return
    yield Finding(Check.KEY, "pass")
    lies = list(at_rest(unit_folder(settings.home, unit), unit))
    yield from lies
    if worst(lies) == "fail":
        yield disk(settings.home)
        return
    house = UnitHouse.open(settings, unit)
    try:
        yield from house_findings(house)
    finally:
        house.close()


def _show(findings: list[Finding], words: Words, *, title: str | None = None) -> None:
    table = Table(title=f"{words['doctor']}: {title}" if title else None, show_header=False, box=None, padding=(0, 1))
    for one in findings:
        table.add_row(_MARKS[one.status], _text(one, words))
    screen().print(table)


def _text(finding: Finding, words: Words) -> str:
    details = dict(finding.details)
    if finding.check is Check.IN_TOUCH and details.get("why"):
        details["why"] = words[f"hidden.{details['why']}"].rstrip(".")
    return words[finding.text].format(**details)


def _document(findings: dict[UnitId, list[Finding]], line: list[Finding], words: Words) -> dict[str, object]:
    def rows(found: list[Finding]) -> list[dict[str, object]]:
        return [
            {"check": one.check.value, "status": one.status, "details": dict(one.details), "text": _text(one, words)}
            for one in found
        ]

    every = [one for found in findings.values() for one in found] + line
    return {
        "status": worst(every),
        "units": {unit: rows(found) for unit, found in findings.items()},
        "line": rows(line),
    }
