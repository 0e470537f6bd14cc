"""`spojka-adapter map`: making a mapping file and finding what is wrong with it. Needs no set-up; reads files, writes none.

Exit codes: 0 all is in order; 1 something is to be mended, and all of it was named.
"""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from adapters.connectors.connector_choice import open_connector
from adapters.connectors.import_command import Import
from adapters.connectors.import_words import ADVICE, Lang, word
from adapters.connectors.mapping import Mapping
from adapters.connectors.mapping_file import MappingError, check_mapping
from adapters.connectors.mapping_schema import FILE as SCHEMA
from adapters.connectors.report import ImportReport
from adapters.connectors.report_table import print_report
from adapters.connectors.scratch import Scratch
from adapters.connectors.suggestion import suggest as suggested

app = typer.Typer(help="Mapping files: what your columns mean.", no_args_is_help=True)
_TO_MEND = 1


@app.callback()
def _map() -> None:
    """Mapping files: what your columns mean."""


@app.command()
def suggest(
    file: Annotated[Path, typer.Argument(help="Your CSV file or workbook.")],
) -> None:
    """Print a mapping proposed from the names and first rows of a file; put it into a file and read each line."""
    sys.stdout.write(suggested(file))


@app.command()
def schema() -> None:
    """Print the JSON Schema of mapping files, with which an editor completes and checks them."""
    sys.stdout.write(SCHEMA.read_text(encoding="utf-8"))


@app.command()
def check(
    mapping: Annotated[str, typer.Argument(help="A mapping file, or the name of a shipped one.")],
    source: Annotated[Path | None, typer.Argument(help="The file or folder that it is for.")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
    lang: Annotated[Lang, typer.Option(help="Language of the answer.")] = "en",
) -> None:
    """Say everything that is wrong with a mapping, and with each row of a file that it reads: the cell, and what to do."""
    read, faults = check_mapping(mapping)
    if read is None:
        _tell_faults(faults, lang, as_json=as_json)
        raise typer.Exit(_TO_MEND)
    if source is None:
        sys.stdout.write("{}\n" if as_json else word("mapping-good", lang) + "\n")
        return
    if _tell_rows(read, source, lang, as_json=as_json):
        raise typer.Exit(_TO_MEND)


def _tell_faults(faults: list[MappingError], lang: Lang, *, as_json: bool) -> None:
    if as_json:
        told = [{"file": one.file, "line": one.line, "problem": one.problem, "advice": one.advice} for one in faults]
        sys.stdout.write(json.dumps({"mapping": told}, ensure_ascii=False) + "\n")
        return
    table = Table(*(word(name, lang) for name in ("line", "problem", "to-do")))
    for one in faults:
        table.add_row(str(one.line or ""), escape(one.problem), escape(one.advice))
    Console().print(table)


def _tell_rows(mapping: Mapping, source: Path, lang: Lang, *, as_json: bool) -> int:
    """Try the file; returns how much is to be mended."""
    with Scratch() as scratch:
        work = Import(mapping, open_connector(source, mapping), scratch, None, quiet=as_json)
        work.try_out()
        if as_json:
            sys.stdout.write(json.dumps(_document(work.report), ensure_ascii=False) + "\n")
        else:
            print_report(work.report, None, lang=lang, console=Console())
            if not work.report.refused:
                Console().print(word("rows-good", lang))
        return work.report.refused


def _document(report: ImportReport) -> dict[str, object]:
    refused = [
        {
            "file": one.file,
            "row": one.row,
            "column": one.column,
            "value": one.value,
            "reason": one.explained,
            "advice": ADVICE[one.reason]["en"],
        }
        for one in report.refusals()
    ]
    columns = {name: list(columns) for name, columns in report.unmapped_columns.items()}
    return {"rows": report.rows, "refused": refused, "unmapped": {"tables": list(report.unmapped), "columns": columns}}
