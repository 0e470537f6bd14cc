"""Grounds at one unit: what is in force about a subject, and which unit may see which category until when.

Invariants: the state is what `contracts.grounds.apply` makes of all the ground messages that this unit has, refused ones left out, in log order, so
the unit's own gate judges by what the hub judges by; a restriction closes what it names, whoever opened it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Boolean, Column, Connection, Index, Integer, MetaData, Row, Select, String, Table, Text, select

from contracts.catalogue import CATALOGUE
from contracts.categories import Category, Purpose
from contracts.facts import Facts
from contracts.gate import Restriction
from contracts.grants import Recipient
from contracts.grounds import Grounds, apply
from contracts.messages.hub import ConsentExpiryAnnounced
from contracts.messages.processing import ProcessingLifted, ProcessingRestricted
from contracts.names import GroundId, MessageId, SubjectId, UnitId
from projections.build import Build
from projections.column_types import Instant, Number
from projections.facts_memory import FactsMemory
from projections.log_order import in_log_order
from projections.parsed import ParsedItem
from projections.positions import require_served
from projections.rows import batches, delete_where, upsert

METADATA: Final = MetaData()

MESSAGE: Final = Table(
    "ground_message",
    METADATA,
    Column("message_id", String(36), primary_key=True),
    Column("subject", String(60), nullable=False),
    Column("arrived", Number, nullable=False),
    Column("position", Number),
    Column("author", String(40), nullable=False),
    Column("type", String(120), nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("facts", Text, nullable=False),
    Index("ground_message_subject", "subject"),
)
"""Every message that changes a ground or restricts processing."""

REACH: Final = Table(
    "ground_reach",
    METADATA,
    Column("subject", String(60), primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    Column("ground_id", String(36), nullable=False),
    Column("collector", String(40), nullable=False),
    Column("statutory", Boolean, nullable=False),
    Column("source", String(40), nullable=False),
    Column("recipient", String(60), nullable=False),
    Column("purpose", String(40), nullable=False),
    Column("category", String(40), nullable=False),
    Column("history_from", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    Column("opened", Boolean, nullable=False),
    Column("restricted", Boolean, nullable=False),
    Index("ground_reach_until", "until"),
)
"""One row for each source and category of each grant that was not ended: what stands, by SQL too."""

_GROUND_TYPES: Final = frozenset(spec.facts for spec in CATALOGUE.values() if spec.stream == "ground")
_NOTICES: Final = tuple(spec.type for spec in CATALOGUE.values() if spec.facts is ConsentExpiryAnnounced)
_KEPT: Final = _GROUND_TYPES | {ProcessingRestricted, ProcessingLifted}


class GroundRecord(NamedTuple):
    """One message about a ground as it came to this unit."""

    arrived: int
    position: int | None
    author: UnitId
    recorded_at: datetime
    facts: Facts


@dataclass(frozen=True, slots=True)
class Reach:
    """That a recipient may see a source's entries of one category, of `history_from` and later, until `until`."""

    subject: SubjectId
    ground_id: GroundId
    collector: UnitId
    statutory: bool
    source: UnitId
    recipient: Recipient
    purpose: Purpose
    category: Category
    history_from: datetime
    until: datetime
    opened: bool
    """False while the source has not attested the paper: granted, but nothing of this source is given yet."""
    restricted: bool
    """True while a restriction of processing closes it."""


class GroundsInForce:
    """The read model."""

    name: Final = "grounds"
    version: int = 1
    readable_from: int = 1
    metadata: Final = METADATA

    def __init__(self) -> None:
        self._memory = FactsMemory()

    def apply(self, connection: Connection, items: Sequence[ParsedItem], tables: Build) -> None:
        """Keep the messages that count, then fold the grounds of each subject concerned again."""
        message, latest = tables[MESSAGE], {one.item.message_id: one for one in items if _may_be_known(one)}
        counting = [row for one in latest.values() if (row := _row(one)) is not None]
        kept = {row["message_id"] for row in counting}
        ended = [message_id for message_id in latest if message_id not in kept]
        for one in latest.values():
            if one.facts is not None and one.item.message_id in kept:
                self._memory.keep(one.item.message_id, one.facts)
        touched = {row["subject"] for row in counting} | _subjects_of(connection, message, ended)
        delete_where(connection, message, message.c.message_id, ended)
        upsert(connection, message, counting)
        delete_where(connection, tables[REACH], tables[REACH].c.subject, sorted(touched))
        records = _records(connection, message, touched, self._memory)
        upsert(
            connection, tables[REACH], [row for subject in touched for row in _reach_rows(subject, records[subject])]
        )


def grounds_of(connection: Connection, subject: SubjectId) -> Grounds:
    """The grounds of a subject as `contracts.gate.permit` takes them. Raises `NotServedError`."""
    _require(connection)
    return _folded(_records(connection, MESSAGE, {subject}, FactsMemory())[subject])


def restrictions_of(connection: Connection, subject: SubjectId) -> Sequence[Restriction]:
    """The restrictions of processing in force, as `contracts.gate.permit` takes them. Raises `NotServedError`."""
    _require(connection)
    return _restrictions(_records(connection, MESSAGE, {subject}, FactsMemory())[subject])


def in_force(connection: Connection, subject: SubjectId, *, at: datetime) -> Sequence[Reach]:
    """Who may see what of a subject at `at`: opened by its source, not restricted, not past. Raises `NotServedError`.

    Whether a unit is admitted, bound by secrecy or of a class stands in the trust list: for one entry ask `permit`.
    """
    open_now = select(REACH).where(REACH.c.subject == subject, REACH.c.opened, ~REACH.c.restricted, REACH.c.until > at)
    return _read(connection, open_now)


def ending(connection: Connection, *, after: datetime, before: datetime) -> Sequence[Reach]:
    """What ends by itself between the two instants, of all subjects: whom to ask for a renewal. Raises `NotServedError`."""
    return _read(connection, select(REACH).where(REACH.c.until > after, REACH.c.until <= before))


def announced(connection: Connection, *, at: datetime) -> Sequence[Reach]:
    """What the hub gave notice of and nothing renewed since: whom to ask while there is time, the soonest end first. Raises `NotServedError`."""
    _require(connection)
    told = connection.execute(select(MESSAGE.c.subject, MESSAGE.c.facts).where(MESSAGE.c.type.in_(_NOTICES)))
    notices = [(row.subject, ConsentExpiryAnnounced.model_validate_json(row.facts)) for row in told]
    ending = {(subject, one.consent_id, one.until) for subject, one in notices if one.until > at}
    found: list[Reach] = []
    for subjects in batches(sorted({subject for subject, _, _ in ending})):
        standing = _read(connection, select(REACH).where(REACH.c.subject.in_(subjects), REACH.c.until > at))
        lasting = {_opened_by(one): one.until for one in standing}  # in the order of `until`: the latest stays
        found += [
            one
            for one in standing
            if (one.subject, one.ground_id, one.until) in ending and lasting[_opened_by(one)] == one.until
        ]
    return sorted(found, key=lambda one: one.until)


def _opened_by(one: Reach) -> tuple[str, ...]:
    """What a later grant of the same consent must open, too, to renew this one."""
    return one.subject, one.ground_id, one.source, one.recipient, one.purpose, one.category


def _may_be_known(one: ParsedItem) -> bool:
    """False for a message of another type, which never was about a ground and need not be looked for."""
    return one.facts is None or type(one.facts) in _KEPT


def _row(one: ParsedItem) -> dict[str, Any] | None:
    """The row of a message that counts: not refused, not erased, about a subject."""
    item, heading = one.item, one.heading
    if item.kind in ("refused", "erased") or one.facts is None or not _may_be_known(one):
        return None
    if item.subject is None or heading is None:
        return None
    return {
        "message_id": item.message_id,
        "subject": item.subject,
        "arrived": item.arrived,
        "position": item.position,
        "author": item.author,
        "type": heading.type,
        "recorded_at": item.recorded_at,
        "facts": one.facts_json,
    }


def _subjects_of(connection: Connection, message: Table, message_ids: Sequence[MessageId]) -> set[SubjectId]:
    found: set[SubjectId] = set()
    for some in batches(message_ids):
        found |= set(connection.scalars(select(message.c.subject).where(message.c.message_id.in_(some))))
    return found


def _records(
    connection: Connection, message: Table, subjects: Iterable[SubjectId], memory: FactsMemory
) -> Mapping[SubjectId, Sequence[GroundRecord]]:
    records: dict[SubjectId, list[GroundRecord]] = defaultdict(list)
    for some in batches(sorted(subjects)):
        for row in connection.execute(select(message).where(message.c.subject.in_(some))).all():
            records[row.subject].append(_record(row, memory))
    return records


def _record(row: Row[Any], memory: FactsMemory) -> GroundRecord:
    return GroundRecord(row.arrived, row.position, row.author, row.recorded_at, memory.of(row))


def _folded(records: Iterable[GroundRecord]) -> Grounds:
    grounds: Grounds = {}
    for one in in_log_order(records):
        grounds = apply(grounds, one.facts, author=one.author, recorded=one.recorded_at)
    return grounds


def _restrictions(records: Iterable[GroundRecord]) -> Sequence[Restriction]:
    restrictions: list[Restriction] = []
    for one in in_log_order(records):
        match one.facts:
            case ProcessingRestricted():
                restrictions.append(Restriction(one.author, frozenset(one.facts.categories)))
            case ProcessingLifted():
                restrictions = [other for other in restrictions if other.author != one.author]
    return restrictions


def _reach_rows(subject: SubjectId, records: Sequence[GroundRecord]) -> list[dict[str, Any]]:
    restrictions = _restrictions(records)
    rows: list[dict[str, Any]] = []
    for ground in _folded(records).values():
        if ground.ended_at is not None:
            continue
        for opening in ground.openings:
            for source in sorted(opening.sources):
                rows += [
                    {
                        "subject": subject,
                        "ground_id": ground.ground_id,
                        "collector": ground.collector,
                        "statutory": ground.statutory,
                        "source": source,
                        "recipient": opening.recipient,
                        "purpose": opening.purpose,
                        "category": category,
                        "history_from": opening.history_from,
                        "until": opening.until,
                        "opened": ground.opens_entries_of(source),
                        "restricted": any(not one.categories or category in one.categories for one in restrictions),
                    }
                    for category in sorted(opening.categories)
                ]
    return [{"ordinal": ordinal, **row} for ordinal, row in enumerate(rows)]


def _read(connection: Connection, wanted: Select[Any]) -> Sequence[Reach]:
    _require(connection)
    rows = connection.execute(wanted.order_by(REACH.c.until, REACH.c.subject, REACH.c.ordinal))
    return [_reach(row) for row in rows]


def _reach(row: Row[Any]) -> Reach:
    columns = {name: value for name, value in row._mapping.items() if name != "ordinal"}  # noqa: SLF001 - documented API
    return Reach(**{**columns, "purpose": Purpose(row.purpose), "category": Category(row.category)})


def _require(connection: Connection) -> None:
    require_served(
        connection, GroundsInForce.name, version=GroundsInForce.version, readable_from=GroundsInForce.readable_from
    )
