"""The two parts of a message's data: facts in clear, and what can only be sealed.

Invariant: a field marked `coded` is a code about the person: in a special or criminal category it is absent from the facts and stands in the
sealed content instead, so that there only the routing attributes are clear (DESIGN section 5).
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue


class Facts(BaseModel):
    """Facts of one message type: frozen, closed, strict."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class SealedContent(BaseModel):
    """What one message type seals: frozen, closed, strict. Never read by the hub."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Clear(BaseModel):
    """Content in clear, accepted only in a programme on trial."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    form: Literal["clear"] = "clear"
    content: dict[str, JsonValue]


class Jwe(BaseModel):
    """Content as JWE in compact form, RFC 7516 section 7.1."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    form: Literal["jwe"] = "jwe"
    jwe: Annotated[str, Field(min_length=1, pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*){4}$")]


Sealed = Annotated[Clear | Jwe, Field(discriminator="form")]


def coded(*, required: bool = True) -> Any:  # noqa: ANN401 - as pydantic.Field, it stands where a default of any type does
    """A field with a code about the person; `required` unless the category seals it."""
    return Field(default=None, json_schema_extra={"x-spojka-coded": "required" if required else "optional"})


def coded_fields(facts: type[Facts]) -> dict[str, bool]:
    """The coded fields of a type, each with whether it is required where the category is an ordinary one."""
    found = {}
    for name, field in facts.model_fields.items():
        extra = field.json_schema_extra
        if isinstance(extra, dict) and "x-spojka-coded" in extra:
            found[name] = extra["x-spojka-coded"] == "required"
    return found
