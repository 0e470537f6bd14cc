"""`spojka-adapter import`: whatever a mapping reads into the unit's desk, or into a report.

Exit codes: 0 done, refused rows included, since they are named in the report and the rest was taken over; 1 the folder, the mapping, a setting or an
option is not as it should be, and nothing was recorded. A dry run opens no database, reads no settings and imports no Kafka client.
"""

import gc
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from adapters.connectors.connector_choice import is_database, open_connector, open_database
from adapters.connectors.drafting import Drafting, ImportSettings
from adapters.connectors.fhir.fhir_import import NAME as FHIR
from adapters.connectors.fhir.fhir_import import FhirImport
from adapters.connectors.import_words import Lang, word
from adapters.connectors.importing import Imported, keep_refusals, to_record
from adapters.connectors.mapped_columns import unread_columns
from adapters.connectors.mapping import Mapping
from adapters.connectors.mapping_file import load_mapping
from adapters.connectors.record_table import Connector
from adapters.connectors.reference_secret import random_secret
from adapters.connectors.report import ImportReport
from adapters.connectors.report_table import print_report
from adapters.connectors.scratch import Scratch
from adapters.drafts import Draft
from adapters.errors import AdapterError

_OBJECTS: Final = 10_000
"""More of them than before, and circles that nobody holds are looked for; some multiples, and among the older ones, so that memory stays flat.

Ten times as many left 20 MiB of circles lying about where people write beside an import.
"""
NOT_IMPORTED: Final = 1
"""Exit code where nothing could be imported."""


def import_folder(  # noqa: PLR0913 - one parameter an option of the command line
    source: Annotated[
        str,
        typer.Argument(
            help="Folder with the files, unpacked; or one file; or a database: postgresql://…, sqlite:///…, file:PATH."
        ),
    ],
    *,
    mapping: Annotated[
        str, typer.Option(help="Name of a shipped mapping (hmis, referrals-cs, example, fhir-sdoh), or a mapping file.")
    ],
    unit: Annotated[
        str | None, typer.Option(help="Unit to import for; needed where the adapter serves several.")
    ] = None,
    institution: Annotated[
        str | None, typer.Option(help="Take only this institution's rows (HMIS: OrganizationID).")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be recorded; needs no set-up.")
    ] = False,
    writable_account: Annotated[
        bool, typer.Option("--writable-account", help="Take a database account although it may write.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    lang: Annotated[Lang, typer.Option(help="Language of the report.")] = "en",
    home: Annotated[Path | None, typer.Option(help="Folder of the adapter; default: SPOJKA_ADAPTER_HOME.")] = None,
) -> None:
    """Import CSV files, workbooks or a database. The same again makes nothing twice; changed rows become corrections."""
    try:
        with ExitStack() as stack:
            scratch = stack.enter_context(Scratch())
            work: FhirImport | Import
            if mapping == FHIR:
                work = FhirImport(Path(source), scratch, institution, quiet=as_json)
            else:
                read = load_mapping(mapping)
                connector = _connector(source, read, writable_account=writable_account)
                work = Import(read, connector, scratch, institution, quiet=as_json)
            imported = None if dry_run else work.run(home, unit)
            if dry_run:
                work.try_out()
            if as_json:
                _tell_unread(work.report)
                sys.stdout.writelines(work.report.as_json())
            else:
                print_report(work.report, imported, lang=lang, console=Console())
    except AdapterError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(NOT_IMPORTED) from error


def _connector(source: str, mapping: Mapping, *, writable_account: bool) -> Connector:
    if is_database(source):
        return open_database(source, mapping, now=datetime.now(UTC), writable_account=writable_account)
    return open_connector(Path(source), mapping)


@contextmanager
def seldom_collected() -> Iterator[None]:
    """An import makes and drops millions of objects and hardly any circle of them: looking for those takes a fifth of its time by default."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(_OBJECTS, 2, 3)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def _tell_unread(report: ImportReport) -> None:
    """Beside the JSON, whose form is fixed."""
    for table, columns in report.unmapped_columns.items():
        typer.echo(f"{word('unmapped-columns', 'en')}: {table}: {', '.join(columns)}", err=True)


class Import:
    """One run over one place."""

    def __init__(
        self, mapping: Mapping, connector: Connector, scratch: Scratch, institution: str | None, *, quiet: bool
    ) -> None:
        self._mapping = mapping
        self._scratch = scratch
        self._connector = connector
        self._institution = institution
        self._quiet = quiet
        self.report = ImportReport(scratch)

    def try_out(self) -> None:
        """Count what would be recorded."""
        settings = ImportSettings(UTC, datetime.now(UTC), random_secret(), self._institution)
        drafting = Drafting(self._mapping, self._connector, self._scratch, settings)
        with self._progress() as progress:
            for one in drafting.made(_Bar(progress, self._connector)):
                if isinstance(one, Draft):
                    self.report.count(one)
        self._finish()

    def run(self, home: Path | None, unit: str | None) -> Imported:
        """Record everything. Raises `AdapterError`."""
        from adapters.connectors.unit_desk import open_unit  # noqa: PLC0415 - a dry run must not need what this imports

        imported = Imported()
        with seldom_collected(), open_unit(home, unit) as opened, self._progress() as progress:
            settings = ImportSettings(opened.zone, opened.clock.now(), opened.secret, self._institution)
            drafting = Drafting(self._mapping, self._connector, self._scratch, settings)
            made = drafting.made(_Bar(progress, self._connector))
            drafts = self.report.counted(to_record(made, opened.known))
            for recorded in opened.desk.record_many(drafts, bulk=True):
                imported.count(recorded)
            imported.items = keep_refusals(self._scratch.refusals(), desk=opened.desk, mapping=self._mapping.mapping)
        self._finish()
        return imported

    def _finish(self) -> None:
        self.report.rows = {name: file.rows for name, file in self._connector.tables.items()}
        self.report.unmapped = self._connector.unmapped
        self.report.unmapped_columns = unread_columns(self._mapping, self._connector)

    def _progress(self) -> Progress:
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        return Progress(*columns, console=Console(stderr=True), transient=True, disable=self._quiet)


class _Bar:
    """Shows how far each table is read."""

    def __init__(self, progress: Progress, connector: Connector) -> None:
        self._progress = progress
        self._connector = connector
        self._task = progress.add_task("", total=None)
        self._table = ""

    def __call__(self, table: str, read: int) -> None:
        """So much of this table is read."""
        if table != self._table:
            self._table = table
            self._progress.reset(self._task, total=self._connector.tables[table].size(), description=table)
        self._progress.update(self._task, completed=read)


def main() -> None:
    """Run the import alone, as `python -m adapters.connectors.import_command`."""
    typer.run(import_folder)


if __name__ == "__main__":
    main()
