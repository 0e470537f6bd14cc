"""A connector at a unit's desk: entries recorded evenly spread over time, some in each transaction, by a process of its own.

Run as a process, `python -m tests.benchmarks.desk_load HOME UNIT CLIENTS COUNT RATE`, it prints what was recorded: message ids, each with the
monotonic second at which it was in the outbox.
"""

import json
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path

from adapters.desk.recorded import RecordedState
from adapters.drafts import ClientKey, Draft
from adapters.process.unit_house import UnitHouse
from adapters.settings import load_settings
from contracts.categories import Category
from contracts.messages.need import NeedAssessed, NeedContent
from contracts.names import MessageId, UnitId

_TOGETHER = 5
"""Entries in one transaction."""
_TEXT = "x" * 560


def _record(
    house: UnitHouse, clients: Sequence[ClientKey], *, count: int, rate: float
) -> Iterator[tuple[MessageId, float]]:
    began = time.monotonic()
    asked = cycle(clients)
    for number in range(0, count, _TOGETHER):
        time.sleep(max(0.0, began + number / rate - time.monotonic()))
        drafts = [_draft(house, client) for client in islice(asked, min(_TOGETHER, count - number))]
        recorded = list(house.desk.record_many(drafts, bulk=False))
        at = time.monotonic()
        for one in recorded:
            if one.state is not RecordedState.WAITING or one.message_id is None:
                raise ValueError(f"not on its way: {one}")
            yield one.message_id, at


def _draft(house: UnitHouse, client: ClientKey) -> Draft:
    facts, content = NeedAssessed(dimension="skills"), NeedContent(finding=_TEXT)
    return Draft(client, facts, house.clock.now(), content=content, category=Category.SKILLS)


def main() -> None:
    """Record once."""
    home, unit, clients, count, rate = sys.argv[1:]
    house = UnitHouse.open(load_settings(Path(home)), UnitId(unit))
    names = [ClientKey(name) for name in clients.split(",")]
    recorded = list(_record(house, names, count=int(count), rate=float(rate)))
    house.close()
    print(json.dumps(recorded))  # noqa: T201 - what was recorded is this process's answer


if __name__ == "__main__":
    main()
