"""Promise 7: support is never evidence for a sanction."""

from adapters.storage.journal import EntryKind
from contracts.categories import Category, Purpose
from contracts.messages.consent import ConsentExtended, ConsentGiven
from deploy.story.places import OP
from deploy.story.promises.finding import Finding, Promise
from deploy.story.stores import Stores


def judge(stores: Stores) -> Promise:
    """Where conduct stands, what for anything was shared, and what units that can sanction were given."""
    finding = Finding("7-no-sanctions", "Support is never evidence for a sanction")
    messages = [one.message for one in stores.hub.log if one.message is not None]
    finding.same(sum(one.category is Category.CONDUCT for one in messages), 0, "conduct in the hub's log")
    where = {str(unit): found for unit, found in stores.units.items()}
    conduct = [
        (name, one) for name, found in where.items() for one in found.journal if one.category == Category.CONDUCT
    ]
    finding.same([(name, one.kind) for name, one in conduct], [(str(OP), EntryKind.OWN)], "where conduct stands")
    purposes = {one.purpose for one in messages if one.purpose is not None}
    finding.must(purposes <= {Purpose.SUPPORT, Purpose.STATISTICS}, f"shared for {purposes}")
    papers = [one.facts for one in messages if isinstance(one.facts, ConsentGiven | ConsentExtended)]
    named = {category for paper in papers for grant in paper.grants for category in grant.categories}
    finding.must(Category.CONDUCT not in named, "a consent names conduct")
    sanctioning = {str(one.unit) for one in stores.directory.listed.units if one.can_sanction}
    given = [
        slot.position
        for slot in stores.hub.slots
        if slot.unit in sanctioning and (found := stores.hub.log[slot.position].message) and found.category is not None
    ]
    finding.must(sanctioning, "no unit can sanction")
    finding.same(given, [], "entries given to units that can sanction")
    finding.fact(f"{len(conduct)} entry of conduct, with its author alone; {len(papers)} consents, none names it")
    finding.fact(
        f"{len(messages)} messages, all for support; {len(sanctioning)} unit that can sanction was given no entry"
    )
    return finding.promise()
