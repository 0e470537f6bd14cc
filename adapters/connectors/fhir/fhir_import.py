"""FHIR resources into a report or into the unit's desk: the same report as of any other connector.

Invariants: rows are counted by resource type; a refusal names file, number of the entry, element path and value; the same resources again make
nothing twice, since a referral moves only from where this unit knows it.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from adapters.connectors.fhir.reader import made
from adapters.connectors.fhir.reading import MAPPING, Context
from adapters.connectors.fhir.resource_files import files_at, read_file
from adapters.connectors.fhir.resources import Resource, Resources
from adapters.connectors.importing import Imported, keep_refusals, to_record
from adapters.connectors.reference_secret import random_secret
from adapters.connectors.refusal import CellError
from adapters.connectors.report import ImportReport
from adapters.connectors.scratch import Scratch
from adapters.connectors.source_drafting import Made
from adapters.drafts import Draft

NAME: Final = MAPPING
"""The mapping's name on the command line."""


@dataclass
class FhirImport:
    """One run over a folder or file."""

    path: Path
    scratch: Scratch
    institution: str | None
    quiet: bool

    def __post_init__(self) -> None:
        self.report = ImportReport(self.scratch)
        self._rows: Counter[str] = Counter()
        self._files = files_at(self.path)

    def try_out(self) -> None:
        """Count what would be recorded."""
        for one in self._made(self._context(Resources())):
            if isinstance(one, Draft):
                self.report.count(one)
        self.report.rows = dict(sorted(self._rows.items()))

    def run(self, home: Path | None, unit: str | None) -> Imported:
        """Record everything. Raises `AdapterError`."""
        from adapters.connectors.unit_desk import open_unit  # noqa: PLC0415 - a dry run must not need what this imports

        imported = Imported()
        with open_unit(home, unit) as opened:
            context = replace(
                self._context(Resources()),
                zone=opened.zone,
                now=opened.clock.now(),
                secret=opened.secret,
                own=opened.desk.signer.unit,
                standing=opened.referrals.standing,
                known=opened.referrals.has,
            )
            drafts = self.report.counted(to_record(self._made(context), opened.known))
            for recorded in opened.desk.record_many(drafts, bulk=True):
                imported.count(recorded)
            imported.items = keep_refusals(self.scratch.refusals(), desk=opened.desk, mapping=MAPPING)
        self.report.rows = dict(sorted(self._rows.items()))
        return imported

    def _context(self, resources: Resources) -> Context:
        return Context(
            resources=resources,
            zone=UTC,
            now=datetime.now(UTC),
            secret=random_secret(),
            refuse=self._refuse,
            standing=lambda _client, _referral: None,
            institution=self.institution,
        )

    def _refuse(self, resource: Resource, error: CellError) -> None:
        self.scratch.refuse(error.at(resource.file, resource.number))

    def _made(self, context: Context) -> Iterator[Made]:
        with self._progress() as progress:
            for path in progress.track(self._files, description=self.path.name):
                for resource in read_file(path, self.scratch.refuse):
                    self._rows[resource.kind] += 1
                    self._take(context, resource)
        yield from made(context)

    def _take(self, context: Context, resource: Resource) -> None:
        try:
            context.resources.add(resource)
        except CellError as error:
            self._refuse(resource, error)

    def _progress(self) -> Progress:
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
        return Progress(*columns, console=Console(stderr=True), transient=True, disable=self.quiet)
