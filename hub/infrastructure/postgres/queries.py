"""Named SQL: `sql/<file>.sql` holds queries, each headed by a line `-- name: <name>`.

Invariants: names are unique in their file; the text is sent as it stands, values go beside it.
"""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

_HEADING = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@cache
def queries(file: str) -> Mapping[str, bytes]:
    """The queries of `sql/<file>.sql` by name. Raises `ValueError` for a name that stands there twice."""
    text = files(__package__).joinpath("sql", f"{file}.sql").read_text("utf-8")
    _, *parts = _HEADING.split(text)
    names, bodies = parts[::2], parts[1::2]
    if len(set(names)) != len(names):
        raise ValueError(f"sql/{file}.sql names a query twice")
    return {name: body.strip().removesuffix(";").encode() for name, body in zip(names, bodies, strict=True)}
