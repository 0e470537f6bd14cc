"""SQL views for local systems over a unit's read models: names and columns that stay, on SQLite and PostgreSQL alike.

Invariants: a view's columns keep name and meaning for ever and new ones are added at the end; the views read through the build that serves, so a
rebuild never takes them away; **the lease on others' entries holds in the database itself**: each row that came from another unit shows only while
the database's own clock is before `others_shown_until`, so it holds also when the adapter is stopped. That instant moves on with each sign of life
that the adapter notes, and there is none while the adapter is catching up. What hides is said by `spojka_state`, never by an error.

A look through a view is not known to the adapter: the local system reports it (adapters/followers/README.md says how).
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    FromClause,
    MetaData,
    String,
    Table,
    case,
    delete,
    func,
    insert,
    inspect,
    or_,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateView, DropView
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import FunctionElement, Select

from contracts.categories import Purpose
from contracts.referral_table import UNANSWERED
from projections.column_types import Instant
from projections.grounds import REACH
from projections.one_person import PERSON
from projections.rows import batches, delete_where, upsert
from projections.timeline import ENTRY
from projections.worklist import REFERRAL

METADATA: Final = MetaData()

CLIENT: Final = Table(
    "local_client",
    METADATA,
    Column("subject", String(60), primary_key=True),
    Column("client", String(200), nullable=False),
)
"""The unit's own case numbers, copied from its database, which is another file."""

SHOWING: Final = Table(
    "local_showing",
    METADATA,
    Column("unit", String(40), primary_key=True),
    Column("others_shown_until", Instant),
    Column("hidden", String(20)),
    Column("noted_at", Instant, nullable=False),
)
"""One row: until when others' entries show, by this database's clock."""


class _Now(FunctionElement[datetime]):
    """The database's clock, in the form in which instants are stored."""

    type = Instant()
    inherit_cache = True


@compiles(_Now, "sqlite")
def _now_sqlite(element: _Now, compiler: SQLCompiler, **given: Any) -> str:  # noqa: ANN401 - the compiler's own
    del element, compiler, given
    return "(strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000+00:00')"


@compiles(_Now, "postgresql")
def _now_postgres(element: _Now, compiler: SQLCompiler, **given: Any) -> str:  # noqa: ANN401 - the compiler's own
    del element, compiler, given
    return "(to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US') || '+00:00')"


@dataclass(frozen=True, slots=True)
class LocalColumn:
    """One column of a view, as an IT person reads about it."""

    name: str
    meaning: str
    value: ColumnElement[Any]


@dataclass(frozen=True, slots=True)
class LocalView:
    """One view with a stable name."""

    name: str
    meaning: str
    columns: Sequence[LocalColumn]
    rows: FromClause
    shows: ColumnElement[bool] | None
    needs: frozenset[str]
    """The read models' views that it reads."""

    @property
    def query(self) -> Select[Any]:
        """What the view is."""
        chosen = select(*[one.value.label(one.name) for one in self.columns]).select_from(self.rows)
        return chosen if self.shows is None else chosen.where(self.shows)


def _others_show() -> ColumnElement[bool]:
    return select(SHOWING.c.unit).where(SHOWING.c.others_shown_until > _Now()).exists()


def _of_this_unit(column: ColumnElement[Any]) -> ColumnElement[bool]:
    return column.in_(select(SHOWING.c.unit))


def _flag(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return case((condition, 1), else_=0)


def _columns(table: Table, chosen: Mapping[str, tuple[str, str]]) -> list[LocalColumn]:
    """By the table's column: the view's name for it, and what it means."""
    return [LocalColumn(name, meaning, table.c[column]) for column, (name, meaning) in chosen.items()]


_CASE_NUMBER: Final = LocalColumn("client", "your own case number; empty where nobody linked one yet", CLIENT.c.client)


def _person(subject: ColumnElement[Any]) -> LocalColumn:
    meaning = "the same in every row about one person: files of one person bear one, every other file its own subject"
    return LocalColumn("person", meaning, func.coalesce(PERSON.c.person, subject))


def _of_clients(table: Table) -> FromClause:
    """A read model's rows with the unit's own case number, and with the person where several files are about one."""
    rows = table.outerjoin(CLIENT, table.c.subject == CLIENT.c.subject)
    return rows.outerjoin(PERSON, table.c.subject == PERSON.c.subject)


_TIMELINE: Final = LocalView(
    "spojka_timeline",
    "Every entry about a client, own and shared for support, as it was recorded. A correction is a row of its own that names what it `corrects`.",
    [
        *_columns(ENTRY, {"message_id": ("entry", "the entry's id"), "subject": ("subject", "the client's pseudonym")}),
        _CASE_NUMBER,
        *_columns(
            ENTRY,
            {
                "time": ("happened_at", "when it happened (of an erased one: when it was erased), UTC, ISO 8601"),
                "arrived": ("arrived", "order in which entries came; with it you ask for what is new"),
                "author": ("unit", "the unit that recorded it"),
                "kind": (
                    "kind",
                    "own, given (shared with you), refused, or erased (only that something was there is left)",
                ),
                "state": ("state", "of an own entry: held, waiting or accepted"),
                "type": ("type", "what it is, by the published catalogue"),
                "category": ("category", "area of support, a code"),
                "purpose": ("purpose", "what it may be used for, a code"),
                "actor": ("actor", "role and pseudonym of the worker"),
                "facts": ("facts", "its codes as JSON, by the published schema of its type"),
                "content": ("content", "what a person wrote, as JSON"),
                "fault": ("fault", "why it does not open here, if so"),
                "ground_id": ("ground", "the reason to share under which it came or left"),
                "referral_id": ("referral", "the referral that it belongs to"),
                "corrects": ("corrects", "the entry that this one corrects"),
                "refusal": ("refusal", "why it was refused, a code"),
                "shared_until": ("shared_until", "of an erased entry: until when it was shared"),
            },
        ),
        _person(ENTRY.c.subject),
    ],
    _of_clients(ENTRY),
    or_(
        ENTRY.c.kind.in_(("own", "refused")),
        _others_show() & or_(ENTRY.c.purpose.is_(None), ENTRY.c.purpose == Purpose.SUPPORT.value),
    ),
    frozenset({ENTRY.name, PERSON.name}),
)

_REFERRALS: Final = LocalView(
    "spojka_referrals",
    "The worklist: every referral to you, from you, or about a shared client, and where it stands.",
    [
        *_columns(REFERRAL, {"referral_id": ("referral", "its id"), "subject": ("subject", "the client's pseudonym")}),
        _CASE_NUMBER,
        *_columns(
            REFERRAL,
            {
                "source": ("source", "the unit that referred"),
                "target": ("target", "the unit that is asked; empty: outside the programme"),
                "state": ("state", "where it stands, a code"),
                "kind": ("kind", "referral, transfer, assessment, accompanied, signposting …"),
                "category": ("category", "area of support, a code"),
                "service": ("service", "the service that is asked for"),
                "sent_at": ("sent_at", "when it was sent, UTC"),
                "changed_at": ("changed_at", "when it last moved, UTC"),
                "due": ("due", "by when an answer is due, UTC; empty once it came"),
                "expected": ("expected", "on a waiting list: when a place is expected, UTC"),
                "first_meeting": ("first_meeting", "the first meeting agreed, UTC"),
                "parent": ("parent", "the referral that it grew out of"),
            },
        ),
        LocalColumn(
            "overdue",
            "1 where an answer is due and did not come",
            _flag(REFERRAL.c.state.in_(sorted(state.value for state in UNANSWERED)) & (REFERRAL.c.due < _Now())),
        ),
        LocalColumn(
            "as_reported", "how many of its moves the source reported of somebody outside", REFERRAL.c.as_reported
        ),
        _person(REFERRAL.c.subject),
    ],
    _of_clients(REFERRAL),
    or_(_of_this_unit(REFERRAL.c.source), _others_show()),
    frozenset({REFERRAL.name, PERSON.name}),
)

_GROUNDS: Final = LocalView(
    "spojka_grounds",
    "Who may see what: one row for each source and area of each reason to share that was not ended.",
    [
        *_columns(
            REACH, {"ground_id": ("ground", "the reason's id"), "subject": ("subject", "the client's pseudonym")}
        ),
        _CASE_NUMBER,
        *_columns(
            REACH,
            {
                "collector": ("collector", "the unit that took the paper"),
                "source": ("source", "whose entries it opens"),
                "recipient": ("recipient", "to whom: unit:<name> or class:<name>"),
                "purpose": ("purpose", "for what, a code"),
                "category": ("category", "area of support, a code"),
                "history_from": ("history_from", "entries of this time and later, UTC"),
                "until": ("until", "until when, UTC"),
            },
        ),
        LocalColumn("statutory", "1 by law, 0 by the client's consent", _flag(REACH.c.statutory)),
        LocalColumn("opened", "1 once the source itself has seen the paper", _flag(REACH.c.opened)),
        LocalColumn("restricted", "1 while processing is restricted", _flag(REACH.c.restricted)),
        LocalColumn(
            "in_force",
            "1 where it opens entries now",
            _flag(REACH.c.opened & ~REACH.c.restricted & (REACH.c.until > _Now())),
        ),
        _person(REACH.c.subject),
    ],
    _of_clients(REACH),
    or_(_of_this_unit(REACH.c.collector), _others_show()),
    frozenset({REACH.name, PERSON.name}),
)

_STATE: Final = LocalView(
    "spojka_state",
    "One row: whether entries of other units show now. Read it first, and tell your users when it is 0.",
    [
        LocalColumn("unit", "this unit", SHOWING.c.unit),
        LocalColumn("others_shown", "1 while entries of other units show", _flag(_others_show())),
        LocalColumn("others_shown_until", "until when, without another sign of life from the hub, UTC", SHOWING.c.others_shown_until),
        LocalColumn(
            "hidden",
            "why they do not show: never-connected, catching-up or lease-over",
            case(
                (_others_show(), None), (SHOWING.c.hidden.is_not(None), SHOWING.c.hidden), else_="lease-over"
            ),
        ),
        LocalColumn("noted_at", "when the adapter last looked, UTC by this database's clock", SHOWING.c.noted_at),
    ],
    SHOWING,
    None,
    frozenset(),
)  # fmt: skip

LOCAL_VIEWS: Final[tuple[LocalView, ...]] = (_STATE, _TIMELINE, _REFERRALS, _GROUNDS)


def offer_views(connection: Connection) -> None:
    """Make what is missing of tables and views; a view whose read model does not exist yet comes with the next call."""
    METADATA.create_all(connection)
    inspector = inspect(connection)
    present = set(inspector.get_view_names())
    for view in LOCAL_VIEWS:
        if not view.needs <= present:
            continue
        columns = [one["name"] for one in inspector.get_columns(view.name)] if view.name in present else []
        if columns != [one.name for one in view.columns]:
            _renew(connection, view, replaces=bool(columns))


def _renew(connection: Connection, view: LocalView, *, replaces: bool) -> None:
    """Columns are only ever added at the end, so PostgreSQL replaces a view in place and whoever may read it still may."""
    in_place = connection.dialect.name == "postgresql"
    if replaces and not in_place:
        connection.execute(DropView(Table(view.name, MetaData())))
    connection.execute(CreateView(view.query, view.name, or_replace=replaces and in_place))


@dataclass(frozen=True, slots=True)
class Showing:
    """Whether others' entries show: for how long from now on, or why not."""

    unit: str
    remaining: timedelta | None
    hidden: str | None = None


def note_showing(connection: Connection, showing: Showing) -> None:
    """Keep it by the database's own clock, which may be another than the adapter's."""
    now = connection.scalar(select(_Now()))
    if now is None:
        raise LookupError("the database tells no time")
    until = None if showing.remaining is None else now + showing.remaining
    connection.execute(delete(SHOWING))
    row = {"unit": showing.unit, "others_shown_until": until, "hidden": showing.hidden, "noted_at": now}
    connection.execute(insert(SHOWING).values(row))


def note_clients(connection: Connection, clients: Iterable[tuple[str, str]]) -> int:
    """Keep these pairs of subject and case number beside those that are here; returns how many were new or changed."""
    changed = 0
    for some in batches(clients):
        wanted = dict(some)
        rows = connection.execute(select(CLIENT).where(CLIENT.c.subject.in_(wanted)))
        known = {row.subject: row.client for row in rows}
        new = [{"subject": one, "client": client} for one, client in wanted.items() if known.get(one) != client]
        upsert(connection, CLIENT, new)
        changed += len(new)
    return changed


def forget_clients(connection: Connection, linked: Callable[[Sequence[str]], Collection[str]]) -> None:
    """Drop what is no longer linked; `linked` says which of some subjects still are."""
    for some in batches(connection.scalars(select(CLIENT.c.subject)).all()):
        still = linked(some)
        delete_where(connection, CLIENT, CLIENT.c.subject, [one for one in some if one not in still])
