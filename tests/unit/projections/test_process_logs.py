"""A log that goes to whoever supports a unit tells nothing about its clients."""

from __future__ import annotations

import json
import logging
from io import StringIO
from typing import TYPE_CHECKING

import pytest
import structlog
from pydantic import BaseModel

from contracts.errors import ContractsError
from projections.process.logs import set_up_logs

if TYPE_CHECKING:
    from collections.abc import Iterator


class Client(BaseModel):
    birth_year: int


@pytest.fixture
def stream() -> Iterator[StringIO]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    written = StringIO()
    set_up_logs("test", stream=written)
    yield written
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()


def lines(stream: StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_field_that_nobody_allowed_does_not_reach_the_log(stream: StringIO) -> None:
    structlog.get_logger("spojka.test").info("looked", unit="op", family_name="Novák")
    (line,) = lines(stream)
    assert (line["event"], line["unit"], line["process"], line["left_out"]) == ("looked", "op", "test", 1)
    assert "Novák" not in stream.getvalue()


def test_an_error_that_quotes_its_input_is_told_without_it(stream: StringIO) -> None:
    try:
        Client.model_validate({"birth_year": "Novák, 1979"})
    except ValueError:
        structlog.get_logger("spojka.test").exception("failed")
    (line,) = lines(stream)
    assert line["error"] == "pydantic_core._pydantic_core.ValidationError"
    assert "test_process_logs.py" in str(line["raised_at"]) or "main.py" in str(line["raised_at"])
    assert "Novák" not in stream.getvalue()


def test_our_own_errors_tell_what_to_do(stream: StringIO) -> None:
    error = ContractsError("a list is missing", advice="Ask the operator.")
    structlog.get_logger("spojka.test").warning("refused", exc_info=error)
    (line,) = lines(stream)
    assert (line["problem"], line["advice"]) == ("a list is missing", "Ask the operator.")


def test_lines_of_libraries_are_json_too(stream: StringIO) -> None:
    logging.getLogger("aiokafka").warning("no broker at %s", "localhost:1")
    (line,) = lines(stream)
    assert (line["event"], line["level"], line["logger"]) == ("no broker at localhost:1", "warning", "aiokafka")
