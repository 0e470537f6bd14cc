"""Promise 6: a refused or odd input is kept and explained."""

from collections import Counter

from contracts.codes import DeadLetterReason, RefusalCode
from contracts.names import ProgrammeId, source_of
from deploy.story.places import PROGRAMME
from deploy.story.promises.finding import Finding, Promise
from deploy.story.stores import Stores
from hub.domain.events import MessageRefused


def judge(stores: Stores) -> Promise:
    """Dead letters, refusals, quarantines and what is held, each with its code."""
    finding = Finding("6-explained", "A refused or odd input is kept and explained")
    dead = Counter(stores.hub.dead_letters)
    finding.must(dead[DeadLetterReason.BAD_SIGNATURE], "the forged consent is no dead letter")
    finding.fact(f"dead letters: {_told(dead)}")
    refused = [one.event for one in stores.hub.log if isinstance(one.event, MessageRefused)]
    codes = Counter(str(one.code) for one in refused)
    finding.must(codes[RefusalCode.WRONG_PROGRAMME], "the message of another programme was not refused")
    finding.fact(f"refused by the hub: {_told(codes)}")
    kept = [item for unit in stores.units.values() for item in unit.quarantine]
    own = {source_of(ProgrammeId(PROGRAMME), unit): found for unit, found in stores.units.items()}
    for event in refused:
        if event.source in own:
            listed = {item.refused.message_id for item in own[event.source].quarantine}
            finding.must(event.message_id in listed, f"{event.source} has no item for its refused {event.message_id}")
    finding.must(all(item.refused.code and item.refused.explanation for item in kept), "an item says no reason")
    mended = [item for item in kept if item.replacement is not None]
    finding.must(mended, "nothing that was refused was mended and sent again")
    finding.fact(
        f"refused at desks: {_told(Counter(item.refused.code for item in kept))}, {len(mended)} mended and sent"
    )
    held = [one for unit in stores.units.values() for one in unit.held]
    finding.must(all(one.reason for one in held), "a held entry says no reason")
    finding.fact(f"held: {_told(Counter(one.reason for one in held))}")
    rows = stores.observed["import"]
    finding.must(all(item["reason"] for item in rows["refused"]), "a refused row says no reason")
    finding.fact(f"imported {sum(rows['rows'].values())} rows, {len(rows['refused'])} refused")
    return finding.promise()


def _told(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {code}" for code, count in sorted(counts.items())) or "none"
