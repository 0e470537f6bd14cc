"""`spojka-adapter export fhir`: what this unit may show of a client, as a FHIR Bundle for the unit's own system.

Invariants: the export is a look: it shows what the timeline shows to this reader for this purpose, and is reported as such before it leaves; one that
holds entries of others is listed as a copy, in a file or handed over, so that an erasure reaches it; what the Bundle does not hold is said on
standard error.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC
from pathlib import Path
from typing import Annotated

import typer

from adapters.cli.opening import ByWhom, Home, Lang, Opened, Unit, WhatFor, opened
from adapters.cli.referral_choice import subject_of
from adapters.connectors.fhir.bundle import Exported, export
from adapters.connectors.fhir.told import Case, Told
from adapters.drafts import ClientKey
from adapters.followers.export_file import write_document
from adapters.followers.exporting import list_copy
from adapters.process import looks
from adapters.process.looks import Look
from contracts import strict_json
from contracts.catalogue import CATALOGUE
from contracts.categories import Purpose
from contracts.names import ActorId
from projections.corrections import Shown

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.callback()
def export_to() -> None:
    """Hand what is shared about a client over to another system of this unit."""


@app.command()
def fhir(  # noqa: PLR0913 - one option a field
    client: Annotated[str, typer.Argument(help="Your case number.")],
    *,
    actor: ByWhom,
    purpose: WhatFor = Purpose.SUPPORT,
    output: Annotated[Path | None, typer.Option(help="File to write; else standard output.")] = None,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """A client's referrals, consents, needs, services and outcomes as a FHIR R4 Bundle (SDOH Clinical Care). The look is reported."""
    with opened(home, unit, lang) as here:
        exported = _exported(here, client, output, look=Look(ActorId(actor), purpose))
        text = json.dumps(exported.bundle, ensure_ascii=False, indent=2) + "\n"
        if output is None:
            sys.stdout.write(text)
        else:
            write_document(output, text)
        for name, count in sorted(exported.left_out.items()):
            named = here.words.of_type(f"eu.spojka.{name}.v1")
            typer.echo(f"{here.words['not-exported']}: {named} ({count})", err=True)


def _exported(here: Opened, client: str, output: Path | None, *, look: Look) -> Exported:
    subject = subject_of(here.house, client)
    overviews = here.house.overviews()
    try:
        seen = looks.timeline(here.house, overviews, subject, look=look)
    finally:
        overviews.close()
    looks.report_entries(here.house, subject, seen.entries, look=look)
    list_copy(here.house, seen.entries, output, look=look)
    names = {unit: named.name for unit, named in here.house.directory.units.items()}
    return export(Case(ClientKey(client), tuple(told(seen.entries)), names), at=here.house.clock.now().astimezone(UTC))


def told(seen: Sequence[Shown]) -> Iterator[Told]:
    """The entries that say something to others: opened, neither refused nor erased, as corrected."""
    for one in seen:
        entry = one.entry
        spec = None if entry.type is None else CATALOGUE.get(entry.type)
        if spec is None or entry.facts is None or entry.kind not in ("own", "given") or entry.refusal is not None:
            continue
        facts = spec.facts.model_validate_json(strict_json.canonical(entry.facts))
        sealed = None if entry.content is None else spec.sealed
        written = None if sealed is None else sealed.model_validate_json(strict_json.canonical(entry.content))
        yield Told(entry.message_id, entry.author, entry.time, entry.category, facts, written)
