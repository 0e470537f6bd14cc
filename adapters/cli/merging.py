"""Two clients that are one person: proposed here, reviewed by another institution, undone by whoever was told.

Invariants: nothing is joined before somebody of another institution agreed; whoever only knows one of the two sees no more than before.
"""

from typing import Annotated

import typer

from adapters.cli.answers import as_json, show, tell
from adapters.cli.opening import AsJson, By, ByWhom, ChoiceError, Home, Lang, Opened, Unit, opened
from adapters.cli.referral_choice import subject_of
from adapters.process import looks
from adapters.process.looks import Look
from contracts.names import ActorId, MergeId
from projections.one_person import MergeRecord, merges

Method = Annotated[str, typer.Option(help="How you know: asked-client, identity-document … (merge-method codes).")]
Evidence = Annotated[str | None, typer.Option(help="What was compared, for those who review it.")]
Named = Annotated[str, typer.Argument(help="As `client merges` shows it; the beginning will do.")]

SHOWN = 13


def merge(  # noqa: PLR0913 - one option a field
    client: Annotated[str, typer.Argument(help="Your case number.")],
    other: Annotated[str, typer.Argument(help="The other case number of the same person.")],
    *,
    method: Method,
    evidence: Evidence = None,
    actor: By = None,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """Say that two clients are one person. A unit of another institution has to agree before they show together."""
    with opened(home, unit, lang) as here:
        sides = subject_of(here.house, client), subject_of(here.house, other)
        made = here.house.desk.propose_merge(
            *sides, method=method, evidence=evidence, occasion=here.occasion(actor, None)
        )
        here.out.print(made.merge_id, markup=False)
        tell(here, made.messages)


def review(  # noqa: PLR0913 - one option a field
    merge_id: Named,
    *,
    method: Method,
    evidence: Evidence = None,
    actor: By = None,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """Agree with another institution that two clients are one person."""
    with opened(home, unit, lang) as here:
        found = _find(here, merge_id)
        occasion = here.occasion(actor, None)
        tell(here, here.house.desk.review_merge(found, method=method, evidence=evidence, occasion=occasion).messages)


def split(  # noqa: PLR0913 - one option a field
    merge_id: Named,
    *,
    reason: Annotated[str, typer.Option(help="other-person, client-request … (split-reason codes).")],
    note: Annotated[str | None, typer.Option(help="For those who were told of it.")] = None,
    actor: By = None,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """Show two clients apart again, or turn the proposal down."""
    with opened(home, unit, lang) as here:
        found = _find(here, merge_id)
        tell(here, here.house.desk.split(found, reason=reason, note=note, occasion=here.occasion(actor, None)).messages)


def list_merges(
    *, actor: ByWhom, as_lines: AsJson = False, home: Home = None, unit: Unit = None, lang: Lang = None
) -> None:
    """Clients who are said to be one person, and how far that has come. The look is reported."""
    with opened(home, unit, lang) as here:
        found = of_unit(here)
        told = [(side, ()) for one in found for side in sorted(one.sides)]
        looks.report_clients(here.house, told, look=Look(ActorId(actor)))
        if as_lines:
            as_json([{"merge": one.merge_id, "clients": _clients(here, one), "state": _state(one)} for one in found])
            return
        shown = [
            [one.merge_id[:SHOWN], " + ".join(_clients(here, one)), here.words[f"merge.{_state(one)}"]] for one in found
        ]
        show(here, "merges", ("number", "client", "standing"), shown)


def _clients(here: Opened, one: MergeRecord) -> list[str]:
    with here.house.store.read() as tx:
        return [tx.clients.client_of(side) or here.words["unknown-client"] for side in sorted(one.sides)]


def _state(one: MergeRecord) -> str:
    if one.undone:
        return "undone"
    if one.joined:
        return "stands"
    return "proposed" if len(one.sides) > 1 else "one-side"


def of_unit(here: Opened) -> list[MergeRecord]:
    """Every merge that the unit was told of."""
    overviews = here.house.overviews()
    try:
        with overviews.look() as connection:
            return list(merges(connection))
    finally:
        overviews.close()


def _find(here: Opened, named: str) -> MergeId:
    found = [one.merge_id for one in of_unit(here) if one.merge_id.startswith(named)]
    if len(found) != 1:
        raise ChoiceError(
            "Not exactly one begins like that", advice="Take it from `client merges`, with more of its letters."
        )
    return found[0]
