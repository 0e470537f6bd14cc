"""A vendor's system takes what a client is handed: as published, gone through, reported, and under its own scope."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from adapters.process.tokens import Scope
from adapters.reports.flow import Reporting
from contracts.names import ActorId
from deploy.publish_contracts import FOLDER
from tests.integration.api.api_rig import OP, READER, UP, Place, reviewed_report

if TYPE_CHECKING:
    from contracts.names import SubjectId


def subject(place: Place) -> SubjectId:
    with place.houses[OP].store.read() as tx:
        found = tx.clients.subject_of("case-1")  # type: ignore[arg-type] # a client key in a test
    assert found is not None
    return found


def valid(document: dict[str, Any]) -> bool:
    name = document["document"].removeprefix("urn:spojka:schema:")
    published = json.loads((FOLDER / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8"))
    return bool(Draft202012Validator(published).is_valid(document))


@pytest.mark.parametrize("path", ["/reports/1", "/reports/1/portable-copy"])
def test_it_is_the_published_document_and_each_time_is_reported(place: Place, path: str) -> None:
    place.consented()
    reviewed_report(place)
    before = len(place.looks())
    answer = place.get(path)
    assert answer.status_code == 200
    assert valid(answer.json())
    assert answer.json()["case_number"] == "case-1"
    assert [look["outcome"] for look in place.looks()[before:]] == ["read"]
    assert answer.headers["cache-control"] == "private, no-store"
    with place.houses[OP].store.read() as tx:
        assert [one.standing for one in tx.reports.all()] == ["given"]


def test_what_nobody_has_gone_through_is_refused_and_the_attempt_reported(place: Place) -> None:
    place.consented()
    Reporting(place.houses[OP], ActorId("adviser/w1")).draft(subject(place))
    before = len(place.looks())
    answer = place.get("/reports/1")
    assert (answer.status_code, answer.json()["code"]) == (403, "not-allowed")
    assert [(look["outcome"], look["reason"]) for look in place.looks()[before:]] == [("refused", "not-reviewed")]


def test_an_attempt_on_a_report_with_a_token_that_does_not_open_it_is_reported(place: Place) -> None:
    place.consented()
    reviewed_report(place)
    before = len(place.looks())
    for token in (place.token(OP, Scope.LINE_READ), place.tokens[UP]):
        answer = place.get("/reports/1", headers={**READER, "Authorization": f"Bearer {token}"})
        assert answer.status_code == 403
    place.get("/reports/7", headers={**READER, "Authorization": f"Bearer {place.tokens[UP]}"})
    assert [(one["reader_unit"], one["reason"]) for one in place.looks()[before:]] == [
        (OP, "no-scope"),
        (UP, "other-unit"),
    ]


def test_a_report_for_one_purpose_is_not_taken_for_another(place: Place) -> None:
    place.consented()
    reviewed_report(place)
    answer = place.get("/reports/1", headers={**READER, "Spojka-Purpose": "control"})
    assert answer.status_code == 403
    assert place.looks()[-1]["reason"] == "other-purpose"


def test_who_looked_is_the_published_document_without_a_workers_pseudonym(place: Place) -> None:
    place.consented()
    place.get("/timeline", client="case-1")
    answer = place.get("/accesses", client="case-1")
    assert valid(answer.json())
    assert [(line["role"], line["outcome"]) for line in answer.json()["lines"]] == [
        (READER["Spojka-Actor"].partition("/")[0], "read")
    ]
    assert READER["Spojka-Actor"].partition("/")[2] not in answer.text
