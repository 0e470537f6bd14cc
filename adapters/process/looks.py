"""Looking at what a unit holds about people: what shows to this reader now, and the report of the look.

Invariants: entries of others show only within the lease, and only to the purpose under which they were given, so that what was shared for support
is never read for a sanction (DESIGN section 3, promises 5 and 7), unless the look is under an emergency opening (`emergency`); own entries always
show. Whatever was shown is reported, all of one look in one transaction.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from adapters.desk.actions.duties import Access
from adapters.process.lease import Hidden
from adapters.process.overviews import Overviews
from adapters.process.showing import hidden_now
from adapters.process.unit_house import UnitHouse
from contracts.categories import Category, Purpose
from contracts.messages.access import Emergency, HiddenByLaw
from contracts.names import ActorId, Code, MessageId, ReferralId, SubjectId
from projections.corrections import Shown
from projections.corrections import timeline as read_timeline
from projections.one_person import joined_timeline
from projections.referral_fold import Referral
from projections.timeline import entries
from projections.worklist import ReferralText, shown, texts

MOST_REPORTED: Final = 500
"""Entry ids in one report of a look."""


@dataclass(frozen=True, slots=True)
class Look:
    """Who looks, and what for."""

    reader: ActorId
    purpose: Purpose = Purpose.SUPPORT
    emergency: Emergency | None = None
    """Under which lease and purpose hide nothing of one client: made by `emergency.look_under` alone."""
    hidden: HiddenByLaw | None = None
    """By which law the client is not told of it yet."""


@dataclass(frozen=True, slots=True)
class SeenTimeline:
    """What shows of one client, and why entries of others do not where they do not."""

    entries: Sequence[Shown]
    hidden: Hidden | None


@dataclass(frozen=True, slots=True)
class SeenWorklist:
    """Referrals that came and that went."""

    came: Sequence[Referral]
    went: Sequence[Referral]
    hidden: Hidden | None


def timeline(house: UnitHouse, overviews: Overviews, subject: SubjectId, *, look: Look) -> SeenTimeline:
    """The timeline as this reader may see it now. Not reported yet: see `report_entries`."""
    hidden = _hidden(house, look)
    with overviews.look() as connection:
        found = read_timeline(connection, subject, others_visible=hidden is None)
    return SeenTimeline([one for one in found if _open_to(look, one)], hidden)


def together(house: UnitHouse, overviews: Overviews, subject: SubjectId, *, look: Look) -> SeenTimeline:
    """The timeline of a person whom several files are about, each entry under its own; of one file the same as `timeline`. Not reported yet."""
    hidden = _hidden(house, look)
    with overviews.look() as connection:
        found = joined_timeline(connection, subject, others_visible=hidden is None)
    return SeenTimeline([one for one in found if _open_to(look, one)], hidden)


def worklist(house: UnitHouse, overviews: Overviews, *, look: Look) -> SeenWorklist:
    """The worklist as this reader may see it now: where a referral of ours was sent for another purpose, as our own moves alone left it.

    Not reported yet: see `report_referrals`.
    """
    hidden = hidden_now(house)
    with overviews.look() as connection:
        came, went = shown(connection, house.unit, others_visible=hidden is None)
        if look.purpose is not Purpose.SUPPORT:
            came = [one for one in came if _sent_for(connection, one) is look.purpose]
            _, by_own_moves = shown(connection, house.unit, others_visible=False)
            alone = {_key(one): one for one in by_own_moves}
            each = [one if _sent_for(connection, one) is look.purpose else alone.get(_key(one)) for one in went]
            went = [one for one in each if one is not None]
        return SeenWorklist(came, went, hidden)


def texts_between(house: UnitHouse, overviews: Overviews, referral: Referral, *, look: Look) -> Sequence[ReferralText]:
    """Questions and answers of a referral as this reader may see them now. Not reported yet: see `report_referrals`."""
    others_visible = hidden_now(house) is None
    with overviews.look() as connection:
        written = texts(connection, referral.subject, referral.referral_id)
        open_to = others_visible and look.purpose in {Purpose.SUPPORT, _sent_for(connection, referral)}
    return [one for one in written if open_to or one.author == house.unit]


def report_entries(house: UnitHouse, subject: SubjectId, seen: Sequence[Shown], *, look: Look) -> None:
    """Say who saw these entries, each file of the person apart. Those of others are named one by one."""
    reports = []
    for side in dict.fromkeys((subject, *(one.entry.subject for one in seen))):
        of_side = [one.entry for one in seen if one.entry.subject == side]
        given = [one.message_id for one in of_side if one.kind == "given"]
        categories = {one.category for one in of_side}
        parts = [given[start : start + MOST_REPORTED] for start in range(0, max(len(given), 1), MOST_REPORTED)]
        reports += [(side, access_of(house, look, categories, part)) for part in parts]
    _report(house, reports)


def report_referrals(house: UnitHouse, seen: Iterable[Referral], *, look: Look) -> None:
    """Say who saw these referrals, one report a client."""
    report_clients(house, [(one.subject, () if one.category is None else (one.category,)) for one in seen], look=look)


def report_clients(house: UnitHouse, seen: Iterable[tuple[SubjectId, Iterable[Category]]], *, look: Look) -> None:
    """Say who saw that something of these categories is shared about these clients, one report a client."""
    by_subject: dict[SubjectId, set[Category]] = {}
    for subject, categories in seen:
        by_subject.setdefault(subject, set()).update(categories)
    _report(house, [(subject, access_of(house, look, found)) for subject, found in by_subject.items()])


def report_refused(house: UnitHouse, subject: SubjectId, *, look: Look, reason: Code) -> None:
    """Say who tried to see something of a client here, and why not."""
    refused = Access(look.reader, house.unit, outcome="refused", purpose=look.purpose, reason=reason)
    _report(house, [(subject, refused)])


def access_of(
    house: UnitHouse, look: Look, categories: Iterable[Category | None] = (), seen: Sequence[MessageId] = ()
) -> Access:
    """A look as it is reported."""
    return Access(
        look.reader,
        house.unit,
        purpose=look.purpose,
        categories=tuple(sorted(one for one in categories if one is not None)),
        entries=tuple(seen),
        reason=None if look.emergency is None else look.emergency.reason,
        emergency=look.emergency,
        hidden=look.hidden,
    )


def _hidden(house: UnitHouse, look: Look) -> Hidden | None:
    return None if look.emergency is not None else hidden_now(house)


def _open_to(look: Look, one: Shown) -> bool:
    if look.emergency is not None:
        return True
    return one.entry.kind != "given" or one.entry.purpose in {None, look.purpose}


def _key(referral: Referral) -> tuple[SubjectId, ReferralId]:
    return referral.subject, referral.referral_id


def _sent_for(connection: Connection, referral: Referral) -> Purpose | None:
    recorded = entries(connection, referral.subject, others_visible=True)
    return next((one.purpose for one in recorded if one.referral_id == referral.referral_id), None)


def _report(house: UnitHouse, reports: Sequence[tuple[SubjectId, Access]]) -> None:
    if not reports:
        return
    with house.store.write() as tx:
        desk = house.desk_within(tx)
        for subject, access in reports:
            desk.report_access(subject, access)
