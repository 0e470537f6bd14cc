"""A replay as tables for people and as JSON for machines.

Invariant: both say the same.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any, Final

from rich.markup import escape
from rich.table import Table

from contracts.catalogue import PREFIX
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
                "reason": look.facts.reason,
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


def as_tables(found: Replayed) -> Iterator[Table | str]:
    """For people. What there is none of is said in a line."""
    document, zone = as_document(found), found.at.tzinfo
    numbers = {one["ground"]: str(number) for number, one in enumerate(document["grounds"], 1)}
    yield f"As of {found.at.isoformat(timespec='minutes')}, trust list {found.trust_list}"
    yield from _table("Reasons to share", _GROUNDS, _grounds(document, numbers))
    yield from _table("Entries", _ENTRIES, _entries(document, numbers), caption=_WHY)
    yield from _table("Looks", _LOOKS, _looks(document, zone), caption="As the readers' own systems reported them.")
    duties = [(one["unit"], str(one["entries"]), one["due"][:10]) for one in document["open_obligations"]]
    yield from _table("Open duties", ("unit", "entries to erase", "due"), duties)
    referrals = [
        (one["from"], one["to"] or "outside", one["category"] or "", one["state"]) for one in document["referrals"]
    ]
    yield from _table("Referrals", ("from", "to", "category", "state"), referrals)
    held = [(one["by"], ", ".join(one["categories"]) or "everything") for one in document["restrictions"]]
    yield from _table("Restrictions", ("by", "of"), held)
    same = [(one["merge"], one["by"], "yes" if one["agreed"] else "no") for one in document["same_person"]]
    yield from _table("Said to be one person with somebody", ("merge", "by", "agreed"), same)


_GROUNDS: Final = ("no", "reason to share", "by", "in force", "opens to", "entries of", "categories", "until")
_ENTRIES: Final = ("position", "what", "by", "category", "when", "content", "given to")
_LOOKS: Final = ("when", "who", "unit", "outcome", "purpose", "entries")
_WHY: Final = "In brackets the number of the reason to share; * delivery not reported; † would not be given any more."
_Row = Sequence[str]
_Document = Mapping[str, Any]


def _table(
    title: str, headings: Sequence[str], rows: Iterable[_Row], *, caption: str | None = None
) -> Iterator[Table | str]:
    shown = list(rows)
    if not shown:
        yield f"{title}: none."
        return
    table = Table(title=title, caption=caption)
    for heading in headings:
        table.add_column(heading, overflow="fold", no_wrap=heading in {"when", "until", "position", "what"})
    for row in shown:
        table.add_row(*(escape(cell) for cell in row))
    yield table


def _grounds(document: _Document, numbers: Mapping[str, str]) -> Iterator[_Row]:
    for ground in document["grounds"]:
        named = (
            numbers[ground["ground"]],
            ground["ground"],
            ground["collector"],
            "yes" if ground["in_force"] else "no",
        )
        for one in ground["opens"]:
            opened = (one["to"].removeprefix("unit:"), ", ".join(one["from"]), ", ".join(one["categories"]))
            yield (*named, *opened, one["until"][:10])
            named = ("", "", "", "")


def _entries(document: _Document, numbers: Mapping[str, str]) -> Iterator[_Row]:
    for one in document["entries"]:
        what = one["type"].removeprefix(PREFIX).rpartition(".")[0]
        known = (str(one["position"]), what, one["author"], one["category"] or "", one["occurred"][:10], one["content"])
        yield (*known, ", ".join(_given(given, numbers) for given in one["seen_by"]))


def _given(given: _Document, numbers: Mapping[str, str]) -> str:
    marks = ("" if given["delivered"] else "*") + ("" if given["permitted_now"] else "†")
    return f"{given['unit']} ({numbers.get(given['ground'], '–')}){marks}"


def _looks(document: _Document, zone: tzinfo | None) -> Iterator[_Row]:
    for look in document["looks"]:
        outcome = look["outcome"] + (f": {look['reason']}" if look["reason"] else "")
        when = _minute(look["at"], zone)
        yield when, look["reader"], look["unit"], outcome, look["purpose"], str(len(look["entries"]))
    for look in document["audits"]:
        yield _minute(look["at"], zone), look["reader"], "hub", "audit", look["purpose"], ""


def _minute(at: str, zone: tzinfo | None) -> str:
    return f"{datetime.fromisoformat(at).astimezone(zone):%Y-%m-%d %H:%M}"
