"""The JSON Schema of mapping files, for editors: `python -m adapters.connectors.mapping_schema` writes it beside this module.

Invariant: the file is generated from the models; a test fails where it is not current.
"""

import json
from pathlib import Path
from typing import Final

from adapters.connectors.mapping import Mapping

FILE: Final = Path(__file__).with_name("mapping.schema.json")


def schema_text() -> str:
    """The schema (JSON Schema 2020-12) as it stands in the file."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Mapping.model_json_schema(by_alias=True)}
    return json.dumps(schema, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    FILE.write_text(schema_text(), encoding="utf-8")
