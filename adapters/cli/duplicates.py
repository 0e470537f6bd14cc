"""Clients who may have been entered twice: shown to a person, who decides. Nothing is ever joined from here.

Invariant: only what this unit itself recorded is compared, and the screen shows case numbers and what is alike, no names.
"""

from typing import Annotated

import typer

from adapters.cli.answers import as_json, show
from adapters.cli.merging import of_unit
from adapters.cli.opening import AsJson, ChoiceError, Home, Lang, Opened, Unit, opened
from adapters.desk.known_clients import known_clients
from adapters.drafts import ClientKey
from adapters.people.likeness import Likeness, suggest


def duplicates(*, as_lines: AsJson = False, home: Home = None, unit: Unit = None, lang: Lang = None) -> None:
    """Clients who may be one person, by what you recorded. `client merge` or `client different` decides."""
    with opened(home, unit, lang) as here:
        found = _open_pairs(here)
        if as_lines:
            as_json([{"one": o.one, "other": o.other, "score": o.score, "alike": list(o.alike)} for o in found])
            return
        shown = [
            [one.one, one.other, f"{one.score:.0%}", ", ".join(here.words[f"alike.{kind}"] for kind in one.alike)]
            for one in found
        ]
        show(here, "possible-duplicates", ("client", "client", "likeness", "alike"), shown)


def different(
    client: Annotated[str, typer.Argument(help="Your case number.")],
    other: Annotated[str, typer.Argument(help="The other case number.")],
    *,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """Say that two clients are two people: they are not suggested again."""
    with opened(home, unit, lang) as here, here.house.store.write() as tx:
        for one in (client, other):
            if tx.clients.subject_of(ClientKey(one)) is None:
                raise ChoiceError("There is no such client here", advice="See `client list`.")
        tx.not_same.decide(ClientKey(client), ClientKey(other), at=here.house.clock.now())


def _open_pairs(here: Opened) -> list[Likeness]:
    """Those of whom nobody has decided yet."""
    proposed = [record.sides.keys() for record in of_unit(here) if not record.undone]
    with here.house.store.read() as tx:
        decided, subjects = tx.not_same.pairs(), dict(tx.clients.all())
        found = suggest(known_clients(tx))
    return [
        one
        for one in found
        if (one.one, one.other) not in decided
        and not any({subjects[one.one], subjects[one.other]} <= sides for sides in proposed)
    ]
