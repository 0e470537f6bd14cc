"""The key service's own database, on PostgreSQL.

Invariants: as `hub.application.key_ports.KeyStore` says; what is revoked goes before what is released, so that one commit may put the one in place of
the other. Secrets are wrapped before they come here.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from contracts.messages.key import ReleasedKey
from contracts.names import GroundId, KeyId, MessageId, ProgrammeId, RecordKey, UnitId
from contracts.sealing.content_key import KeyLabel
from contracts.sealing.suites import SuiteId
from hub.application.key_ports import (
    CarriedOut,
    DepositKey,
    HeldKey,
    KeyCommit,
    KeyReport,
    KeyState,
    KeyUseSoFar,
    Place,
    ReleaseRow,
    Wanted,
    Wrapped,
)
from hub.application.ports import FencedError
from hub.infrastructure.postgres.queries import queries
from hub.infrastructure.postgres.session import Session

Row = Mapping[str, Any]

_SQL = queries("key_store")


class PostgresKeyStore:
    """`KeyStore` over a session on the key database."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def state(self) -> KeyState:
        """Where this shard stands."""
        ((position, cluster),) = self._rows("state", {})
        return KeyState(position, cluster)

    def commit(self, commit: KeyCommit) -> None:
        """Write everything or nothing. Raises `FencedError`, `StoreUnavailableError`."""
        with self._session.transaction() as connection:
            moved = connection.execute(_SQL["move"], {"position": commit.position, "to": commit.to}).fetchone()
            if moved is None:
                raise FencedError(
                    f"The keys no longer stand at position {commit.position}.",
                    advice="Another key service is at work: begin again from what is stored.",
                )
            with connection.pipeline(), connection.cursor() as cursor:
                for query, rows in _statements(commit):
                    if rows:
                        cursor.executemany(_SQL[query], rows)

    def go_back(self, *, generation: int, position: int) -> bool:
        """The log was restored: what stood at `position` and behind is another story now, and read again; False where it was told before."""
        values = {"generation": generation, "position": position}
        with self._session.transaction() as connection:
            if connection.execute(_SQL["go_back"], values).fetchone() is None:
                return False
            connection.execute(_SQL["keys_go_back"], values)
            connection.execute(_SQL["waiting_goes_back"], values)
        return True

    def deposit_keys(self) -> Sequence[DepositKey]:
        """Every deposit key in the order in which they were made."""
        return [_deposit_key(row) for row in self._rows("deposit_keys", {})]

    def add_deposit_key(self, key: DepositKey) -> None:
        """Keep a new private half."""
        values = {"key_id": key.key_id, "suite": key.suite.value, "made_at": key.made_at, **_wrapped(key.secret)}
        self._run("add_deposit_key", values)

    def destroy(self, key_ids: Sequence[KeyId]) -> None:
        """Destroy private halves."""
        self._run("destroy", {"key_ids": list(key_ids)})

    def keys(self, key_ids: Sequence[str]) -> Mapping[str, HeldKey]:
        """Content keys by id."""
        found = self._rows("keys", {"key_ids": list(key_ids)}) if key_ids else ()
        return {row[0]: _held_key(row) for row in found}

    def keys_of(self, author: UnitId, *, after: str, limit: int) -> Sequence[HeldKey]:
        """What a unit itself deposited, by key id."""
        values = {"author": author, "after": after, "limit": limit}
        return [_held_key(row) for row in self._rows("keys_of", values)]

    def keys_about(self, key: RecordKey) -> Sequence[HeldKey]:
        """Every content key of a client."""
        return [_held_key(row) for row in self._rows("keys_about", {"key": key})]

    def carried_out(self) -> Sequence[CarriedOut]:
        """Erasures of which the log was not told, the oldest first."""
        rows = self._rows("carried_out", {})
        return [CarriedOut(MessageId(request), RecordKey(key), *rest) for request, key, *rest in rows]

    def told(self, request: MessageId) -> None:
        """The log holds it."""
        self._run("told_erasure", {"request": request})

    def uses(self, key_ids: Sequence[str]) -> Mapping[str, KeyUseSoFar]:
        """What these keys have sealed so far."""
        found = self._rows("uses", {"key_ids": list(key_ids)}) if key_ids else ()
        return {row[0]: _use(row) for row in found}

    def uses_of(self, keys: Sequence[RecordKey]) -> Sequence[KeyUseSoFar]:
        """What the keys of these subjects have sealed so far."""
        return [_use(row) for row in self._rows("uses_of", {"keys": list(keys)})]

    def waiting(self, *, after: int, limit: int) -> Sequence[tuple[int, Wanted]]:
        """What waits."""
        return [_wanted(row) for row in self._rows("waiting", {"after": after, "limit": limit})]

    def releases_of(self, keys: Sequence[RecordKey]) -> Sequence[ReleaseRow]:
        """What was released about these subjects."""
        return [_release(row) for row in self._rows("releases_of", {"keys": list(keys)})]

    def again(self, unit: UnitId) -> None:
        """All of a unit's is to be produced again."""
        self._run("again", {"unit": unit})

    def unproduced(self, *, limit: int) -> Sequence[ReleaseRow]:
        """What the broker may not have, the oldest first."""
        return [_release(row) for row in self._rows("unproduced", {"limit": limit})]

    def produced(self, numbers: Sequence[int]) -> None:
        """The broker has them."""
        if numbers:
            self._run("produced", {"numbers": list(numbers)})

    def met(self, cluster: str, *, since: datetime) -> int:
        """Another broker than before."""
        with self._session.transaction() as connection:
            connection.execute(_SQL["met"], {"cluster": cluster})
            return connection.execute(_SQL["lost"], {"since": since}).rowcount

    def report(self, *, at: datetime, limit: int) -> KeyReport | None:
        """The report under way, else one fixed now."""
        with self._session.transaction() as connection:
            row = connection.execute(_SQL["fix_report"], {"at": at, "limit": limit}).fetchone()
            through, fixed_at = (None, None) if row is None else row
            if through is None or fixed_at is None:
                return None
            rows = connection.execute(_SQL["report"], {"through": through}, binary=True).fetchall()
        if not rows:
            return None
        return KeyReport(rows[0][0], through, fixed_at, tuple(_released(row) for row in rows))

    def reported(self, report: KeyReport) -> None:
        """The log holds this report."""
        with self._session.transaction() as connection:
            connection.execute(_SQL["end_report"])
            connection.execute(_SQL["told"], {"through": report.through})

    def wrapped_under(self, kek_id: str) -> int:
        """How many secrets are wrapped under a key-encryption key."""
        ((count,),) = self._rows("wrapped_under", {"kek_id": kek_id})
        return int(count)

    def wrapped_not_under(self, kek_id: str, *, limit: int) -> Sequence[HeldKey | DepositKey]:
        """Secrets that are wrapped under another."""
        values = {"kek_id": kek_id, "limit": limit}
        found: list[HeldKey | DepositKey] = [_held_key(row) for row in self._rows("content_not_under", values)]
        found += [_deposit_key(row) for row in self._rows("deposit_not_under", values)]
        return found[:limit]

    def rewrap(self, secrets: Sequence[HeldKey | DepositKey]) -> None:
        """Keep these wrapped as they are given here."""
        with self._session.transaction() as connection, connection.cursor() as cursor:
            for one in secrets:
                query = "rewrap_content" if isinstance(one, HeldKey) else "rewrap_deposit"
                cursor.execute(_SQL[query], {"key_id": one.key_id, **_wrapped(one.secret)})

    def _rows(self, query: str, values: Row) -> list[tuple[Any, ...]]:
        with self._session.use() as connection:
            return connection.execute(_SQL[query], values, binary=True).fetchall()

    def _run(self, query: str, values: Row) -> None:
        with self._session.use() as connection:
            connection.execute(_SQL[query], values)


def _statements(commit: KeyCommit) -> Sequence[tuple[str, Sequence[Row]]]:
    return (
        ("add_content_key", [_key_row(key) for key in commit.keys]),
        (
            "set_use",
            [{"key_id": one.key_id, "record_key": one.key, "common": sorted(one.common)} for one in commit.uses],
        ),
        ("revoke", [_place(one.place) for one in commit.releases]),
        ("revoke", [_place(one) for one in commit.revoked]),
        ("release", [_release_row(one, commit.at) for one in commit.releases]),
        ("wait", [_wanted_row(one) for one in commit.waiting]),
        ("waited", [_wanted_row(one) for one in commit.waited]),
        ("destroy_key", [{"key_id": one} for one in commit.destroyed]),
        ("carry_out", [_carried_out_row(one) for one in commit.erasures]),
    )


def _place(place: Place) -> Row:
    key_id, unit, message_id = place
    return {"key_id": key_id, "unit": unit, "message_id": message_id}


def _wrapped(secret: Wrapped | None) -> Row:
    if secret is None:
        return {"kek_id": None, "secret": None}
    return {"kek_id": secret.kek_id, "secret": secret.sealed}


def _key_row(key: HeldKey) -> Row:
    label = key.label
    return {
        "key_id": key.key_id,
        "author": label.author,
        "record_key": label.subject,
        "scope": label.scope,
        "epoch": label.epoch,
        "programme": label.programme,
        "position": key.position,
        "message_id": key.message_id,
        **_wrapped(key.secret),
    }


def _release_row(one: ReleaseRow, at: datetime) -> Row:
    return {
        **_place(one.place),
        "entry": one.entry,
        "record_key": one.key,
        "position": one.position,
        "ground": one.ground,
        "to_key": one.to,
        "release_hash": one.release_hash,
        "signed": one.signed,
        "made_at": at,
    }


def _carried_out_row(one: CarriedOut) -> Row:
    return {"request": one.request, "key": one.key, "entries": one.entries, "keys": one.keys, "at": one.at}


def _wanted_row(one: Wanted) -> Row:
    return {
        "key_id": one.key_id,
        "unit": one.unit,
        "record_key": one.key,
        "position": one.position,
        "ground": one.ground,
        "live": one.live,
    }


def _held_key(row: Sequence[Any]) -> HeldKey:
    key_id, programme, author, record_key, scope, epoch, position, message_id, kek_id, secret = row
    label = KeyLabel(ProgrammeId(programme), UnitId(author), record_key, scope, epoch)
    return HeldKey(key_id, label, position, MessageId(message_id), Wrapped(kek_id, bytes(secret)))


def _deposit_key(row: Sequence[Any]) -> DepositKey:
    key_id, suite, made_at, kek_id, secret = row
    wrapped = None if secret is None else Wrapped(kek_id, bytes(secret))
    return DepositKey(KeyId(key_id), SuiteId(suite), made_at, wrapped)


def _use(row: Sequence[Any]) -> KeyUseSoFar:
    key_id, record_key, common, opened = row
    return KeyUseSoFar(key_id, RecordKey(record_key), frozenset(map(UnitId, common)), frozenset(map(UnitId, opened)))


def _wanted(row: Sequence[Any]) -> tuple[int, Wanted]:
    number, key_id, unit, record_key, position, ground, live = row
    grounded = None if ground is None else GroundId(ground)
    return number, Wanted(key_id, UnitId(unit), RecordKey(record_key), position, grounded, live=live)


def _release(row: Sequence[Any]) -> ReleaseRow:
    number, key_id, unit, message_id, entry, record_key, position, ground, to_key, release_hash, signed = row
    return ReleaseRow(
        number=number,
        key_id=key_id,
        unit=UnitId(unit),
        message_id=None if message_id is None else MessageId(message_id),
        entry=MessageId(entry),
        key=RecordKey(record_key),
        position=position,
        ground=None if ground is None else GroundId(ground),
        to=KeyId(to_key),
        release_hash=bytes(release_hash),
        signed=bytes(signed),
    )


def _released(row: Sequence[Any]) -> ReleasedKey:
    _, key_id, unit, form, entry, position, to_key, release_hash = row
    return ReleasedKey(
        key_id=key_id,
        unit=UnitId(unit),
        form=form,
        message_id=MessageId(entry),
        position=position,
        to=KeyId(to_key),
        release_hash=bytes(release_hash).hex(),
    )
