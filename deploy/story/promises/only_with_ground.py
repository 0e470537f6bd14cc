"""Promise 2: nothing is given to a unit that no ground permits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from adapters.storage.journal import OwnState
from contracts.catalogue import Audience
from contracts.envelope import Message
from contracts.messages.consent import ConsentAttested, ConsentGiven
from contracts.names import UnitId
from deploy.story.expected import AT_THE_END, STAYS_LOCAL, TABLE, Expected
from deploy.story.naming import Entry, audience_of, entries, given_by, given_until
from deploy.story.places import CLAIMS, MD
from deploy.story.promises.finding import Finding, Promise
from deploy.story.stores import Stores


def judge(stores: Stores) -> Promise:
    """The log's decisions and the feeds against the table made by hand, and every delivery against its consent."""
    finding = Finding("2-only-with-ground", "Nothing is given to a unit that no ground permits")
    found, given = entries(stores, stores.karel), given_by(stores)
    for row in TABLE:
        _row(row, found, stores, finding)
    at_the_end = {}
    for entry in found:
        finding.must(entry.name not in at_the_end, f"{entry.name} stands in the log twice")
        at_the_end[entry.name] = given.get(entry.position, frozenset())
    for name in sorted(AT_THE_END.keys() | at_the_end.keys()):
        finding.same(sorted(at_the_end.get(name, ())), sorted(AT_THE_END.get(name, ())), f"given {' '.join(name)}")
    finding.fact(f"{len(TABLE)} rows of the table as decided, {len(found)} entries as given in the end, none more")
    _grounds(stores, finding)
    _import(stores, finding)
    claims = [slot for slot in stores.hub.slots if slot.unit == CLAIMS and _grounded(stores, slot.position)]
    finding.same(len(claims), 0, "entries given to the claims unit")
    return finding.promise()


def _row(row: Expected, found: Sequence[Entry], stores: Stores, finding: Finding) -> None:
    decided = [
        one
        for one in found
        if (one.name[0], one.name[2], one.name[3], one.name[4]) == (row.unit, row.category, row.time, row.referral)
        and one.audience is not Audience.REFERRAL_PARTIES
        and one.decided_on <= row.at
    ]
    what = f"on {row.at} {row.unit}'s {row.category} of {row.time}"
    if not row.given_to:
        finding.same(len(decided), 0, f"accepted {what}")
        finding.must(_kept(row, stores), f"{what} is not with its author")
        return
    finding.must(decided, f"nothing like {what}")
    given = given_by(stores)
    for one in decided:
        finding.same(sorted(given_until(stores, one, row.at, given)), sorted(row.given_to), f"given {what}")


def _kept(row: Expected, stores: Stores) -> bool:
    """The author has it; and what nobody may have to the end it still holds back."""
    unit = next(one for name, one in stores.units.items() if name == row.unit)
    mine = [
        one
        for one in unit.journal
        if one.author == row.unit
        and one.category == row.category
        and f"{one.time.astimezone(stores.zone):%m-%d}" == row.time
    ]
    if (row.unit, row.category, row.time) in STAYS_LOCAL:
        return any(one.state is OwnState.HELD for one in mine)
    return bool(mine)


def _grounded(stores: Stores, position: int) -> Message | None:
    message = stores.hub.log[position].message
    return message if message is not None and audience_of(message) is Audience.GROUNDED else None


@dataclass(frozen=True, slots=True)
class _Papers:
    """The consents in the log, and whose entries each opens: its collector's and those of who attested it."""

    given: Mapping[str, Sequence[tuple[datetime, ConsentGiven]]]
    opened_by: frozenset[tuple[str, str]]


def _papers(stores: Stores) -> _Papers:
    given: dict[str, list[tuple[datetime, ConsentGiven]]] = {}
    opened_by = set()
    for one in stores.hub.log:
        facts = None if one.message is None else one.message.facts
        if one.message is not None and isinstance(facts, ConsentGiven | ConsentAttested):
            opened_by.add((str(facts.consent_id), str(one.message.unit)))
        if isinstance(facts, ConsentGiven):
            given.setdefault(facts.consent_id, []).append((one.event.at, facts))
    return _Papers(given, frozenset(opened_by))


def _grounds(stores: Stores, finding: Finding) -> None:
    """Each delivery's ground, looked up in the consents themselves rather than by the gate."""
    papers = _papers(stores)
    checked = 0
    for slot in stores.hub.slots:
        message = _grounded(stores, slot.position)
        if message is None:
            continue
        ground = slot.ground or ""
        opened = any(_opens(paper, slot.unit, message, at) for at, paper in papers.given.get(ground, ()))
        attested = (ground, str(message.unit)) in papers.opened_by
        finding.must(opened and attested, f"slot {slot.sequence} of {slot.unit} has no consent behind it")
        checked += 1
    finding.fact(f"{checked} deliveries each covered by a consent's own words and its source's attestation")


def _opens(paper: ConsentGiven, unit: UnitId, message: Message, recorded: datetime) -> bool:
    return any(
        grant.recipient == f"unit:{unit}"
        and message.unit in grant.sources
        and message.category in grant.categories
        and message.purpose is grant.purpose
        and message.time >= (grant.history_from or recorded)
        and message.time < grant.until
        for grant in paper.grants
    )


def _import(stores: Stores, finding: Finding) -> None:
    """Everybody in the import is at the city alone."""
    known = {one.message.subject for one in stores.hub.log if one.message is not None}
    held = stores.units[MD].held
    imported = {one.subject for one in held if one.subject != stores.units[MD].karel}
    finding.must(imported, "nothing was imported")
    finding.same(imported & known, set(), "imported people known to the hub")
    finding.fact(f"{len(held)} imported entries about {len(imported)} people without consent: all held, none published")
