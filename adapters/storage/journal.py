"""Everything this unit recorded and was given, in the order in which it came: at a unit this table, not the topic, is the feed.

Invariants: one row a message; own entries show from the moment they were recorded, also held ones; erasing takes the payload and leaves the fact that
something was there; each insert and each change gives the row the next `revision`, in commit order: a follower by revision misses nothing.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Row, Select, bindparam, exists, func, or_, select, update

from adapters.storage.key_starts import is_key
from adapters.storage.many_rows import Columns, Same, among, insert_rows, one_of_keys
from adapters.storage.opening_keys import OpeningKeys
from adapters.storage.tables import JOURNAL
from contracts.catalogue import CATALOGUE, Audience
from contracts.names import GroundId, MessageId, MessageType, SubjectId, UnitId

_UNSIGNED: Final[Mapping[str, Any]] = {"key_id": None, "signature": None, "proof": None}
_SHAPING: Final = frozenset({Audience.PARTIES, Audience.REFERRAL})

# Made once: these are asked with every few messages.
_LAST_REVISION: Final = select(func.max(JOURNAL.c.revision))
_KNOWN: Final = select(JOURNAL.c.message_id).where(one_of_keys(JOURNAL.c.message_id))
_SET_STATE: Final = (
    update(JOURNAL).where(JOURNAL.c.number == bindparam("of")).values(revision=bindparam("to"), state=bindparam("now"))
)
_SINCE: Final = (
    select(JOURNAL)
    .where(JOURNAL.c.revision > bindparam("behind"))
    .order_by(JOURNAL.c.revision)
    .limit(bindparam("most"))
)


class EntryKind(StrEnum):
    """How an entry came here."""

    OWN = "own"
    GIVEN = "given"
    ERASED = "erased"


class OwnState(StrEnum):
    """What became of an own entry."""

    HELD = "held"
    """No ground permits it to leave; kept here."""
    WAITING = "waiting"
    """In the outbox, without a receipt."""
    ACCEPTED = "accepted"
    REFUSED = "refused"


_IN_ANOTHER_STATE: Final = (
    select(JOURNAL.c.number)
    .where(one_of_keys(JOURNAL.c.message_id) & (JOURNAL.c.kind == EntryKind.OWN.value))
    .where(or_(JOURNAL.c.state.is_(None), JOURNAL.c.state != bindparam("state")))
    .order_by(JOURNAL.c.number)
)


@dataclass(frozen=True, slots=True)
class FeedPlace:
    """Where in the feed a given entry stood, and what the hub said about it."""

    shard: int
    generation: int
    sequence: int
    position: int
    ground_id: GroundId | None
    delivery: bytes
    """The hub's signed delivery as DSSE envelope."""


class NewEntry(NamedTuple):
    """A row to be. A tuple, since an import makes one of every row."""

    message_id: MessageId
    subject: SubjectId | None
    """The delivery's subject where there is one, since it is the one that counts here; else the message's."""
    author: UnitId
    type: MessageType
    category: str | None
    time: datetime
    payload: bytes
    kind: EntryKind
    recorded_at: datetime
    state: OwnState | None = None
    place: FeedPlace | None = None
    ground_id: GroundId | None = None
    """Under which an own entry left; of a given one the delivery says it."""
    sealed_under: str | None = None
    """The id of the content key, where the payload came sealed."""
    opened: bytes | None = None
    """The document in clear of what came sealed, once its key is here."""
    signature: dict[str, Any] | None = None
    """`key_id`, `signature`, `proof` of a given message, from `signed_columns.to_columns`."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the journal. `payload` is None once erased; of a held entry it is the document with number 1, not yet signed.

    Of what came sealed `payload` is the document in clear once its key is here; until then, and in the row, the bytes that were signed.
    """

    number: int
    revision: int
    kind: EntryKind
    state: OwnState | None
    message_id: MessageId
    subject: SubjectId | None
    author: UnitId
    type: MessageType
    category: str | None
    time: datetime
    payload: bytes | None
    ground_id: GroundId | None
    position: int | None
    shard: int | None
    generation: int | None
    feed_sequence: int | None
    recorded_at: datetime


class Shaping(NamedTuple):
    """What of an entry shapes the state that the gate judges by. As of `Entry`."""

    kind: EntryKind
    state: OwnState | None
    subject: SubjectId | None
    author: UnitId
    payload: bytes | None
    ground_id: GroundId | None
    recorded_at: datetime


_SHAPES: Final = (
    select(*(JOURNAL.c[name] for name in (*Shaping._fields, "opened")))
    .where(one_of_keys(JOURNAL.c.subject) & JOURNAL.c.shapes_state)
    .order_by(JOURNAL.c.number)
)


def shapes_state(message_type: MessageType) -> bool:
    """True for messages that change grounds, restrictions or referrals: what the local gate judges by."""
    spec = CATALOGUE.get(message_type)
    return spec is not None and spec.audience in _SHAPING


def changes_grounds(message_type: MessageType) -> bool:
    """True for messages that may change who is given what: content keys change behind them."""
    spec = CATALOGUE.get(message_type)
    return spec is not None and spec.audience is Audience.PARTIES


class Journal:
    """The journal over one open connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._revision: int | None = None

    def last_revision(self) -> int:
        """The revision given last, 0 for an empty journal."""
        return self._connection.execute(_LAST_REVISION).scalar_one() or 0

    def _next_revision(self) -> int:
        self._revision = (self.last_revision() if self._revision is None else self._revision) + 1
        return self._revision

    def add(self, entries: Sequence[NewEntry]) -> None:
        """Write new rows in the order given."""
        if not entries:
            return
        first = self._next_revision()
        self._revision = first + len(entries) - 1
        insert_rows(self._connection, JOURNAL, {"revision": range(first, self._revision + 1), **_columns(entries)})

    def change(self, message_id: MessageId, /, **columns: Any) -> None:  # noqa: ANN401 - values of any column
        """Change columns of one row, so that followers see it again."""
        plain = {name: value.value if isinstance(value, StrEnum) else value for name, value in columns.items()}
        row = update(JOURNAL).where(JOURNAL.c.message_id == message_id)
        self._connection.execute(row.values(revision=self._next_revision(), **plain))

    def set_state(self, message_id: MessageId, state: OwnState) -> None:
        """What became of an own entry; one that was erased stays so."""
        entry = self.find(message_id)
        if entry is not None and entry.kind is EntryKind.OWN and entry.state is not state:
            self.change(message_id, state=state)

    def set_states(self, message_ids: Sequence[MessageId], state: OwnState) -> None:
        """As `set_state`, of many: each row has a revision of its own, in the order of the rows."""
        found = self._connection.scalars(_IN_ANOTHER_STATE, {"keys": message_ids, "state": state.value})
        rows = [{"of": number, "to": self._next_revision(), "now": state.value} for number in found]
        if rows:
            self._connection.execute(_SET_STATE, rows)

    def erase(self, message_ids: Sequence[MessageId]) -> int:
        """Take the content away and leave the row, and take the keys that opened nothing else; returns how many had content until now."""
        erased = 0
        for message_id in message_ids:
            entry = self.find(message_id)
            if entry is not None and entry.kind is EntryKind.GIVEN:
                gone = dict.fromkeys(("payload", "opened", "key_id", "signature", "proof", "delivery"))
                self.change(message_id, kind=EntryKind.ERASED, **gone)
                erased += 1
        OpeningKeys(self._connection).erase(sorted(self.sealed_under(message_ids)), message_ids)
        return erased

    def find(self, message_id: MessageId) -> Entry | None:
        """One entry."""
        found = self._read(select(JOURNAL).where(JOURNAL.c.message_id == message_id))
        return found[0] if found else None

    def known(self, message_ids: Sequence[MessageId]) -> frozenset[MessageId]:
        """Which of these messages are here."""
        return frozenset(self._connection.scalars(_KNOWN, {"keys": message_ids}))

    def unopened(self, key_ids: Collection[str]) -> Sequence[Entry]:
        """What came sealed under these content keys and was not opened yet."""
        sealed = among(JOURNAL.c.sealed_under, key_ids) & JOURNAL.c.opened.is_(None)
        return self._read(select(JOURNAL).where(sealed & JOURNAL.c.payload.is_not(None)).order_by(JOURNAL.c.number))

    def count_opened(self) -> int:
        """Of how many entries the content is kept that came sealed."""
        return self._connection.scalar(select(func.count()).where(JOURNAL.c.opened.is_not(None))) or 0

    def erased(self, message_ids: Collection[MessageId]) -> frozenset[MessageId]:
        """Which of these were erased here."""
        chosen = among(JOURNAL.c.message_id, message_ids)
        gone = chosen & (JOURNAL.c.kind == EntryKind.ERASED.value)
        return frozenset(self._connection.scalars(select(JOURNAL.c.message_id).where(gone)))

    def sealed_under(self, message_ids: Sequence[MessageId]) -> frozenset[str]:
        """The content keys under which these came."""
        chosen = among(JOURNAL.c.message_id, message_ids) & JOURNAL.c.sealed_under.is_not(None)
        return frozenset(self._connection.execute(select(JOURNAL.c.sealed_under).where(chosen)).scalars())

    def states(self, message_ids: Sequence[MessageId]) -> dict[MessageId, OwnState]:
        """What became of these own entries; others are left out."""
        chosen = among(JOURNAL.c.message_id, message_ids) & JOURNAL.c.state.is_not(None)
        rows = self._connection.execute(select(JOURNAL.c.message_id, JOURNAL.c.state).where(chosen))
        return {MessageId(message_id): OwnState(state) for message_id, state in rows}

    def since(self, revision: int, *, limit: int) -> Sequence[Entry]:
        """Rows written or changed behind a revision, in the order of their revisions: what a projection follows."""
        rows = self._connection.execute(_SINCE, {"behind": revision, "most": limit})
        return [_entry(row) for row in rows]

    def of_subject(self, subject: SubjectId) -> Sequence[Entry]:
        """All that is here about a subject, by the time when it happened."""
        rows = select(JOURNAL).where(is_key(JOURNAL.c.subject, subject))
        return self._read(rows.order_by(JOURNAL.c.time, JOURNAL.c.number))

    def shaping(self, subjects: Sequence[SubjectId]) -> Iterator[Shaping]:
        """The messages about these that shape what the gate judges by, in the order in which they came."""
        for kind, state, *middle, recorded_at, opened in self._connection.execute(_SHAPES, {"keys": subjects}):
            subject, author, payload, ground_id = middle
            own = None if state is None else OwnState(state)
            clear = payload if opened is None else opened
            yield Shaping(EntryKind(kind), own, subject, author, clear, ground_id, recorded_at)

    def knows(self, subject: SubjectId) -> bool:
        """Whether anything is here about a subject."""
        return self._connection.scalar(select(exists().where(is_key(JOURNAL.c.subject, subject)))) or False

    def of_type(self, message_type: MessageType) -> Sequence[Entry]:
        """All entries of one type, in the order in which they came."""
        return self._read(select(JOURNAL).where(JOURNAL.c.type == message_type).order_by(JOURNAL.c.number))

    def subjects(self) -> frozenset[SubjectId]:
        """Every subject of which something is here."""
        rows = self._connection.execute(select(JOURNAL.c.subject).where(JOURNAL.c.subject.is_not(None)).distinct())
        return frozenset(SubjectId(row.subject) for row in rows)

    def _read(self, statement: Select[Any]) -> list[Entry]:
        return [_entry(row) for row in self._connection.execute(statement)]


def _columns(entries: Sequence[NewEntry]) -> Columns:
    return _common_columns(entries) | (
        _feed_columns(entries) if any(one.place or one.signature for one in entries) else {}
    )


def _common_columns(entries: Sequence[NewEntry]) -> dict[str, Sequence[object] | Same]:
    columns: dict[str, Sequence[object] | Same] = dict(zip(NewEntry._fields, zip(*entries, strict=True), strict=True))
    del columns["place"], columns["signature"]
    return columns | {
        "kind": [entry.kind.value for entry in entries],
        "state": [None if entry.state is None else entry.state.value for entry in entries],
        "shapes_state": [shapes_state(entry.type) for entry in entries],
    }


def _feed_columns(entries: Sequence[NewEntry]) -> dict[str, Sequence[object] | Same]:
    """What only stands beside entries that came by the feed."""
    signatures = [entry.signature or _UNSIGNED for entry in entries]
    places = [entry.place for entry in entries]
    return {
        "ground_id": [entry.ground_id if entry.place is None else entry.place.ground_id for entry in entries],
        "position": [place and place.position for place in places],
        "shard": [place and place.shard for place in places],
        "generation": [place and place.generation for place in places],
        "feed_sequence": [place and place.sequence for place in places],
        "delivery": [place and place.delivery for place in places],
        **{name: [signature[name] for signature in signatures] for name in _UNSIGNED},
    }


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        number=row.number,
        revision=row.revision,
        kind=EntryKind(row.kind),
        state=None if row.state is None else OwnState(row.state),
        message_id=MessageId(row.message_id),
        subject=None if row.subject is None else SubjectId(row.subject),
        author=UnitId(row.author),
        type=MessageType(row.type),
        category=row.category,
        time=row.time,
        payload=row.payload if row.opened is None else row.opened,
        ground_id=None if row.ground_id is None else GroundId(row.ground_id),
        position=row.position,
        shard=row.shard,
        generation=row.generation,
        feed_sequence=row.feed_sequence,
        recorded_at=row.recorded_at,
    )
