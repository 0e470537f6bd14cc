"""Resources from files: a folder of them, one file, Bundles among them; each with its place, so that a refusal can name it.

Invariants: a file is read whole or refused; names twice in one object are refused, numbers keep the digits that they were written with; no file is
larger than `LARGEST`, since it is held in memory.
"""

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NoReturn

from adapters.connectors.fhir.elements import Element
from adapters.connectors.fhir.resources import Resource
from adapters.connectors.refusal import CellError, Refusal, RefusalReason
from adapters.errors import AdapterError

LARGEST: Final = 64 * 1024 * 1024
"""Bytes of one file."""
SUFFIX: Final = ".json"

Refuse = Callable[[Refusal], None]


class FhirPlaceError(AdapterError):
    """There is nothing to import at this place."""


def files_at(path: Path) -> list[Path]:
    """The JSON files of a folder in alphabetical order, or the one file. Raises `FhirPlaceError`."""
    try:
        found = [path] if path.is_file() else sorted(one for one in path.iterdir() if one.suffix.casefold() == SUFFIX)
    except OSError as error:
        raise FhirPlaceError(
            f"{path} cannot be read: {error.strerror}", advice="Check the name, and that this user may open it."
        ) from error
    if not found:
        raise FhirPlaceError(f"There is no {SUFFIX} file in {path}", advice="Name a folder of resources, or a Bundle.")
    return found


def read_file(path: Path, refuse: Refuse) -> Iterator[Resource]:
    """The resources of a file; what cannot be read is refused."""
    try:
        yield from _resources(path.name, _document(path), refuse)
    except CellError as error:
        refuse(error.at(path.name, 0))


def _resources(file: str, document: Any, refuse: Refuse) -> Iterator[Resource]:  # noqa: ANN401 - whatever the file holds
    whole = _resource(file, 1, document)
    if whole.kind != "Bundle":
        yield whole
        return
    for number, entry in enumerate(whole.element.children("entry"), start=1):
        try:
            if "resource" in entry:
                yield _resource(file, number, entry.value["resource"], entry.text("fullUrl"))
        except CellError as error:
            refuse(error.at(file, number))


def _resource(file: str, number: int, value: Any, url: str | None = None) -> Resource:  # noqa: ANN401 - see above
    if not isinstance(value, dict):
        raise CellError(RefusalReason.NOT_FHIR, column="", detail="a resource is a JSON object")
    kind = value.get("resourceType")
    if not isinstance(kind, str) or not kind.isalpha():
        raise CellError(RefusalReason.NOT_FHIR, column="resourceType", value=str(kind or ""))
    return Resource(kind, Element(value, kind), file, number, url)


def _document(path: Path) -> Any:  # noqa: ANN401 - whatever the file holds
    try:
        if path.stat().st_size > LARGEST:
            raise CellError(RefusalReason.FILE_UNREADABLE, column="", detail=f"larger than {LARGEST} bytes")
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise CellError(RefusalReason.NOT_TEXT, column="", detail="FHIR's JSON is UTF-8") from None
    except OSError as error:
        raise CellError(RefusalReason.FILE_UNREADABLE, column="", detail=error.strerror or "") from None
    try:
        return json.loads(text, object_pairs_hook=_members, parse_float=Decimal, parse_constant=_constant)
    except (ValueError, RecursionError, ArithmeticError) as error:
        raise CellError(RefusalReason.NOT_FHIR, column="", detail=_shortly(error)) from None


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _shortly(error: Exception) -> str:
    """What is wrong and where, without the text itself."""
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg}, line {error.lineno}"
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)[:80]
