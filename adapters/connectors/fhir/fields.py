"""Fields of our facts and content as FHIR extensions, and back.

Invariant: whatever a message type's fields are, as long as they are flat, `read(write(fields)) == fields`: one added to a type later travels too,
without a line here.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final

from pydantic import BaseModel

from adapters.connectors.fhir.elements import Element
from adapters.connectors.fhir.systems import EXTENSION, Json
from adapters.connectors.refusal import RefusalReason

_IN: Final = f"{EXTENSION}in/"
"""Fields of the content that a person wrote."""
_KINDS: Final[Mapping[str, type]] = {"valueBoolean": bool, "valueInteger": int, "valueString": str}


def dumped(part: BaseModel | None) -> Json:
    """A part's fields as JSON values."""
    return {} if part is None else part.model_dump(mode="json", exclude_none=True)


def write(fields: Mapping[str, Any], *, without: Collection[str] = (), content: bool = False) -> list[Json]:
    """An extension each field, but for those that stand in an element of their own; of a list one each member."""
    base = _IN if content else EXTENSION
    return [
        {"url": f"{base}{name}", **_value(one)}
        for name, value in fields.items()
        if name not in without
        for one in (value if isinstance(value, list) else [value])
    ]


def read(element: Element, *, lists: Collection[str] = (), content: bool = False) -> Json:
    """The fields that extensions of an element carry. Raises `CellError`."""
    base = _IN if content else EXTENSION
    found: Json = {}
    for one in element.children("extension"):
        url = one.need_text("url")
        name = url.removeprefix(base)
        if not url.startswith(base) or "/" in name:
            continue
        if name in lists:
            found.setdefault(name, []).append(_read(one))
        elif name in found:
            raise one.fault(RefusalReason.NOT_FHIR, "url", url, detail="twice")
        else:
            found[name] = _read(one)
    return found


def _value(value: Any) -> Json:  # noqa: ANN401 - any JSON value
    match value:
        case bool():
            return {"valueBoolean": value}
        case int():
            return {"valueInteger": value}
        case _:
            return {"valueString": str(value)}


def _read(one: Element) -> Any:  # noqa: ANN401 - any JSON value
    for name, kind in _KINDS.items():
        value = one.value.get(name)
        if type(value) is kind:
            return value
    raise one.fault(RefusalReason.NOT_FHIR, "value[x]", detail="boolean, integer or string")
