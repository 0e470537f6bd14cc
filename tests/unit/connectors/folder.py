"""A folder of CSV files and what an import makes of it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple

from adapters.connectors.drafting import Drafting, ImportSettings
from adapters.connectors.drop_folder import DropFolder
from adapters.connectors.mapping import Mapping as MappingFile
from adapters.connectors.mapping_file import load_mapping
from adapters.connectors.refusal import Refusal
from adapters.connectors.report import ImportReport
from adapters.connectors.rule_drafts import Withdrawal
from adapters.connectors.scratch import Scratch
from adapters.drafts import Draft

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SECRET = b"s" * 32

PROJECTS = "ProjectID,OrganizationID,DateUpdated\n1,10,\n2,20,\n"
ENROLLMENTS = "EnrollmentID,PersonalID,ProjectID,EntryDate,DateUpdated,DateDeleted\n"
EVENTS = "EventID,EnrollmentID,PersonalID,EventDate,Event,LocationCrisisOrPHHousing,ReferralResult,ResultDate,DateUpdated,DateDeleted\n"
SERVICES = (
    "ServicesID,EnrollmentID,PersonalID,DateProvided,RecordType,TypeProvided,FAAmount,FAStartDate,FAEndDate,"
    "DateUpdated,DateDeleted\n"
)
EXITS = "ExitID,EnrollmentID,PersonalID,ExitDate,Destination,DateUpdated,DateDeleted\n"
EMPLOYMENT = "EmploymentEducationID,EnrollmentID,PersonalID,InformationDate,Employed,DataCollectionStage,DateUpdated,DateDeleted\n"
HMIS = {
    "Project.csv": PROJECTS,
    "Enrollment.csv": ENROLLMENTS,
    "Event.csv": EVENTS,
    "Services.csv": SERVICES,
    "Exit.csv": EXITS,
    "EmploymentEducation.csv": EMPLOYMENT,
}


class Made(NamedTuple):
    """What came out."""

    drafts: list[Draft]
    withdrawals: list[Withdrawal]
    refusals: list[Refusal]
    rows: dict[str, int]
    report: dict[str, int]

    def named(self, name: str) -> list[Draft]:
        """The drafts whose local key belongs to a rule."""
        return [one for one in self.drafts if (one.local_key or "").split("/")[1] == name]


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, content in files.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def write_hmis(folder: Path, **added: str) -> Path:
    """HMIS files with rows added by the file's name."""
    return write(folder, {name: text + added.get(name.removesuffix(".csv"), "") for name, text in HMIS.items()})


@cache
def _shipped(name: str) -> MappingFile:
    return load_mapping(name)


def make(
    folder: Path, mapping: str | MappingFile = "hmis", *, secret: bytes = SECRET, institution: str | None = None
) -> Made:
    chosen = _shipped(mapping) if isinstance(mapping, str) else mapping
    with Scratch() as scratch:
        files = DropFolder(folder, chosen)
        report = ImportReport(scratch)
        made = list(Drafting(chosen, files, scratch, ImportSettings(UTC, NOW, secret, institution)).made())
        drafts = [one for one in made if isinstance(one, Draft)]
        for one in drafts:
            report.count(one)
        rows = {name: file.rows for name, file in files.tables.items()}
        withdrawals = [one for one in made if isinstance(one, Withdrawal)]
        messages = {str(name): count for name, count in report.messages.items()}
        return Made(drafts, withdrawals, list(scratch.refusals()), rows, messages)
