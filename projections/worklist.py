"""The worklist of a unit: referrals that came in and that went out, where each stands, and what is overdue.

Invariants: the state is what `contracts.referral_table` makes of all the moves that this unit has, refused ones left out; external referrals are
counted apart, since their results are as reported.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Connection, Index, Integer, MetaData, Row, String, Table, Text, select

from contracts.catalogue import CATALOGUE
from contracts.categories import Category
from contracts.messages.referral import QuestionAnswered, QuestionAsked, ReferralFacts
from contracts.names import MessageId, MessageType, ReferralId, SubjectId, UnitId
from contracts.referral_table import ReferralState
from projections.build import Build
from projections.column_types import Instant, Number
from projections.facts_memory import FactsMemory
from projections.parsed import ParsedItem
from projections.positions import require_served
from projections.referral_fold import MoveRecord, Referral, fold
from projections.rows import batches, delete_where, upsert

METADATA: Final = MetaData()

MOVE: Final = Table(
    "referral_move",
    METADATA,
    Column("message_id", String(36), primary_key=True),
    Column("subject", String(60), nullable=False),
    Column("referral_id", String(36), nullable=False),
    Column("arrived", Number, nullable=False),
    Column("position", Number),
    Column("author", String(40), nullable=False),
    Column("type", String(120), nullable=False),
    Column("category", String(40)),
    Column("time", Instant, nullable=False),
    Column("facts", Text, nullable=False),
    Column("content", Text),
    Index("referral_move_referral", "referral_id", "subject"),
)
"""Every message of a referral that counts: moves, questions and answers."""

REFERRAL: Final = Table(
    "referral",
    METADATA,
    Column("subject", String(60), primary_key=True),
    Column("referral_id", String(36), primary_key=True),
    Column("state", String(20), nullable=False),
    Column("source", String(40), nullable=False),
    Column("target", String(40)),
    Column("parent", String(36)),
    Column("kind", String(40), nullable=False),
    Column("category", String(40)),
    Column("service", String(120)),
    Column("legal_effect", String(120), nullable=False),
    Column("sent_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("answer_due", Instant, nullable=False),
    Column("expected", Instant),
    Column("due", Instant),
    Column("first_meeting", Instant),
    Column("as_reported", Integer, nullable=False),
    Index("referral_target", "target", "due"),
    Index("referral_source", "source", "due"),
)

_COLUMNS: Final = tuple(
    str(column.name) for column in REFERRAL.columns
)  # SQLAlchemy's own names are a subclass, which orjson takes for no key
_INSTANTS: Final = tuple(column.name for column in REFERRAL.columns if isinstance(column.type, Instant))
_Key = tuple[SubjectId, ReferralId]


@dataclass(frozen=True, slots=True)
class ReferralText:
    """A question of the target, or the source's answer to the question `answers`."""

    message_id: MessageId
    author: UnitId
    time: datetime
    text: str | None
    """None where it does not open here."""
    answers: MessageId | None


@dataclass(frozen=True, slots=True)
class Counts:
    """How many referrals of a unit stand where; external ones apart."""

    incoming: Mapping[ReferralState, int]
    outgoing: Mapping[ReferralState, int]
    external: Mapping[ReferralState, int]
    """Outgoing to targets outside the programme, as reported."""
    overdue_incoming: int
    overdue_outgoing: int


class Worklist:
    """The read model. `grace_days`: how long after an expected date a waiting list may stay silent (a setting of the programme)."""

    name: Final = "worklist"
    version: int = 1
    readable_from: int = 1
    metadata: Final = METADATA

    def __init__(self, *, grace_days: int = 14) -> None:
        self._grace_days = grace_days
        self._memory = FactsMemory()

    def apply(self, connection: Connection, items: Sequence[ParsedItem], tables: Build) -> None:
        """Keep the messages that count, then fold each referral they belong to again."""
        latest = {one.item.message_id: one for one in items if _may_be_known(one)}
        counting = [row for one in latest.values() if (row := _move(one)) is not None]
        kept = {row["message_id"] for row in counting}
        ended = [message_id for message_id in latest if message_id not in kept]
        for one in latest.values():
            if one.facts is not None and one.item.message_id in kept:
                self._memory.keep(one.item.message_id, one.facts)
        touched = {(row["subject"], row["referral_id"]) for row in counting}
        touched |= _referrals_of(connection, tables[MOVE], ended)
        delete_where(connection, tables[MOVE], tables[MOVE].c.message_id, ended)
        upsert(connection, tables[MOVE], counting)
        self._fold(connection, touched, tables)

    def _fold(self, connection: Connection, touched: set[_Key], tables: Build) -> None:
        moves = _moves(connection, tables[MOVE], touched, self._memory)
        folded = {key: fold(*key, moves.get(key, ()), grace_days=self._grace_days) for key in touched}
        gone = {key for key, referral in folded.items() if referral is None}
        for subject, referral_id in sorted(gone):
            own = tables[REFERRAL].c
            connection.execute(tables[REFERRAL].delete().where(own.subject == subject, own.referral_id == referral_id))
        upsert(connection, tables[REFERRAL], [_referral_row(one) for one in folded.values() if one is not None])


def incoming(connection: Connection, unit: UnitId) -> Sequence[Referral]:
    """Referrals that name the unit as target, the one due first first; ask each `overdue(at)`. Raises `NotServedError`."""
    return _read(connection, REFERRAL.c.target == unit)


def outgoing(connection: Connection, unit: UnitId) -> Sequence[Referral]:
    """Referrals that the unit sent, external ones included. Raises `NotServedError`."""
    return _read(connection, REFERRAL.c.source == unit)


def shown(
    connection: Connection, unit: UnitId, *, others_visible: bool, grace_days: int = 14
) -> tuple[Sequence[Referral], Sequence[Referral]]:
    """What came and what went, as the worker may see it; without `others_visible` (the lease has run out) only what the unit itself did.

    That is then: nothing that came, and what went as its own moves alone left it. Raises `NotServedError`.
    """
    went = outgoing(connection, unit)
    if others_visible:
        return incoming(connection, unit), went
    keys = {(one.subject, one.referral_id) for one in went}
    moves = _moves(connection, MOVE, keys, FactsMemory())
    own = {key: [one for one in some if one.author == unit] for key, some in moves.items()}
    folded = (
        fold(one.subject, one.referral_id, own[one.subject, one.referral_id], grace_days=grace_days) for one in went
    )
    return (), [_in_utc(one) for one in folded if one is not None]


def referrals(connection: Connection, subject: SubjectId) -> Sequence[Referral]:
    """All referrals of a subject that this unit knows, whoever sent them. Raises `NotServedError`."""
    return _read(connection, REFERRAL.c.subject == subject)


def texts(connection: Connection, subject: SubjectId, referral_id: ReferralId) -> Sequence[ReferralText]:
    """Questions and answers between the parties, in the order in which they were written. Raises `NotServedError`."""
    _require(connection)
    wanted = select(MOVE).where(MOVE.c.referral_id == referral_id, MOVE.c.subject == subject)
    rows = connection.execute(wanted.order_by(MOVE.c.time, MOVE.c.arrived))
    return [_text(row) for row in rows if _facts_of(row) in (QuestionAsked, QuestionAnswered)]


def open_questions(asked_and_answered: Iterable[ReferralText]) -> Sequence[ReferralText]:
    """The questions that no answer names."""
    every = list(asked_and_answered)
    answered = {one.answers for one in every}
    return [one for one in every if one.answers is None and one.message_id not in answered]


def counts(connection: Connection, unit: UnitId, *, at: datetime) -> Counts:
    """The unit's referrals by state, those outside the programme apart. Raises `NotServedError`."""
    came, went = incoming(connection, unit), outgoing(connection, unit)
    return Counts(
        incoming=Counter(one.state for one in came),
        outgoing=Counter(one.state for one in went if not one.external),
        external=Counter(one.state for one in went if one.external),
        overdue_incoming=sum(one.overdue(at) for one in came),
        overdue_outgoing=sum(one.overdue(at) for one in went if not one.external),
    )


def _may_be_known(one: ParsedItem) -> bool:
    """False for a message of another type, which never was a move and need not be looked for."""
    return one.facts is None or isinstance(one.facts, ReferralFacts)


def _move(one: ParsedItem) -> dict[str, Any] | None:
    """The row of a message that counts: not refused, not erased, about a subject."""
    item, facts, heading = one.item, one.facts, one.heading
    if item.kind in ("refused", "erased") or not isinstance(facts, ReferralFacts):
        return None
    if heading is None or item.subject is None:
        return None
    return {
        "message_id": item.message_id,
        "subject": item.subject,
        "referral_id": facts.referral_id,
        "arrived": item.arrived,
        "position": item.position,
        "author": item.author,
        "type": heading.type,
        "category": heading.category,
        "time": heading.time,
        "facts": one.facts_json,
        "content": one.content_json,
    }


def _referrals_of(connection: Connection, move: Table, message_ids: Sequence[MessageId]) -> set[_Key]:
    found: set[_Key] = set()
    for some in batches(message_ids):
        rows = connection.execute(select(move.c.subject, move.c.referral_id).where(move.c.message_id.in_(some)))
        found |= {(row.subject, row.referral_id) for row in rows}
    return found


def _moves(
    connection: Connection, move: Table, touched: set[_Key], memory: FactsMemory
) -> Mapping[_Key, list[MoveRecord]]:
    moves: dict[_Key, list[MoveRecord]] = {key: [] for key in touched}
    for some in batches(sorted({referral_id for _, referral_id in touched})):
        for row in connection.execute(select(move).where(move.c.referral_id.in_(some))).all():
            if (row.subject, row.referral_id) in moves:
                moves[row.subject, row.referral_id].append(_record(row, memory))
    return moves


def _record(row: Row[Any], memory: FactsMemory) -> MoveRecord:
    return MoveRecord(
        message_id=row.message_id,
        arrived=row.arrived,
        position=row.position,
        author=row.author,
        category=None if row.category is None else Category(row.category),
        time=row.time,
        facts=memory.of(row),
    )


def _facts_of(row: Row[Any]) -> type[Any]:
    return CATALOGUE[MessageType(row.type)].facts


def _referral_row(one: Referral) -> dict[str, Any]:
    return {name: getattr(one, name) for name in _COLUMNS}


def _read(connection: Connection, condition: ColumnElement[bool]) -> Sequence[Referral]:
    _require(connection)
    last = REFERRAL.c.due.is_(None)
    ordered = (
        select(REFERRAL).where(condition).order_by(last, REFERRAL.c.due, REFERRAL.c.sent_at, REFERRAL.c.referral_id)
    )
    return [_referral(row) for row in connection.execute(ordered)]


def _in_utc(one: Referral) -> Referral:
    """As a stored one comes back."""
    instants = {name: at for name in _INSTANTS if (at := getattr(one, name)) is not None}
    return one._replace(**{name: at.astimezone(UTC) for name, at in instants.items()})


def _referral(row: Row[Any]) -> Referral:
    columns = row._mapping  # noqa: SLF001 - the documented way to a row's names, in spite of its underscore
    category = None if row.category is None else Category(row.category)
    return Referral(**{**columns, "state": ReferralState(row.state), "category": category})


def _text(row: Row[Any]) -> ReferralText:
    content = json.loads(row.content) if row.content else {}
    answers = json.loads(row.facts).get("question_id")
    return ReferralText(row.message_id, row.author, row.time, content.get("question", content.get("answer")), answers)


def _require(connection: Connection) -> None:
    require_served(connection, Worklist.name, version=Worklist.version, readable_from=Worklist.readable_from)
