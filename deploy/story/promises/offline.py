"""Promise 5: a unit works while offline."""

from datetime import datetime

from contracts.messages.appointment import AppointmentOffered
from deploy.story.naming import day_of
from deploy.story.places import UP
from deploy.story.promises.finding import Finding, Promise
from deploy.story.stores import Stores


def judge(stores: Stores) -> Promise:
    """What the labour office saw and recorded without its line, and when the others got it."""
    finding = Finding("5-offline", "A unit works while offline")
    seen = stores.observed["line-down"]
    finding.must(seen["hidden"] is None, f"others' entries did not show within the lease: {seen['hidden']}")
    finding.must(seen["own"] > 0 and seen["others"] > 0, "the labour office saw nothing")
    finding.must(seen["waiting"] > 0, "nothing waited for the line")
    finding.same(seen["hidden_after_lease"], "lease-over", "others' entries once the lease has run out")
    finding.fact(
        f"with the line down UP saw {seen['own']} own and {seen['others']} entries of others, {seen['waiting']} waiting "
        f"to be sent; others' would show until {_day(seen['lease_until'])}"
    )
    offered = [one for one in stores.hub.log if one.message and isinstance(one.message.facts, AppointmentOffered)]
    finding.must(offered, "the appointment never reached the hub")
    for one in offered:
        happened = "" if one.message is None else f"{one.message.time.astimezone(stores.zone):%m-%d}"
        finding.same((happened, day_of(one.event, stores)), ("04-08", "04-09"), "when it was offered and when recorded")
    showing = {str(name): found.others_hidden for name, found in stores.units.items() if found.others_hidden}
    finding.same(showing, {}, "units that do not see others' entries at the end")
    finding.fact(
        f"recorded on 04-08 by {UP}, with the others since 04-09; {len(stores.units)} units see others' entries"
    )
    return finding.promise()


def _day(instant: str) -> str:
    return f"{datetime.fromisoformat(instant):%m-%d}"
