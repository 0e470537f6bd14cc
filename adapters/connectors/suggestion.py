"""A mapping proposed from a file's headers and sample cells, for a person to finish.

Invariants: what is proposed is a mapping that reads (it has no fault of its own), however odd the file; nothing is claimed to be known: each guess
carries a comment, and every column that the proposal does not read is named. Cells of the file appear only as codes of the tables to translate.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from adapters.connectors import cell_values
from adapters.connectors.csv_file import CsvFile
from adapters.connectors.drop_folder import is_workbook
from adapters.connectors.file_format import FileFormat
from adapters.connectors.header import Row, plain
from adapters.connectors.xlsx_sheet import XlsxSheet
from adapters.errors import AdapterError
from contracts.categories import Category
from contracts.code_lists.lists import label

SAMPLE: Final = 200
"""Rows looked at."""
_MOST_CODES: Final = 40
_DATES: Final = (
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M:%S",
    "%d. %m. %Y",
    "%d.%m.%Y",
    "%d. %m. %Y %H:%M",
    "%d.%m.%Y %H:%M",
    "%d/%m/%Y",
)
_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "due": ("odpověď do", "odpovědět do", "termín", "due", "deadline", "odpowiedź do", "termin"),
    "target": ("komu", "kam", "cílové", "target", "recipient", "dokąd", "do kogo"),
    "consent": ("souhlas", "consent", "zgoda"),
    "deleted": ("zrušeno", "smazáno", "deleted", "cancelled", "anulowano", "usunięto"),
    "area": ("oblast", "kategorie", "category", "area", "obszar", "kategoria"),
    "service": ("služba", "service", "usługa"),
    "hours": ("hodin", "hours", "godzin"),
    "note": ("poznámka", "zpráva", "note", "message", "uwagi", "wiadomość"),
    "client": ("klient", "client", "případ", "case", "osoba", "person", "uczestnik"),
    "date": ("datum", "date", "dne", "data", "dzień", "day"),
    "key": ("číslo", "id", "number", "numer", "nr"),
}
"""In the order in which columns are given to them; each column is one thing only."""
_PLAIN_TEXT: Final = re.compile(r"[^\W_][\w /-]*(?<! )")


class SuggestionError(AdapterError):
    """Nothing can be proposed for the file."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The names and some rows of a table."""

    file: str
    header_row: int
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def cells(self, column: str) -> list[str]:
        """What stands in a column, empty cells left out."""
        index = self.columns.index(column)
        return [row[index].strip() for row in self.rows if index < len(row) and row[index].strip()]


def suggest(path: Path) -> str:
    """A mapping file for a table. Raises `SuggestionError`."""
    sample = sample_of(path)
    roles = _roles(sample)
    if "target" in roles:
        return _written(sample, roles, "referral.sent", _referral(sample, roles))
    return _written(sample, roles, "service.delivered", _service(sample, roles))


def sample_of(path: Path) -> Sample:
    """The names and first rows of a file. Raises `SuggestionError`."""
    rows = [(number, cells) for number, cells in _rows(path) if cells and any(cell.strip() for cell in cells)]
    named = [[cell for cell in map(_name, cells or []) if _is_name(cell)] for _, cells in rows]
    counts = [len(set(names)) for names in named]
    if not counts or not max(counts):
        raise SuggestionError(
            f"{path.name} has no row of columns' names", advice="Name a CSV file or a workbook (.xlsx)."
        )
    best = counts.index(max(counts))
    number, cells = rows[best]
    below = [below for _, below in rows[best + 1 :] if below]
    return Sample(path.name, number, [_name(cell) for cell in cells or []], below)


def _rows(path: Path) -> Sequence[Row]:
    settings = FileFormat(dates=_DATES)
    try:
        if is_workbook(path):
            return XlsxSheet(path, path.name, settings, frozenset()).preview(SAMPLE)
        return CsvFile(path, path.name, settings, frozenset()).preview(SAMPLE)
    except OSError as error:
        raise SuggestionError(
            f"{path} cannot be read", advice="Check the name, and that this user may open it."
        ) from error


def _name(cell: str) -> str:
    return " ".join(cell.split())


def _is_name(cell: str) -> bool:
    """Whether a cell may be a column's name: text that can be written into a mapping, and no number or date."""
    return (
        bool(plain(cell))
        and cell.isprintable()
        and "." not in cell
        and cell_values.moment(cell, _DATES) is None
        and cell_values.decimal(cell, ",") is None
        and cell_values.decimal(cell, ".") is None
    )


def _roles(sample: Sample) -> dict[str, str]:
    free = [column for column in dict.fromkeys(sample.columns) if _is_name(column)]
    roles: dict[str, str] = {}
    for role, words in _WORDS.items():
        found = next((one for word in words for one in free if re.search(rf"\b{re.escape(word)}", plain(one))), None)
        if found is not None:
            roles[role] = found
            free.remove(found)
    if "date" not in roles and (dated := next((one for one in free if _dated(sample.cells(one))), None)):
        roles["date"] = dated
    return roles


def _dated(cells: Sequence[str]) -> bool:
    return bool(cells) and sum(cell_values.moment(cell, _DATES) is not None for cell in cells) * 2 > len(cells)


def _referral(sample: Sample, roles: Mapping[str, str]) -> list[str]:
    due = roles.get("due", _any(sample, roles, "date"))
    return [
        f"          referral_id: {{reference: referral, of: {_text(_any(sample, roles, 'key'))}}}",
        "          kind: {constant: referral}",
        f"          target: {{code: {_text(roles['target'])}, table: units}}",
        f"          answer_due: {{instant: {_text(due)}, plus_days: {1 if 'due' in roles else 14}}}",
        *([f"          service: {{code: {_text(roles['service'])}, table: services}}"] if "service" in roles else []),
        *(["        content:", f"          message: {{column: {_text(roles['note'])}}}"] if "note" in roles else []),
        "        when_deleted: void",
    ]


def _service(sample: Sample, roles: Mapping[str, str]) -> list[str]:
    service = (
        f"{{code: {_text(roles['service'])}, table: services}}"
        if "service" in roles
        else "{constant: social-counselling} # say which"
    )
    hours = _text(roles["hours"]) if "hours" in roles else None
    return [
        f"          service: {service}",
        f"          begun: {{date: {_text(_any(sample, roles, 'date'))}}}",
        *(
            [
                f"          quantity: {{decimal: {hours}}}",
                f"          unit_of_quantity: {{constant: hours, if_present: {hours}}}",
            ]
            if hours
            else []
        ),
        *(["        content:", f"          notes: {{column: {_text(roles['note'])}}}"] if "note" in roles else []),
    ]


def _any(sample: Sample, roles: Mapping[str, str], role: str) -> str:
    """The column of a role, or the first one that has a name."""
    return roles.get(role) or next(column for column in sample.columns if _is_name(column))


def _written(sample: Sample, roles: Mapping[str, str], message: str, facts: Sequence[str]) -> str:
    name = _slug(Path(sample.file).stem, "sheet")
    key = [_text(_any(sample, roles, role)) for role in ("key", "client", "date") if role in roles or role == "key"]
    key = key[:1] if "key" in roles else list(dict.fromkeys(key))
    checks = (
        [f"      - {{column: {_text(roles['consent'])}, present: true}} # without a consent nothing is sent"]
        if "consent" in roles
        else []
    )
    area = (
        f"{{code: {_text(roles['area'])}, table: areas}}"
        if "area" in roles
        else "employment # choose: what the rows are about"
    )
    sign = "," if "hours" in roles and any("," in cell for cell in sample.cells(roles["hours"])) else "."
    dates = ", ".join(f'"{one}"' for one in _dates(sample, roles))
    lines = [
        f"# A proposal, made from the names and the first rows of {_comment(sample.file)}. Read each line, then try it:",
        "#",
        "#   spojka-adapter map check THIS-FILE FILE",
        "#",
        *_unread(sample, roles),
        f"mapping: {name} # part of every row's identity: choose it now and never change it",
        f"title: {_text(_name(Path(sample.file).stem)) if Path(sample.file).stem.isprintable() else name}",
        "zone: Europe/Prague # of dates, which have none",
        "format:",
        f'  decimal: "{sign}"',
        f"  dates: [{dates}]",
        f"  # header: {sample.header_row} # the row with the names, where it is not found by itself",
        *_tables(sample, roles),
        "sources:",
        f"  - file: {_text(sample.file) if sample.file.isprintable() else 'sheet.csv'}",
        f"    key: [{', '.join(key)}] # {_sure(roles, 'key')}what makes a row this row and no other",
        f"    client: {_text(_any(sample, roles, 'client'))} # {_sure(roles, 'client')}your own case number: it never leaves the house",
        *(
            [f"    deleted: {{column: {_text(roles['deleted'])}}} # any mark there takes back what went out"]
            if "deleted" in roles
            else []
        ),
        *(["    checks:", *checks] if checks else []),
        "    rules:",
        f"      - name: {message.partition('.')[0]} # never change it once something was imported",
        f"        message: {message}",
        f"        time: {{instant: {_text(_any(sample, roles, 'date'))}}} # {_sure(roles, 'date')}when it happened",
        f"        category: {area}",
        "        facts:",
        *facts,
    ]
    return "\n".join(lines) + "\n"


def _sure(roles: Mapping[str, str], role: str) -> str:
    return "" if role in roles else "CHOOSE, no name looks like it: "


def _unread(sample: Sample, roles: Mapping[str, str]) -> list[str]:
    used = set(roles.values())
    rest = [_comment(column) for column in dict.fromkeys(sample.columns) if column and column not in used]
    return [f"# Columns that it does not read: {', '.join(rest)}."] if rest else ["# It reads every column."]


def _tables(sample: Sample, roles: Mapping[str, str]) -> list[str]:
    tables: list[str] = []
    for role, table in (("target", "units"), ("area", "areas"), ("service", "services")):
        if role not in roles or (role == "service" and _codes(sample, roles[role]) is None):
            continue
        codes = _codes(sample, roles[role]) or []
        tables += [f"  {table}: # theirs: ours; CHECK each line"]
        tables += [f"    {_text(code)}: {_ours(role, code)}" for code in codes] or ["    their-word: employment"]
    return ["tables:", *tables] if tables else []


def _codes(sample: Sample, column: str) -> list[str] | None:
    """The distinct codes of a column; None where there are too many to be codes."""
    cells = [cell for cell in sample.cells(column) if cell.isprintable()]
    by_name = {plain(cell): cell for cell in reversed(cells) if plain(cell)}
    distinct = sorted(by_name.values())
    return distinct[:_MOST_CODES] if distinct else []


def _ours(role: str, code: str) -> str:
    if role == "area":
        return next((str(one) for one in Category if plain(code) in _called(one)), Category.EMPLOYMENT.value)
    return _slug(code, "unit")


def _called(category: Category) -> set[str]:
    return {category.value, *(plain(label("category", category.value, lang)) for lang in ("cs", "pl", "en"))}


def _dates(sample: Sample, roles: Mapping[str, str]) -> list[str]:
    cells = [cell for role in ("date", "due") if role in roles for cell in sample.cells(roles[role])]
    used = [one for one in _DATES if any(cell_values.moment(cell, (one,)) is not None for cell in cells)]
    return used or ["%d. %m. %Y", "%d.%m.%Y", "%Y-%m-%d"]


def _slug(text: str, otherwise: str) -> str:
    bare = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    found = re.sub(r"[^a-z0-9]+", "-", bare).strip("-")[:30].strip("-")
    return found if re.fullmatch(r"[a-z][a-z0-9-]*", found) else otherwise


def _text(value: str) -> str:
    """A text as YAML: bare where that is plain, else in quotes."""
    if _PLAIN_TEXT.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _comment(text: str) -> str:
    return "".join(sign if sign.isprintable() else "?" for sign in text)
