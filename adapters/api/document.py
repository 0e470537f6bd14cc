"""The API's own description: an OpenAPI 3.1 document, made from the routes and from the models that judge the bodies.

Invariants: the same code makes the same document; every body, answer and scope in it is the one that the route uses.
"""

import json
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, Final

from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter

from adapters.api import drafts, moves
from adapters.api.app import create_app
from adapters.api.drafts import SPECS
from adapters.api.moves import MOVES
from adapters.api.problems import Problem, ProblemCode
from adapters.api.routing import BODIES, SCOPE, TAKES
from adapters.process.tokens import Scope
from contracts.catalogue import spec_of
from contracts.categories import WHOLLY_SEALED
from contracts.explained import explained
from contracts.golden_corpus.examples import examples

_CLIENT: Final = "2026/117"
_REFS: Final = "#/components/schemas/{model}"
_TOKEN: Final = "token"  # noqa: S105 - the name of a security scheme
_ABOUT: Final = """\
What `spojka-adapter` does at a command line, for other systems of the same institution.

Every request bears a token of one unit: `Authorization: Bearer …`, made by `spojka-adapter token new` with the scopes that it needs. A client is
named by the unit's own case number. Whoever looks at a client's path says who it is (`Spojka-Actor`, role and pseudonym) and what for
(`Spojka-Purpose`): each look is reported and shown to the client.

What is recorded is sent with an `Idempotency-Key`: the same request sent again is done once. Every answer that is no success is a problem (RFC 9457)
with a `code` for machines and `advice` for people. Lists come in pages: send `next` back as `cursor`.
"""

Document = dict[str, Any]


def document() -> Document:
    """The document, whole."""
    app = create_app(())
    described = get_openapi(
        title=app.title,
        version=app.version,
        openapi_version="3.1.0",
        summary="Consents, referrals and entries of one unit, for its own systems",
        description=_ABOUT + _codes(),
        routes=app.routes,
        tags=[{"name": name, "description": text} for name, text in _THEMES.items()],
        license_info={"name": "EUPL-1.2", "identifier": "EUPL-1.2"},
        servers=[{"url": "http://127.0.0.1:8464", "description": "On the machine of the adapter"}],
    )
    schemas: Document = described.setdefault("components", {}).setdefault("schemas", {})
    schemas |= _bodies()
    schemas[Problem.__name__] = Problem.model_json_schema(ref_template=_REFS) | {}
    schemas |= schemas[Problem.__name__].pop("$defs", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    described["components"]["securitySchemes"] = {
        _TOKEN: {"type": "http", "scheme": "bearer", "description": _scopes()}
    }
    for operations in described["paths"].values():
        for operation in operations.values():
            _complete(operation)
    return described


def text() -> str:
    """The document as it is published: `adapters/api/openapi.json`."""
    return json.dumps(document(), ensure_ascii=False, indent=1) + "\n"


_THEMES: Final = {
    "entries": "What the unit records, of any type, and what became of it.",
    "clients": "Whom the unit works with.",
    "paths": "What is shared about one client, and with whom. Every look is reported.",
    "reports": "What a client is handed about themselves, and who looked.",
    "referrals": "Asking other units to help, and answering them.",
    "consents": "What the client agreed to, and took back.",
    "rights": "What the client may ask of everyone who shares: restriction and erasure.",
    "corrections": "What was refused and waits for a person.",
    "line": "How the connection is, and what waits to be sent.",
    "webhooks": "Where news of this unit are sent.",
}


def _bodies() -> Document:
    asked: list[tuple[str, Any, TypeAdapter[Any]]] = [
        (name, "validation", takes.adapter) for name, takes in sorted(BODIES.items())
    ]
    by_name, definitions = TypeAdapter.json_schemas(asked, ref_template=_REFS)
    schemas: Document = dict(definitions.get("$defs", {}))
    for (name, _), schema in by_name.items():
        if schema.get("$ref") != _REFS.format(model=name):
            schemas[name] = schema
    for name, example in shown_by_example():
        schemas[name].setdefault("examples", []).append(example)
    return schemas


def shown_by_example() -> Iterator[tuple[str, Document]]:
    """The exchange's own examples as bodies of this API, each with the name of its schema: entries of every type, and moves."""
    for one in examples():
        spec = spec_of(one.facts)
        if spec.type not in SPECS:
            continue
        facts = one.facts.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
        content = None if one.content is None else one.content.model_dump(mode="json", exclude_none=True)
        entry = {
            "type": spec.type, "client": _CLIENT, "category": one.category, "corrects": one.corrects, "facts": facts, "content": content,
        }  # fmt: skip
        yield drafts.model_name(spec), {name: value for name, value in entry.items() if value is not None}
        move = spec.name.removeprefix("referral.")
        if move in MOVES and spec.stream == "referral" and one.category not in WHOLLY_SEALED:
            own = {name: value for name, value in facts.items() if name != "referral_id"}
            yield moves.model_name(move), {"move": move, **own}


def _complete(operation: Document) -> None:
    """Body, security and answers as they are; FastAPI's own 422 is never given."""
    scope = operation[SCOPE]
    operation["security"] = [{_TOKEN: [scope]}]
    takes = operation.pop(TAKES, None)
    if takes is not None:
        schema = {"$ref": _REFS.format(model=takes)}
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    else:
        operation["responses"].pop("422", None)


def _codes() -> str:
    about = "Codes of this API (what the unit's rules refuse bears the exchange's own codes):"
    return f"\n{about}\n\n{_table(ProblemCode, 'code', 'meaning')}"


def _scopes() -> str:
    return f"A token of one unit, with scopes.\n\n{_table(Scope, 'scope', 'opens')}"


def _table(kind: type[StrEnum], name: str, meaning: str) -> str:
    rows = [f"| `{code}` | {text} |" for code, text in explained(kind).items()]
    return "\n".join([f"| {name} | {meaning} |", "|---|---|", *rows, ""])
