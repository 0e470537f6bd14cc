"""A code list as the type of a pydantic field: `Annotated[str, CodeOf("decline-reason")]`.

Invariants: exactly the codes of the list pass, as they are (no case folding, no trimming: signed bytes are never
mended); the JSON Schema has the codes as `enum`, in the list's order; the error names the nearest codes.
"""

from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError
from pydantic_core.core_schema import no_info_after_validator_function, str_schema

from contracts.code_lists.lists import load


@dataclass(frozen=True, slots=True)
class CodeOf:
    """Marks a `str` as a code of one list; a missing list raises UnknownListError as the model is defined."""

    name: str

    def __get_pydantic_core_schema__(self, source: type[Any], handler: GetCoreSchemaHandler) -> CoreSchema:
        """A frozenset look-up behind the check that it is text; pydantic's error type is `unknown-code`."""
        del source, handler  # the marker alone decides: strict text, whatever the model's own strictness
        code_list = load(self.name)
        known = code_list.codes

        def check(code: str) -> str:
            if code in known:
                return code
            context = {"list": code_list.name, "advice": code_list.advice(code)}
            raise PydanticCustomError("unknown-code", "not in the code list {list}; {advice}", context)

        return no_info_after_validator_function(check, str_schema(strict=True))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """`enum` with the codes, and the list's IRI and version as the description."""
        code_list = load(self.name)
        described = handler(schema)
        described["enum"] = [concept.notation for concept in code_list.concepts]
        described["description"] = f"Code list {code_list.iri} {code_list.version}"
        return described
