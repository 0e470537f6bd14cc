"""`spojka-adapter copy`: one client's path as plain text, for the unit's own file.

Invariants: the copy is dated, says who made it and where each line comes from; it is a look and reported before it is shown; a copy that holds
entries of others is listed, printed or written, so that an erasure reaches it.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from adapters.cli.opening import ByWhom, Home, Lang, Opened, Unit, WhatFor, opened
from adapters.cli.referral_choice import subject_of
from adapters.followers.export_file import write_document
from adapters.followers.exporting import list_copy
from adapters.process import looks
from adapters.process.entry_text import details
from adapters.process.looks import Look, SeenTimeline
from adapters.process.person_files import also_kept_as
from contracts.categories import Purpose
from contracts.names import ActorId
from projections.corrections import Shown


def copy(  # noqa: PLR0913 - one option a field
    client: Annotated[str, typer.Argument(help="Your case number.")],
    *,
    actor: ByWhom,
    purpose: WhatFor = Purpose.SUPPORT,
    to: Annotated[Path | None, typer.Option(help="Write it to this file; else it is shown here.")] = None,
    home: Home = None,
    unit: Unit = None,
    lang: Lang = None,
) -> None:
    """A client's support path as plain text for your own file: dated, with its sources. The look is reported."""
    with opened(home, unit, lang) as here:
        look = Look(ActorId(actor), purpose)
        subject = subject_of(here.house, client)
        overviews = here.house.overviews()
        try:
            seen = looks.together(here.house, overviews, subject, look=look)
            also = also_kept_as(here.house.store, overviews, [subject]).get(subject, ())
        finally:
            overviews.close()
        looks.report_entries(here.house, subject, seen.entries, look=look)
        text = "\n".join(_text(here, [client, *also], seen, look)) + "\n"
        list_copy(here.house, seen.entries, to, look=look)
        if to is None:
            sys.stdout.write(text)
            return
        write_document(to, text)
        here.out.print(f"{here.words['copied']}: {to}", markup=False, soft_wrap=True)


def _text(here: Opened, files: Sequence[str], seen: SeenTimeline, look: Look) -> Iterator[str]:
    words, own = here.words, here.house.directory.units.get(here.house.unit)
    yield f"{words['copy-of-path']}: {', '.join(files)}"
    yield f"{words['copied']}: {here.local(here.house.clock.now())}, {look.reader}, {own.name if own else here.house.unit}"
    if seen.hidden is not None:
        yield words[f"hidden.{seen.hidden.value}"]
    yield ""
    for one in seen.entries:
        yield from _entry(here, one)
    if any(one.entry.kind == "given" for one in seen.entries):
        yield ""
        yield words["copy-duty"]


def _entry(here: Opened, one: Shown) -> Iterator[str]:
    words, entry = here.words, one.entry
    author = here.house.directory.units.get(entry.author)
    said = [words.of_type(entry.type), words.code("category", entry.category), details(words, one)]
    yield f"{here.local(entry.time)}  {', '.join(part for part in said if part)}"
    standing = entry.kind if entry.kind in ("given", "erased", "refused") else entry.state or "waiting"
    source = f"{words['copy-source']}: {author.name if author else entry.author}"
    corrected = [f"{words['corrected']}: {len(one.history)}"] if one.history else []
    yield "    " + "; ".join([source, words[f"state.{standing}"], *corrected, entry.message_id])
