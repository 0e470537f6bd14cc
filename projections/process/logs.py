"""Logs as JSON lines on stderr, for people and machines.

Invariants: a line holds only fields of `FIELDS`, so that nothing about a person reaches a log by a forgotten keyword; an exception shows its class,
where it was raised, and its own text only if it is one of ours, whose texts hold no content (a validation error of pydantic, for one, quotes the
input). Lines of the libraries go the same way.
"""

import logging
import sys
from collections.abc import MutableMapping
from pathlib import Path
from traceback import extract_tb
from typing import Any, Final, TextIO

import structlog
from structlog.typing import Processor

FIELDS: Final = frozenset(
    {
        "event",
        "level",
        "timestamp",
        "logger",
        "process",
        "programme",
        "unit",
        "message_id",
        "type",
        "code",
        "reason",
        "state",
        "count",
        "seconds",
        "topic",
        "partition",
        "offset",
        "incarnation",
        "shard",
        "generation",
        "sequence",
        "from_sequence",
        "position",
        "version",
        "epoch",
        "attempt",
        "port",
        "path",
        "key_id",
        "problem",
        "advice",
        "error",
        "raised_at",
    }
)
"""Every field that a log line may have. Add one only if it can never hold anything about a person."""

_LEFT_OUT: Final = "left_out"


def set_up_logs(process: str, *, level: int = logging.INFO, stream: TextIO | None = None) -> None:
    """Send all logs of this process, structlog's and the standard library's, as JSON lines to `stream` (default: stderr)."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        tell_errors,
        _named(process),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                only_known_fields,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)


def only_known_fields(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:  # noqa: ANN401 - structlog's signature
    """Leave out what `FIELDS` does not name, and say how many."""
    unknown = [name for name in event if name not in FIELDS]
    for name in unknown:
        del event[name]
    if unknown:
        event[_LEFT_OUT] = len(unknown)
    return event


def tell_errors(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:  # noqa: ANN401 - structlog's signature
    """Turn `exc_info` into class, place and, of our own errors, problem and advice."""
    given = event.pop("exc_info", None)
    if given is True:
        given = sys.exc_info()
    error = given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event.update(described(error))
    return event


def described(error: BaseException) -> dict[str, str]:
    """An error without anything that a person wrote: its class, where it was raised, and the text of our own errors."""
    told = {"error": f"{type(error).__module__}.{type(error).__qualname__}"}
    frames = extract_tb(error.__traceback__)
    if frames:
        told["raised_at"] = f"{Path(frames[-1].filename).name}:{frames[-1].lineno} {frames[-1].name}"
    for name in ("problem", "advice"):
        text = getattr(error, name, None)
        if isinstance(text, str):
            told[name] = text
    return told


def _named(process: str) -> Processor:
    def add(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:  # noqa: ANN401 - structlog's signature
        event["process"] = process
        return event

    return add
