"""Reading one resource, element by element, so that whatever is refused names its path: `Task.statusReason.coding`.

Invariants: an element is of the JSON type that FHIR gives it or is refused; nothing of a wrong type is bent into shape; a whole date or moment in the
years 1900 to 2100 or none.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, tzinfo
from typing import Any, Final, TypeVar

from adapters.connectors.cell_values import FIRST_YEAR, LAST_YEAR
from adapters.connectors.refusal import CellError, RefusalReason

_Date = TypeVar("_Date", bound=date)
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})"
)


@dataclass(frozen=True, slots=True)
class Coding:
    """One code of one system."""

    system: str
    code: str
    display: str = ""

    @property
    def shown(self) -> str:
        """As a report shows it."""
        return f"{self.system}|{self.code}"


@dataclass(frozen=True, slots=True)
class Element:
    """A JSON object of a resource, with its path."""

    value: Mapping[str, Any]
    path: str

    def __contains__(self, name: str) -> bool:
        return name in self.value

    def child(self, name: str) -> "Element | None":
        """The object under a name. Raises `CellError` where something else stands there."""
        found = self.value.get(name)
        return None if found is None else _object(found, f"{self.path}.{name}")

    def need(self, name: str) -> "Element":
        """The object under a name, which must be there."""
        found = self.child(name)
        if found is None:
            raise self.missing(name)
        return found

    def children(self, name: str) -> list["Element"]:
        """The objects of a list."""
        found = self.value.get(name, [])
        if not isinstance(found, list):
            raise self.fault(RefusalReason.NOT_FHIR, name, detail="a list belongs here")
        return [_object(one, f"{self.path}.{name}[{number}]") for number, one in enumerate(found)]

    def text(self, name: str) -> str | None:
        """The text under a name; None where there is none."""
        found = self.value.get(name)
        if found is None:
            return None
        if not isinstance(found, str) or not found.strip():
            raise self.fault(RefusalReason.NOT_FHIR, name, str(found), detail="text belongs here")
        return found

    def need_text(self, name: str) -> str:
        """The text under a name, which must be there."""
        found = self.text(name)
        if found is None:
            raise self.missing(name)
        return found

    def moment(self, name: str, zone: tzinfo) -> datetime | None:
        """The moment under a name; a whole date is its first moment in `zone`."""
        found = self.text(name)
        if found is None:
            return None
        if _MOMENT.fullmatch(found):
            return self._in_calendar(name, datetime.fromisoformat, found)
        return datetime.combine(self._day(name, found), time(), tzinfo=zone)

    def day(self, name: str) -> date | None:
        """The civil date under a name; a moment's own day."""
        found = self.text(name)
        return None if found is None else self._day(name, found[:10] if _MOMENT.fullmatch(found) else found)

    def codings(self, name: str) -> list[Coding]:
        """The codes of a CodeableConcept, or of a list of them."""
        several = isinstance(self.value.get(name), list)
        concepts = self.children(name) if several else [one for one in (self.child(name),) if one is not None]
        return [
            Coding(coding.text("system") or "", coding.need_text("code"), coding.text("display") or "")
            for concept in concepts
            for coding in concept.children("coding")
            if "code" in coding
        ]

    def code_of(self, name: str, system: str) -> str | None:
        """The code of one system in a CodeableConcept; None where it has none of it."""
        return next((one.code for one in self.codings(name) if one.system == system), None)

    def missing(self, name: str) -> CellError:
        """The refusal of an element that is not there."""
        return CellError(RefusalReason.MISSING, column=f"{self.path}.{name}")

    def fault(self, reason: RefusalReason, name: str, value: str = "", detail: str = "") -> CellError:
        """The refusal of an element."""
        return CellError(reason, column=f"{self.path}.{name}", value=value, detail=detail)

    def _day(self, name: str, found: str) -> date:
        if _DAY.fullmatch(found) is None:
            raise self.fault(RefusalReason.NOT_A_DATE, name, found, detail="a whole date or moment is needed")
        return self._in_calendar(name, date.fromisoformat, found)

    def _in_calendar(self, name: str, read: Callable[[str], _Date], found: str) -> _Date:
        try:
            value = read(found)
        except ValueError:
            raise self.fault(RefusalReason.NOT_A_DATE, name, found) from None
        if not FIRST_YEAR <= value.year <= LAST_YEAR:
            raise self.fault(RefusalReason.NOT_A_DATE, name, found, detail=f"outside {FIRST_YEAR} to {LAST_YEAR}")
        return value


def _object(found: Any, path: str) -> Element:  # noqa: ANN401 - whatever the JSON holds
    if not isinstance(found, dict):
        raise CellError(RefusalReason.NOT_FHIR, column=path, value=str(found), detail="an object belongs here")
    return Element(found, path)
