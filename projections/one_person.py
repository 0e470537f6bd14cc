"""Which subjects are one person at one unit, and what is shown of such a person: together, each entry under its own subject.

Invariants: two subjects are shown together only while a merge stands on both sides *here*: said on each by two units whose messages this unit has,
and split on neither. Nothing is copied, renamed or added: the joined view is the union of what the unit has of each side, so it holds no entry that
is not in one of them, and a split gives back exactly the views before. Equal local ids of two units join nothing. An own message counts once the hub
accepted it, an own split at once.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Boolean, Column, ColumnElement, Connection, Index, MetaData, Row, String, Table, delete, select

from contracts.messages.subject import SubjectFacts, SubjectMerged, SubjectSplit
from contracts.names import MergeId, MessageId, MessageType, SubjectId, UnitId
from projections.build import Build
from projections.corrections import Shown, timeline
from projections.grounds import Reach, in_force
from projections.parsed import ParsedItem
from projections.positions import require_served
from projections.referral_fold import Referral
from projections.rows import batches, delete_where, upsert
from projections.worklist import referrals

METADATA: Final = MetaData()

SAID: Final = Table(
    "merge_said",
    METADATA,
    Column("message_id", String(36), primary_key=True),
    Column("merge_id", String(36), nullable=False),
    Column("subject", String(60), nullable=False),
    Column("author", String(40), nullable=False),
    Column("split", Boolean, nullable=False),
    Index("merge_said_merge", "merge_id"),
    Index("merge_said_subject", "subject"),
)
"""Every message about a merge that counts at this unit."""

PERSON: Final = Table(
    "one_person",
    METADATA,
    Column("subject", String(60), primary_key=True),
    Column("person", String(60), nullable=False),
    Index("one_person_person", "person"),
)
"""Subjects that are one person with others here: all of one person bear the same `person`, the first of them in alphabetical order."""

_NOT_ENTRIES: Final = "eu.spojka.subject."
_ACCEPTED: Final = "accepted"
_PROPOSER_AND_REVIEWER: Final = 2


@dataclass(frozen=True, slots=True)
class Side:
    """What was said of a merge about one subject."""

    merged_by: frozenset[UnitId]
    split: bool

    @property
    def stands(self) -> bool:
        """True while proposed, reviewed and not undone."""
        return len(self.merged_by) >= _PROPOSER_AND_REVIEWER and not self.split


@dataclass(frozen=True, slots=True)
class MergeRecord:
    """One merge as far as this unit was told."""

    merge_id: MergeId
    sides: Mapping[SubjectId, Side]

    @property
    def joined(self) -> frozenset[SubjectId]:
        """The subjects that it joins here: none unless it stands on two sides."""
        standing = frozenset(subject for subject, side in self.sides.items() if side.stands)
        return standing if len(standing) > 1 else frozenset()

    @property
    def undone(self) -> bool:
        """True where one side was split."""
        return any(side.split for side in self.sides.values())


class OnePerson:
    """The read model."""

    name: Final = "one-person"
    version: int = 2
    readable_from: int = 2
    metadata: Final = METADATA

    def apply(self, connection: Connection, items: Sequence[ParsedItem], tables: Build) -> None:
        """Keep what counts of what was said about merges."""
        latest = {one.item.message_id: one for one in items if one.facts is None or isinstance(one.facts, SubjectFacts)}
        rows = [row for one in latest.values() if (row := _row(one)) is not None]
        kept = {row["message_id"] for row in rows}
        gone = [one for one in latest if one not in kept]
        changed = bool(rows) or _known(connection, tables[SAID], gone)
        delete_where(connection, tables[SAID], tables[SAID].c.message_id, gone)
        upsert(connection, tables[SAID], rows)
        if changed:
            _write_persons(connection, tables)


def merges(connection: Connection) -> Sequence[MergeRecord]:
    """Every merge that this unit was told of, in the order of their ids. Raises `NotServedError`."""
    _require(connection)
    return _records(connection.execute(select(SAID)))


def same_person(connection: Connection, subject: SubjectId) -> Sequence[SubjectId]:
    """The subjects that are one person with this one here, itself included, in alphabetical order. Raises `NotServedError`."""
    _require(connection)
    found, asked = {subject}, set[SubjectId]()
    while fresh := found - asked:
        asked |= fresh
        for record in _about(connection, fresh):
            if record.joined & found:
                found |= record.joined
    return sorted(found)


def others_of(connection: Connection, subjects: Iterable[SubjectId]) -> Mapping[SubjectId, Sequence[SubjectId]]:
    """Of those of these subjects that are one person with others here, the others in alphabetical order. Raises `NotServedError`."""
    _require(connection)
    found: dict[SubjectId, Sequence[SubjectId]] = {}
    own, other = PERSON.alias("own"), PERSON.alias("other")
    pairs = select(own.c.subject, other.c.subject.label("other")).join(other, own.c.person == other.c.person)
    for some in batches(sorted(set(subjects))):
        rows = connection.execute(pairs.where(own.c.subject.in_(some) & (own.c.subject != other.c.subject)))
        for row in rows.all():
            found[row.subject] = sorted([*found.get(row.subject, ()), SubjectId(row.other)])
    return found


def joined_timeline(connection: Connection, subject: SubjectId, *, others_visible: bool) -> Sequence[Shown]:
    """The timelines of one person's subjects as one, by time and arrival; what says that they are one is not among them.

    Each entry bears its own subject, and corrections hold within it. Raises `NotServedError`.
    """
    shown = [
        one
        for side in same_person(connection, subject)
        for one in timeline(connection, side, others_visible=others_visible)
        if not _is_about_merging(one.entry.type)
    ]
    return sorted(shown, key=lambda one: (one.entry.time, one.entry.arrived))


def joined_grounds(connection: Connection, subject: SubjectId, *, at: datetime) -> Sequence[Reach]:
    """What is in force about one person, each ground under its own subject: none opens anything of another side. Raises `NotServedError`."""
    return [reach for side in same_person(connection, subject) for reach in in_force(connection, side, at=at)]


def joined_referrals(connection: Connection, subject: SubjectId) -> Sequence[Referral]:
    """The referrals of one person, each under its own subject. Raises `NotServedError`."""
    return [referral for side in same_person(connection, subject) for referral in referrals(connection, side)]


def _is_about_merging(message_type: MessageType | None) -> bool:
    return message_type is not None and message_type.startswith(_NOT_ENTRIES)


def _row(one: ParsedItem) -> dict[str, Any] | None:
    item, facts = one.item, one.facts
    if not isinstance(facts, SubjectMerged | SubjectSplit) or item.subject is None or not _counts(one):
        return None
    return {
        "message_id": item.message_id,
        "merge_id": facts.merge_id,
        "subject": item.subject,
        "author": item.author,
        "split": isinstance(facts, SubjectSplit),
    }


def _known(connection: Connection, said: Table, messages: Iterable[MessageId]) -> bool:
    """Whether something of these was said of a merge before: what no longer counts may part a person."""
    return any(
        connection.execute(select(said.c.message_id).where(said.c.message_id.in_(some)).limit(1)).first()
        for some in batches(messages)
    )


def _write_persons(connection: Connection, tables: Build) -> None:
    """Merges are few: all persons are worked out again."""
    persons: dict[SubjectId, frozenset[SubjectId]] = {}
    for record in _records(connection.execute(select(tables[SAID]))):
        whole = record.joined.union(*(persons.get(subject, frozenset()) for subject in record.joined))
        persons |= dict.fromkeys(whole, whole)
    connection.execute(delete(tables[PERSON]))
    upsert(connection, tables[PERSON], [{"subject": one, "person": min(whole)} for one, whole in persons.items()])


def _counts(one: ParsedItem) -> bool:
    item = one.item
    if item.kind == "own":
        return item.state == _ACCEPTED or isinstance(one.facts, SubjectSplit)
    return item.kind == "given"


def _about(connection: Connection, subjects: Iterable[SubjectId]) -> Sequence[MergeRecord]:
    """Every merge of which one of these is a side, with all its sides."""
    rows: list[Row[Any]] = []
    for some in batches(sorted(subjects)):
        concerned: ColumnElement[bool] = SAID.c.merge_id.in_(select(SAID.c.merge_id).where(SAID.c.subject.in_(some)))
        rows += connection.execute(select(SAID).where(concerned))
    return _records(rows)


def _records(rows: Iterable[Row[Any]]) -> Sequence[MergeRecord]:
    sides: dict[MergeId, dict[SubjectId, Side]] = defaultdict(dict)
    nothing = Side(frozenset(), split=False)
    for row in rows:
        before = sides[MergeId(row.merge_id)].get(SubjectId(row.subject), nothing)
        merged_by = before.merged_by if row.split else before.merged_by | {UnitId(row.author)}
        sides[MergeId(row.merge_id)][SubjectId(row.subject)] = Side(merged_by, split=before.split or row.split)
    return [MergeRecord(merge_id, sides[merge_id]) for merge_id in sorted(sides)]


def _require(connection: Connection) -> None:
    require_served(connection, OnePerson.name, version=OnePerson.version, readable_from=OnePerson.readable_from)
