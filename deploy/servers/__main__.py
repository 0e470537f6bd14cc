"""Gets what the servers need on this machine and says what cannot be had: `python -m deploy.servers`.

Always ends with 0: tests that need what is missing are skipped with the same words, and .ci/run does not accept that.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from deploy.servers import postgres_programs
from deploy.servers.errors import ServerError
from deploy.servers.java import java
from deploy.servers.kafka_jars import kafka_jars


def missing(*, of: dict[str, Callable[[], object]]) -> dict[str, str]:
    """Which of these components cannot be had, and what to do about each."""
    reasons = {}
    for name, get in of.items():
        try:
            get()
        except ServerError as error:
            reasons[name] = str(error)
    return reasons


def main() -> None:
    """Get everything; explain the rest on stderr."""
    components: dict[str, Callable[[], object]] = {
        "PostgreSQL": postgres_programs.programs,
        "Java": java,
        "Apache Kafka": kafka_jars,
    }
    for name, reason in missing(of=components).items():
        print(f"{name}: {reason}", file=sys.stderr)


if __name__ == "__main__":
    main()
