"""An import at a unit's desk as fast as the desk takes it, by a process of its own.

Run as a process, `python -m tests.benchmarks.import_desk HOME UNIT CLIENTS COUNT`, it says `ready`, waits for a line, records so many entries, evenly
over its clients, and prints the CPU seconds that this took.
"""

import sys
import time
from itertools import cycle, islice
from pathlib import Path

from adapters.connectors.import_command import seldom_collected
from adapters.desk.recorded import RecordedState
from adapters.drafts import ClientKey, Draft
from adapters.process.unit_house import UnitHouse
from adapters.settings import load_settings
from contracts.categories import Category
from contracts.messages.need import NeedAssessed, NeedContent
from contracts.names import UnitId

_TEXT = "x" * 560


def main() -> None:
    """Record once."""
    home, unit, clients, count = sys.argv[1:]
    house = UnitHouse.open(load_settings(Path(home)), UnitId(unit))
    names = [ClientKey(name) for name in clients.split(",")]
    facts, content = NeedAssessed(dimension="skills"), NeedContent(finding=_TEXT)
    asked = islice(cycle(names), int(count))
    print("ready", flush=True)  # noqa: T201 - the caller starts the clock
    sys.stdin.readline()
    before = time.process_time()
    at = house.clock.now()
    drafts = (Draft(client, facts, at, content=content, category=Category.SKILLS) for client in asked)
    with seldom_collected():
        for one in house.desk.record_many(drafts):
            if one.state is not RecordedState.WAITING:
                raise ValueError(f"not on its way: {one}")
    print(time.process_time() - before)  # noqa: T201 - this process's answer
    house.close()


if __name__ == "__main__":
    main()
