"""A replay as tables for people and as JSON for machines.

Invariant: both say the same.
"""

from collections.abc import Sequence
from typing import Any

from rich.table import Table

from hub.audit.replay import Replayed, ReplayedEntry


def as_document(found: Replayed) -> dict[str, Any]:
    """For machines."""
    return {
        "at": found.at.isoformat(),
        "trust_list": found.trust_list,
        "grounds": [
            {
                "ground": ground.ground_id,
                "collector": ground.collector,
                "in_force": in_force,
                "opens": [
                    {
                        "to": one.recipient,
                        "from": sorted(one.sources),
                        "purpose": one.purpose,
                        "categories": sorted(one.categories),
                        "until": one.until.isoformat(),
                    }
                    for one in ground.openings
                ],
            }
            for ground, in_force in found.grounds
        ],
        "entries": [
            {
                "entry": entry.message_id,
                "type": entry.type,
                "author": entry.author,
                "category": entry.category,
                "occurred": entry.occurred.isoformat(),
                "position": entry.position,
                "content": _content(entry),
                "seen_by": [
                    {
                        "unit": one.unit,
                        "ground": one.ground_id,
                        "delivered": one.delivered,
                        "permitted_now": one.permitted_now,
                    }
                    for one in entry.seen
                ],
            }
            for entry in found.entries
        ],
        "looks": [
            {
                "at": look.at.isoformat(),
                "reader": look.facts.reader,
                "unit": look.facts.reader_unit,
                "outcome": look.facts.outcome,
                "purpose": look.facts.purpose_of_access,
                "entries": list(look.facts.entries),
            }
            for look in found.looks
        ],
        "audits": [
            {"at": look.at.isoformat(), "reader": look.facts.reader, "purpose": look.facts.purpose_of_audit}
            for look in found.audits
        ],
        "open_obligations": [
            {"obligation": one.obligation_id, "unit": one.unit, "entries": len(one.entries), "due": one.due.isoformat()}
            for one in found.open_obligations
        ],
        "referrals": [
            {
                "referral": one.referral_id,
                "from": one.parties.source,
                "to": one.parties.target,
                "category": one.category,
                "state": one.state,
            }
            for one in found.referrals
        ],
        "restrictions": [{"by": one.author, "categories": sorted(one.categories)} for one in found.restrictions],
        "same_person": [{"merge": one.merge_id, "by": one.proposer, "agreed": one.agreed} for one in found.same_person],
    }


def _content(entry: ReplayedEntry) -> str:
    """What became of an entry's content by then."""
    if entry.erased is None:
        return "stored"
    return "to be erased" if entry.erased.carried_out is None else "erased"


def as_tables(found: Replayed) -> Sequence[Table]:
    """For people."""
    document = as_document(found)
    grounds = Table("ground", "by", "in force", "opens to", "categories", "until", title=f"As of {document['at']}")
    for ground in document["grounds"]:
        for one in ground["opens"]:
            force = "yes" if ground["in_force"] else "no"
            until = one["until"][:10]
            grounds.add_row(
                ground["ground"], ground["collector"], force, one["to"], ", ".join(one["categories"]), until
            )
    entries = Table("position", "by", "category", "when", "content", "given to", "no longer permitted", title="Entries")
    for entry in document["entries"]:
        given = [f"{one['unit']}{'' if one['delivered'] else ' (not reported)'}" for one in entry["seen_by"]]
        ended = [one["unit"] for one in entry["seen_by"] if not one["permitted_now"]]
        place, when = str(entry["position"]), entry["occurred"][:10]
        known = (place, entry["author"], entry["category"], when, entry["content"])
        entries.add_row(*known, ", ".join(given), ", ".join(ended))
    looks = Table("when", "who", "unit", "outcome", "entries", title="Looks")
    for look in document["looks"]:
        looks.add_row(look["at"], look["reader"], look["unit"], look["outcome"], str(len(look["entries"])))
    for look in document["audits"]:
        looks.add_row(look["at"], look["reader"], "", f"audit: {look['purpose']}", "")
    duties = Table("unit", "entries to erase", "due", title="Open duties")
    for one in document["open_obligations"]:
        duties.add_row(one["unit"], str(one["entries"]), one["due"][:10])
    referrals = Table("from", "to", "category", "state", title="Referrals")
    for one in document["referrals"]:
        referrals.add_row(one["from"], one["to"] or "outside", one["category"], one["state"])
    return grounds, entries, looks, duties, referrals
