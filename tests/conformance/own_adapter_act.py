"""What the kit asks of our own adapter: `python -m tests.conformance.own_adapter_act HOME UNIT`, the wish as JSON on standard input."""

import json
import sys
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from adapters.cli.referral_choice import client_of, find_referral
from adapters.desk.actions.consents import Paper, Terms
from adapters.desk.actions.duties import Statement
from adapters.drafts import ClientKey
from adapters.process.unit_house import UnitHouse
from adapters.settings import load_settings
from adapters.storage.journal import Entry
from contracts.categories import Category
from contracts.grants import to_unit
from contracts.messages.referral import ReferralAccepted, ReferralContent
from contracts.names import GroundId, ObligationId, UnitId

Wish = Mapping[str, Any]
PATIENCE = 100.0


def until(condition: Callable[[], bool], problem: str) -> None:
    """Wait for what the running adapter has still to take in, as a worker would."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(problem)
        time.sleep(0.1)


def admitted(house: UnitHouse, unit: UnitId) -> None:
    """Wait for the list that admits a unit: a desk refuses what names a stranger."""
    until(lambda: unit in (house.book.reload() or house.directory).units, f"no trust list that names {unit} was read")


def is_open(house: UnitHouse, obligation: ObligationId) -> bool:
    with house.store.read() as tx:
        return any(one.facts.obligation_id == obligation for one in tx.obligations.unanswered())


def take_consent(house: UnitHouse, wish: Wish) -> None:
    admitted(house, UnitId(wish["recipient"]))
    terms = Terms(
        sources=[house.unit],
        recipients=[to_unit(UnitId(wish["recipient"]))],
        categories=[Category(one) for one in wish["categories"]],
        until=datetime.fromisoformat(wish["until"]),
    )
    house.desk.take_consent(ClientKey(wish["client"]), terms, Paper(evidence="signed", explicit=True))


def narrow_consent(house: UnitHouse, wish: Wish) -> None:
    house.desk.narrow(
        ClientKey(wish["client"]),
        GroundId(wish["consent_id"]),
        recipients=[to_unit(UnitId(wish["recipient"]))],
        categories=[Category(one) for one in wish["categories"]],
    )


def record(house: UnitHouse, wish: Wish) -> None:
    house.desk.assess_need(ClientKey(wish["client"]), Category(wish["category"]), level="high", finding=wish["text"])


def accept_referral(house: UnitHouse, wish: Wish) -> None:
    referral = find_referral(house, wish["referral_id"])
    house.desk.move(
        client_of(house, referral, "kit-given"),
        ReferralAccepted(referral_id=referral.referral_id),
        content=ReferralContent(message=wish["text"]),
    )


def show(house: UnitHouse, wish: Wish) -> object:
    """What a reader at the unit sees of these entries: the sealed content of each, null where it is not open here."""
    with house.store.read() as tx:
        entries = {name: tx.journal.find(name) for name in wish["message_ids"]}
    return {name: content_of(entry) for name, entry in entries.items()}


def content_of(entry: Entry | None) -> object:
    sealed = {} if entry is None or entry.payload is None else json.loads(entry.payload)["data"].get("sealed", {})
    return sealed.get("content")


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
    obligation = ObligationId(wish["obligation_id"])
    until(lambda: is_open(house, obligation), f"the obligation {obligation} did not come")
    house.desk.answer_obligation(obligation, Statement("erased"))


ACTS: Mapping[str, Callable[[UnitHouse, Wish], object]] = {
    "take-consent": take_consent,
    "refer": refer,
    "record-many": record_many,
    "record": record,
    "narrow-consent": narrow_consent,
    "accept-referral": accept_referral,
    "show": show,
    "answer-obligation": answer_obligation,
}


def done(home: Path, unit: UnitId, wish: Wish) -> bytes:
    """Do what is wished; what there is to show of it, as JSON."""
    house = UnitHouse.open(load_settings(home), unit)
    try:
        shown = ACTS[wish["action"]](house, wish)
    finally:
        house.close()
    return b"" if shown is None else json.dumps(shown).encode()


def main() -> None:
    home, unit = Path(sys.argv[1]), UnitId(sys.argv[2])
    sys.stdout.buffer.write(done(home, unit, json.loads(sys.stdin.read())))


if __name__ == "__main__":
    main()
