"""The client libraries' log, at a rate that a person can read.

While a broker is away aiokafka writes several warnings a second. Invariant: the first of each kind always shows, then at
most one of a kind in `EVERY` seconds, which tells how many were left out.
"""

from __future__ import annotations

import logging
import time

EVERY = 30.0
"""Seconds between two lines of one kind (logger, level and message template)."""


class RateLimit(logging.Filter):
    """Let one line of a kind through per `EVERY` seconds."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: dict[tuple[str, int, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is written."""
        kind = (record.name, record.levelno, str(record.msg))
        shown_at, left_out = self._shown.get(kind, (float("-inf"), 0))
        now = time.monotonic()
        if now - shown_at < EVERY:
            self._shown[kind] = (shown_at, left_out + 1)
            return False
        self._shown[kind] = (now, 0)
        if left_out:
            record.msg = f"{record.msg} (and {left_out} like it since)"
        return True


_limit = RateLimit()


def quiet_client_logs() -> None:
    """Rate-limit every logger of aiokafka and FastStream made so far; calling it again changes nothing."""
    names = [name for name in logging.root.manager.loggerDict if name.split(".")[0] in {"aiokafka", "faststream"}]
    for name in (*names, "spojka.kafka", "spojka.kafka.faststream"):
        logging.getLogger(name).addFilter(_limit)
