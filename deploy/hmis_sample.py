"""An HMIS-shaped folder of invented people: for the demo where no real export is at hand, and for measuring imports.

Invariants: the same seed gives the same bytes; the shape is that of HUD HMIS CSV FY2024 (file names, columns that the mapping reads, BOM-less UTF-8,
quoted ids in some files and not in others); names are words of no language, no number looks like a real person's.

    python -m deploy.hmis_sample FOLDER --clients 500 --seed 1
"""

import argparse
import csv
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

_STAMPS: Final = ("DateCreated", "DateUpdated", "UserID", "DateDeleted", "ExportID")
_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "Organization": ("OrganizationID", "OrganizationName", "VictimServiceProvider", "OrganizationCommonName"),
    "Project": ("ProjectID", "OrganizationID", "ProjectName", "ProjectType"),
    "Client": ("PersonalID", "FirstName", "LastName", "SSN", "DOB"),
    "Enrollment": ("EnrollmentID", "PersonalID", "ProjectID", "EntryDate", "HouseholdID", "RelationshipToHoH"),
    "Exit": ("ExitID", "EnrollmentID", "PersonalID", "ExitDate", "Destination"),
    "Services": (
        "ServicesID",
        "EnrollmentID",
        "PersonalID",
        "DateProvided",
        "RecordType",
        "TypeProvided",
        "FAAmount",
        "FAStartDate",
        "FAEndDate",
    ),
    "Event": (
        "EventID",
        "EnrollmentID",
        "PersonalID",
        "EventDate",
        "Event",
        "LocationCrisisOrPHHousing",
        "ReferralResult",
        "ResultDate",
    ),
    "EmploymentEducation": (
        "EmploymentEducationID",
        "EnrollmentID",
        "PersonalID",
        "InformationDate",
        "Employed",
        "DataCollectionStage",
    ),
}
_ORGANISATIONS: Final = 10
_DESTINATIONS: Final = (435, 410, 30, 313, 312, 116, 101, 314, 207, 422, 8, 302, 206)
_EVENTS: Final = (4, 13, 10, 1, 2)
_FIRST_DAY: Final = date(2021, 10, 1)
_DAYS: Final = 300
_EXPORT: Final = "1"
Row = Sequence[object]


@dataclass(frozen=True, slots=True)
class _Stay:
    """One person's stay in one project."""

    enrollment: int
    person: int
    project: int
    entry: date
    nights: int

    @property
    def exit(self) -> date:
        return self.entry + timedelta(days=self.nights)


def write_hmis_sample(folder: Path, *, clients: int, nights: int = 12, seed: int = 1) -> None:
    """Write the eight files; every client has one stay, one in nine a second one, of `nights` bed nights at most."""
    folder.mkdir(parents=True, exist_ok=True)
    places = range(1, _ORGANISATIONS + 1)
    _write(folder, "Organization", ((n, f"Organisation {n}", 0, f"O{n}") for n in places))
    _write(folder, "Project", ((n, n, f"Shelter {n}", 1) for n in places))
    _write(folder, "Client", (_client(n, seed) for n in range(1, clients + 1)))
    for name, rows in _FILES_OF_STAYS.items():
        numbered = enumerate((row for stay in _stays(clients, nights, seed) for row in rows(stay)), start=1)
        _write(folder, name, ([number, *row] if name in _NUMBERED else row for number, row in numbered))


def _client(number: int, seed: int) -> Row:
    draw = random.Random(f"{seed}/client/{number}")  # noqa: S311 - invented people need no cryptographic source
    word = "".join(draw.choice("bdgklmnprst") + draw.choice("aeiou") for _ in range(3)).title()
    born = date(1950, 1, 1) + timedelta(days=draw.randrange(18_000))
    return number, word, word[::-1].title(), f"000{draw.randrange(10**6):06}", born


def _stays(clients: int, nights: int, seed: int) -> Iterator[_Stay]:
    enrollment = 0
    for person in range(1, clients + 1):
        draw = random.Random(f"{seed}/stays/{person}")  # noqa: S311 - as above
        for _ in range(2 if draw.random() < 1 / 9 else 1):
            enrollment += 1
            entry = _FIRST_DAY + timedelta(days=draw.randrange(_DAYS))
            yield _Stay(enrollment, person, draw.randint(1, _ORGANISATIONS), entry, draw.randint(1, nights))


def _enrollments(stay: _Stay) -> Iterator[Row]:
    yield stay.enrollment, stay.person, stay.project, stay.entry, f"s_{stay.enrollment}", 1


def _exits(stay: _Stay) -> Iterator[Row]:
    if stay.enrollment % 9 < 7:  # noqa: PLR2004 - the share of a real export
        destination = _DESTINATIONS[stay.enrollment % len(_DESTINATIONS)]
        yield stay.enrollment, stay.enrollment, stay.person, stay.exit, destination


def _services(stay: _Stay) -> Iterator[Row]:
    for night in range(stay.nights):
        yield stay.enrollment, stay.person, stay.entry + timedelta(days=night), 200, 200, "", "", ""


def _events(stay: _Stay) -> Iterator[Row]:
    if stay.enrollment % 29 == 0:
        event = _EVENTS[stay.enrollment // 29 % len(_EVENTS)]
        result = ("", 1, 1, 2, 3)[stay.enrollment // 29 % 5]
        yield stay.enrollment, stay.person, stay.entry, event, "", result, stay.exit if result else ""


def _employment(stay: _Stay) -> Iterator[Row]:
    at_entry = int(stay.enrollment % 5 == 0)
    yield stay.enrollment, stay.person, stay.entry, at_entry, 1
    yield stay.enrollment, stay.person, stay.exit, at_entry or int(stay.enrollment % 7 == 0), 3


_FILES_OF_STAYS: Final = {
    "Enrollment": _enrollments,
    "Exit": _exits,
    "Services": _services,
    "Event": _events,
    "EmploymentEducation": _employment,
}
_NUMBERED: Final = frozenset({"Services", "Event", "EmploymentEducation"})
"""Files whose id is a running number; those of the others are the stay's."""


def _write(folder: Path, name: str, rows: Iterable[Row]) -> None:
    quoted = name in {"Event", "EmploymentEducation", "Organization"}
    stamps = ("2022-10-01 08:00:00", "2022-10-01 08:00:00", "1", "", _EXPORT)
    with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL)
        writer.writerow((*_COLUMNS[name], *_STAMPS))
        writer.writerows((*row, *stamps) for row in rows)


def main() -> None:
    """Write the folder that the command line names."""
    parser = argparse.ArgumentParser(description="Write an HMIS-shaped folder of invented people.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--clients", type=int, default=500)
    parser.add_argument("--nights", type=int, default=12, help="most bed nights of a stay")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    write_hmis_sample(given.folder, clients=given.clients, nights=given.nights, seed=given.seed)


if __name__ == "__main__":
    main()
