"""What the kit asks of our own adapter: `python -m tests.conformance.own_adapter_act HOME UNIT`, the wish as JSON on standard input."""

import json
import sys
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from adapters.desk.actions.consents import Paper, Terms
from adapters.desk.actions.duties import Statement
from adapters.drafts import ClientKey
from adapters.process.unit_house import UnitHouse
from adapters.settings import load_settings
from contracts.categories import Category
from contracts.grants import to_unit
from contracts.names import ObligationId, UnitId

Wish = Mapping[str, Any]
PATIENCE = 100.0


def admitted(house: UnitHouse, unit: UnitId) -> None:
    """Wait until the running adapter has read the list that admits a unit: a desk refuses what names a stranger."""
    deadline = time.monotonic() + PATIENCE
    while unit not in (house.book.reload() or house.directory).units:
        if time.monotonic() > deadline:
            raise TimeoutError(f"no trust list that names {unit} was read")
        time.sleep(0.1)


def take_consent(house: UnitHouse, wish: Wish) -> None:
    admitted(house, UnitId(wish["recipient"]))
    terms = Terms(
        sources=[house.unit],
        recipients=[to_unit(UnitId(wish["recipient"]))],
        categories=[Category(one) for one in wish["categories"]],
        until=datetime.fromisoformat(wish["until"]),
    )
    house.desk.take_consent(ClientKey(wish["client"]), terms, Paper(evidence="signed"))


def refer(house: UnitHouse, wish: Wish) -> None:
    house.desk.refer(
        ClientKey(wish["client"]),
        Category(wish["category"]),
        target=UnitId(wish["target"]),
        answer_due=datetime.fromisoformat(wish["answer_due"]),
    )


def record_many(house: UnitHouse, wish: Wish) -> None:
    for _ in range(wish["count"]):
        house.desk.assess_need(ClientKey(wish["client"]), Category(wish["category"]), level="high")


def answer_obligation(house: UnitHouse, wish: Wish) -> None:
    house.desk.answer_obligation(ObligationId(wish["obligation_id"]), Statement("erased"))


ACTS: Mapping[str, Callable[[UnitHouse, Wish], None]] = {
    "take-consent": take_consent,
    "refer": refer,
    "record-many": record_many,
    "answer-obligation": answer_obligation,
}


def main() -> None:
    home, unit = Path(sys.argv[1]), UnitId(sys.argv[2])
    wish = json.loads(sys.stdin.read())
    house = UnitHouse.open(load_settings(home), unit)
    try:
        ACTS[wish["action"]](house, wish)
    finally:
        house.close()


if __name__ == "__main__":
    main()
