"""What this unit must erase, and what it did about it.

Invariants: an answer of "erased" erases first, in the same transaction; a look at the list is reported for each client on it.
"""

from datetime import datetime
from typing import Annotated, Literal

import typer

from adapters.cli.answers import as_json, show, tell
from adapters.cli.opening import AsJson, By, ByWhom, ChoiceError, Happened, Home, Lang, Opened, Unit, opened
from adapters.desk.actions.duties import Statement
from adapters.followers.exporting import purge
from adapters.process import looks
from adapters.process.looks import Look
from adapters.storage.obligations import KeptObligation
from contracts.names import ActorId, ObligationId

app = typer.Typer(no_args_is_help=True, help="What must be erased, and by when.")


@app.command("list")
def list_duties(
    *, actor: ByWhom, as_lines: AsJson = False, home: Home = None, unit: Unit = None, lang: Lang = None
) -> None:
    """All that is not answered, the most urgent first. The look is reported."""
    with opened(home, unit, lang) as here:
        duties = _open(here)
        concerned = [(one.subject, one.facts.categories) for one in duties]
        looks.report_clients(here.house, concerned, look=Look(ActorId(actor)))
        if as_lines:
            as_json([_document(here, one) for one in duties])
            return
        show(here, "duties", ("number", "must-erase-by", "client", "about", "count"), [_row(here, o) for o in duties])


@app.command()
def answer(  # noqa: PLR0913 - one option a field
    duty: Annotated[str, typer.Argument(help="Its number, or the beginning of it.")],
    *,
    statement: Annotated[
        Literal["erased", "kept-under-law", "restricted"], typer.Option(help="What was done.")
    ] = "erased",
    basis: Annotated[str | None, typer.Option(help="The law, where it is kept.")] = None,
    until: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Until when it is kept.")] = None,
    exports: Annotated[int, typer.Option(help="Copies outside this system that were destroyed too.")] = 0,
    time: Happened = None,
    actor: By = None,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """Erase what is named (unless the law keeps it) and say so."""
    with opened(home, unit, lang) as here:
        ends = None if until is None else here.end_of(until.date())
        named = _named(here, duty)
        cut = _cut_from_copies(here, named, destroyed=exports) if statement == "erased" else 0
        said = Statement(kind=statement, basis=basis, until=ends, exports=exports + cut)
        occasion = here.occasion(actor, time)
        tell(here, [here.house.desk.answer_obligation(named, said, occasion=occasion)])


def _open(here: Opened) -> list[KeptObligation]:
    with here.house.store.read() as tx:
        return list(tx.obligations.unanswered())


def _named(here: Opened, beginning: str) -> ObligationId:
    found = [one.facts.obligation_id for one in _open(here) if one.facts.obligation_id.startswith(beginning)]
    if len(found) != 1:
        raise ChoiceError(f"{len(found)} begin like that", advice="Take the number from `obligations list`.")
    return found[0]


def _cut_from_copies(here: Opened, duty: ObligationId, *, destroyed: int) -> int:
    """Take what is to be erased out of all copies; returns how many held it. Raises `ChoiceError` where a person must destroy some first."""
    (kept,) = (one for one in _open(here) if one.facts.obligation_id == duty)
    purged = purge(here.house, kept.facts.entries)
    if len(purged.left) > destroyed:
        named = ", ".join(f"{one.number} ({one.path or here.words['copy-printed']})" for one in purged.left)
        raise ChoiceError(
            f"{here.words['copies-left']}: {named}",
            advice=f"Destroy them, then answer again with --exports {len(purged.left)}, or name each: export destroyed NUMBER.",
        )
    with here.house.store.write() as tx:
        for one in purged.left:
            tx.exports.end(one.number, at=here.house.clock.now())
    return len(purged.cut)


def _client(here: Opened, one: KeptObligation) -> str | None:
    with here.house.store.read() as tx:
        return tx.clients.client_of(one.subject)


def _row(here: Opened, one: KeptObligation) -> list[str]:
    words, facts = here.words, one.facts
    late = f" ({words['overdue']})" if one.overdue else ""
    about = ", ".join(words.code("category", category) for category in facts.categories)
    client = _client(here, one) or words["unknown-client"]
    return [facts.obligation_id[:13], here.local(facts.due) + late, client, about, str(len(facts.entries))]


def _document(here: Opened, one: KeptObligation) -> dict[str, object]:
    return {
        "duty": one.facts.obligation_id,
        "client": _client(here, one),
        "because": one.facts.because,
        "due": one.facts.due,
        "overdue": one.overdue,
        "categories": list(one.facts.categories),
        "entries": list(one.facts.entries),
    }
