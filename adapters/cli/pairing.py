"""Codes that a client carries to another unit: given on a slip, entered there, and what came of each.

Invariants: a code is shown once, when it is made; why an entered one led nowhere is not known here, so one text stands for all reasons.
"""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from adapters.cli.answers import as_json, show, tell
from adapters.cli.opening import AsJson, By, ByWhom, Home, Lang, Opened, Unit, opened
from adapters.drafts import ClientKey
from adapters.errors import AdapterError
from adapters.people.slip import Slip, page
from adapters.process import looks
from adapters.process.looks import Look
from adapters.storage.journal import OwnState
from adapters.storage.pairings import CodeEntered, CodeGiven
from adapters.storage.unit_store import Transaction
from contracts.names import ActorId, UnitId


class SlipError(AdapterError):
    """The slip cannot be written."""


def pair_code(  # noqa: PLR0913 - one option a field
    client: Annotated[str, typer.Argument(help="Your case number.")],
    *,
    slip: Annotated[
        Path | None, typer.Option(help="Write a slip to print, as HTML, in the language of --lang.")
    ] = None,
    actor: By = None,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """Make a one-time code that the client hands over to another unit; good for 30 days. It is shown now and never again."""
    with opened(home, unit, lang) as here:
        made = here.house.desk.give_code(ClientKey(client), occasion=here.occasion(actor, None))
        until = _day(here, made.until)
        here.out.print(made.code, markup=False)
        here.out.print(here.words["slip.once"].format(until=until), soft_wrap=True, markup=False)
        if slip is not None:
            _write(slip, page(Slip(made.code, until, _name(here, here.house.unit)), here.words))
        tell(here, [made.recorded])


def pair(  # noqa: PLR0913 - one option a field
    code: Annotated[str, typer.Argument(help="The code on the client's slip.")],
    client: Annotated[str, typer.Argument(help="Your case number for this client, new or known.")],
    *,
    actor: By = None,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """Join a client by the code that the client brought. `client codes` tells what came of it."""
    with opened(home, unit, lang) as here:
        tell(here, [here.house.desk.enter_code(code, ClientKey(client), occasion=here.occasion(actor, None))])


def codes(*, actor: ByWhom, as_lines: AsJson = False, home: Home = None, unit: Unit = None, lang: Lang = None) -> None:
    """Codes given to clients, and codes that clients brought: used, joined, or still open. The look is reported."""
    with opened(home, unit, lang) as here:
        with here.house.store.read() as tx:
            given, entered = tx.pairings.given(), tx.pairings.entered()
            rows = [*(_given(here, tx, one) for one in given), *(_entered(here, tx, one) for one in entered)]
        known = (*(one.subject for one in given), *(one.subject for one in entered))
        told = [(subject, ()) for subject in known if subject is not None]
        looks.report_clients(here.house, told, look=Look(ActorId(actor)))
        if as_lines:
            as_json(rows)
            return
        shown = [
            [
                here.words[f"code.{one['kind']}"],
                one["client"],
                one["when"],
                here.words[f"code.{one['state']}"],
                one["unit"],
            ]
            for one in rows
        ]
        show(here, "codes", ("what", "client", "when", "standing", "who"), shown)


def _given(here: Opened, tx: Transaction, code: CodeGiven) -> dict[str, str]:
    state = "used" if code.joined_by is not None else "open" if here.house.clock.now() < code.until else "run-out"
    return {
        "kind": "given",
        "client": tx.clients.client_of(code.subject) or "",
        "when": here.local(code.given_at),
        "state": state,
        "unit": "" if code.joined_by is None else _name(here, code.joined_by),
    }


def _entered(here: Opened, tx: Transaction, code: CodeEntered) -> dict[str, str]:
    refused = tx.journal.states([code.message_id]).get(code.message_id) is OwnState.REFUSED
    state = code.fault or "joined" if code.opened_at is not None else "not-valid" if refused else "waiting"
    return {
        "kind": "entered",
        "client": code.client,
        "when": here.local(code.entered_at),
        "state": state,
        "unit": "" if code.issuer is None else _name(here, code.issuer),
    }


def _name(here: Opened, unit: UnitId) -> str:
    listed = here.house.directory.units.get(unit)
    return unit if listed is None else listed.name


def _day(here: Opened, until: datetime) -> str:
    """The last whole day on which the code is good."""
    return here.local(until).split(" ")[0]


def _write(path: Path, text: str) -> None:
    """A file that only its owner may read: whoever reads the code can use it."""
    try:
        path.touch(mode=0o600)
        path.chmod(0o600)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SlipError(
            f"The slip cannot be written to {path}", advice="Choose a folder that you may write to."
        ) from error
