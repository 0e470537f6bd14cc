"""A vendor's system sends whatever the document allows, and what it does not: every answer is one that the document declares."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from adapters.api import drafts, moves
from adapters.api.document import document, shown_by_example
from adapters.api.drafts import DRAFT
from adapters.api.moves import MOVE
from adapters.api.problems import ProblemCode
from adapters.process.tokens import Scope
from tests.integration.api.api_rig import reviewed_report, routes_of

if TYPE_CHECKING:
    from schemathesis import Case

    from tests.integration.api.api_rig import Place

CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@dataclass
class Present:
    """The application of the test that runs: schemathesis remembers the first that it is given."""

    app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI's own
        await self.app(scope, receive, send)


NOW: Final = Present()


def _found(operation: Any) -> Any:  # noqa: ANN401 - schemathesis' own result type
    return operation.ok()


SCHEMA: Final = schemathesis.openapi.from_dict(document(), config=SchemathesisConfig())
SCHEMA.app = NOW
OPERATIONS: Final[dict[str, Any]] = {one.label: one for one in map(_found, SCHEMA.get_all_operations())}
EXAMPLES: Final = settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def test_the_document_names_every_route(place: Place) -> None:
    described = {(path, method.upper()) for path, item in document()["paths"].items() for method in item}
    assert described == {(route.path, method) for route in routes_of(place.app) for method in route.methods or ()}


def test_every_example_in_the_document_is_taken_by_the_model_that_judges_it() -> None:
    shown = list(shown_by_example())
    for name, example in shown:
        judge = MOVE if "move" in example else DRAFT
        assert judge.adapter.validate_json(json.dumps(example)), name
    assert {name for name, _ in shown} >= {drafts.model_name(spec) for spec in drafts.SPECS.values()}
    assert {name for name, _ in shown} >= {moves.model_name(move) for move in moves.MOVES}


def test_every_operation_body_and_answer_is_described() -> None:
    written = document()
    for path, item in written["paths"].items():
        for method, operation in item.items():
            assert operation["summary"], (method, path)
            assert operation["security"] == [{"token": [operation["x-spojka-scope"]]}]
    for code in (*ProblemCode, *Scope):
        assert (
            f"| `{code}` | "
            in written["info"]["description"] + written["components"]["securitySchemes"]["token"]["description"]
        )


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_what_the_document_allows_gets_a_declared_answer(place: Place, name: str) -> None:
    ids = known_ids(place)

    @given(case=OPERATIONS[name].as_strategy(generation_mode=GenerationMode.POSITIVE), real=st.booleans())
    @EXAMPLES
    def ask(case: Case[Any], *, real: bool) -> None:
        prepared(case, place, ids if real else {})
        case.call_and_validate(checks=CHECKS)

    ask()


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_what_the_document_does_not_allow_is_refused_as_declared(place: Place, name: str) -> None:
    ids = known_ids(place)

    @given(case=OPERATIONS[name].as_strategy(generation_mode=GenerationMode.NEGATIVE), real=st.booleans())
    @EXAMPLES
    def ask(case: Case[Any], *, real: bool) -> None:
        negated = {where for where, how in case.meta.components.items() if how.mode.is_negative} if case.meta else set()
        prepared(case, place, ids if real else {})
        judged = ParameterLocation.BODY in negated  # the rest is put right above, or may be more than is asked for
        case.call_and_validate(checks=[*CHECKS, negative_data_rejection] if judged else CHECKS)

    ask()


def known_ids(place: Place) -> dict[str, str]:
    """What is there, so that requests get beyond 404."""
    consent = place.consented()
    sent = {"client": "case-1", "to": "up", "category": "housing", "answer_due": "2026-02-20"}
    referral = place.post("/referrals", sent).json()["referral"]
    place.post("/referrals", {**sent, "to": "nobody"})
    message = place.post("/clients", {"client": "case-2"}).json()["message"]
    hook = {"name": "intranet", "url": "https://intranet.example/", "secret": "whsec_" + "A" * 44}
    place.post("/webhooks", hook)
    reviewed_report(place)
    return {
        "referral_id": referral,
        "consent_id": consent,
        "message_id": message,
        "number": "1",
        "name": "intranet",
    }


def prepared(case: Case[Any], place: Place, ids: dict[str, str]) -> None:
    """The unit and its token as they are; where `ids` are given, what the path names is there."""
    NOW.app = place.app
    case.path_parameters["unit"] = "op"
    case.path_parameters.update({name: value for name, value in ids.items() if name in case.path_parameters})
    case.headers["Authorization"] = place.headers()["Authorization"]
    if ids and "client" in case.query:
        case.query["client"] = "case-1"
