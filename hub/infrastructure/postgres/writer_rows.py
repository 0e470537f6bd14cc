"""What a commit of the writer writes beside its events, as rows.

Invariants: statements run in a fixed order, what ends before what begins (a timer cleared and set, a message unparked and parked again); what a
stranger chose (header names, a fault's text with a zero byte in it) cannot make a commit fail.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import psycopg
from psycopg import sql

from contracts.names import MessageId, RecordKey, Source
from hub.application.ports import Commit, DeadLetter, Parked, ReplayWish
from hub.infrastructure.postgres.copy_rows import index_rows
from hub.infrastructure.postgres.queries import queries
from hub.infrastructure.postgres.streams import Stream, opened

Row = Mapping[str, Any]
Headers = tuple[tuple[str, bytes], ...]
FOR_ALL = RecordKey("")
"""How a closing for all keys is stored; no record key is empty."""

_SQL = queries("writer")


def write_beside(connection: psycopg.Connection, commit: Commit) -> None:
    """Write all of `commit` but its events, within the open transaction."""
    if commit.indexed:
        with connection.cursor().copy(_SQL["copy_message_index"]) as copy:
            copy.write(index_rows(commit.indexed))
    for wish in commit.replays:
        if wish.shard is not None:
            _wish_elsewhere(connection, wish, shard=wish.shard)
    with connection.pipeline(), connection.cursor() as cursor:
        if streams := opened(commit.events):
            cursor.execute(_SQL["insert_streams"], _columns(streams))
        for query, rows in _statements(commit):
            if rows:
                cursor.executemany(_SQL[query], rows)


def _wish_elsewhere(connection: psycopg.Connection, wish: ReplayWish, *, shard: int) -> None:
    """Leave a wish with the relay of another shard of this database; where that shard has no tables nobody could serve it."""
    schema = f"shard_{shard}"
    row = connection.execute(_SQL["table_of_wishes"], {"name": f"{schema}.replay_wish"}).fetchone()
    if row is not None and row[0]:
        query = sql.SQL(_SQL["replay_wish_elsewhere"].decode()).format(schema=sql.Identifier(schema))
        connection.execute(query, _fields(wish, "unit sequence own"))


def headers_of(names: Sequence[bytes], values: Sequence[bytes]) -> Headers:
    """Headers as they came, from their two columns."""
    return tuple((_text(name), value) for name, value in zip(names, values, strict=True))


def parked_of(row: Sequence[Any]) -> Parked:
    """A row of query `parked`."""
    key, source, message_id, topic, partition, offset, value, names, values, fault = row
    headers = headers_of(names, values)
    return Parked(
        RecordKey(key), Source(source), MessageId(message_id), topic, partition, offset, value, headers, fault
    )


def _statements(commit: Commit) -> Iterator[tuple[str, Sequence[Row]]]:
    yield (
        "set_input_position",
        [_fields(one, "topic partition next_offset incarnation fingerprint") for one in commit.inputs],
    )
    yield "close", [{"key": one.key or FOR_ALL, "position": one.position} for one in commit.closings]
    yield "clear_timer", [{"timer_id": one} for one in commit.timers_cleared]
    yield "set_timer", [_fields(one, "timer_id due key partition kind reference") for one in commit.timers_set]
    yield "receipt_due", [{"position": one} for one in commit.receipts_due]
    yield "replay_wish", [_fields(one, "unit sequence own") for one in commit.replays if one.shard is None]
    yield "deposit", [_fields(one, "position header") for one in commit.deposits]
    yield "dead_letter", [_dead_letter(one, commit) for one in commit.dead_letters]
    yield "unpark", [{"source": source, "message_id": message_id} for source, message_id in commit.unparked]
    yield "end_wish", [{"number": one} for one in commit.wishes_done]
    yield "park", [_parked(one, commit) for one in commit.parked]


def _columns(streams: Sequence[Stream]) -> Row:
    ids, record_keys, kinds, keys = (list(column) for column in zip(*streams, strict=True))
    return {"streams": ids, "record_keys": record_keys, "kinds": kinds, "keys": keys}


def _fields(one: object, names: str) -> Row:
    return {name: getattr(one, name) for name in names.split()}


def _dead_letter(one: DeadLetter, commit: Commit) -> Row:
    fields = _fields(one, "topic partition incarnation reason key value digest size")
    return {**fields, "record_offset": one.offset, "at": commit.at, **_header_columns(one.headers)}


def _parked(one: Parked, commit: Commit) -> Row:
    fields = _fields(one, "key source message_id topic partition value")
    fault = one.fault.replace("\0", "\N{REPLACEMENT CHARACTER}")
    return {**fields, "record_offset": one.offset, "at": commit.at, "fault": fault, **_header_columns(one.headers)}


def _header_columns(headers: Iterable[tuple[str, bytes]]) -> Row:
    pairs = list(headers)
    names = [name.encode("utf-8", "surrogateescape") for name, _ in pairs]
    return {"header_names": names, "header_values": [value for _, value in pairs]}


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
