"""Under which key the writer seals each event of a commit, and which keys the commit makes and destroys.

Invariants: a key is in the table before, or by the same transaction as, anything under it, so nothing is ever sealed under a key that is nowhere;
what a commit that failed would have made is forgotten. From an erasure's own event on, no key that it destroys seals anything.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import psycopg

from contracts.names import RecordKey
from hub.application.ports import Commit, Erasing, month_of
from hub.domain.events import Event, MessageAccepted
from hub.infrastructure.postgres.log_keys import REMEMBERED, KeyName, LogKeys
from hub.infrastructure.postgres.queries import queries
from hub.infrastructure.postgres.session import Session
from hub.infrastructure.postgres.state_cipher import KEY_LENGTH, StateKey

Under = tuple[StateKey, StateKey | None]
"""Evidence key; entry key where an erasure may come."""

_SQL = queries("log_keys")


@dataclass(slots=True)
class _Made:
    name: KeyName
    key: StateKey
    secret: bytes | None
    """None where the same commit destroys it."""


@dataclass(slots=True)
class Plan:
    """The keys of one commit."""

    under: list[Under] = field(default_factory=list)
    used: dict[KeyName, StateKey] = field(default_factory=dict)
    made: list[_Made] = field(default_factory=list)
    erasing: Sequence[Erasing] = ()


class WriterKeys:
    """The writer's own keys: it alone makes and destroys any. Forget everything with every take-over."""

    def __init__(self, keys: LogKeys, session: Session) -> None:
        self._keys = keys
        self._session = session
        self._in_use: dict[KeyName, StateKey] = {}

    def forget(self) -> None:
        """Another writer may have destroyed some."""
        self._in_use.clear()

    def plan(self, commit: Commit) -> Plan:
        """The keys of a commit, of which nothing is remembered before `keep`. Raises `KeyEncryptionError`, `StoreUnavailableError`."""
        names = list(_names(commit.events))
        missing = {name for pair in names for name in pair if name is not None and name not in self._in_use}
        stored = self._keys.in_use(sorted(missing), self._session)
        plan = Plan(erasing=commit.erasing)
        due = sorted(commit.erasing, key=lambda one: one.behind, reverse=True)
        passed: list[Erasing] = []

        def key_of(name: KeyName) -> StateKey:
            key = plan.used.get(name)
            if key is None:
                gone = passed and any(_covers(one, name) for one in passed)
                key = None if gone else self._in_use.get(name) or stored.get(name)
                plan.used[name] = key = key or _made(name, plan)
            return key

        for number, (evidence, entry) in enumerate(names):
            while due and due[-1].behind <= number:
                passed.append(due.pop())
                _end(plan, passed[-1])
            plan.under.append((key_of(evidence), None if entry is None else key_of(entry)))
        for one in reversed(due):
            _end(plan, one)
        return plan

    def write(self, connection: psycopg.Connection, plan: Plan) -> None:
        """Destroy and add, within the open transaction."""
        for one in plan.erasing:
            values = {"record_key": one.key, "scopes": sorted(one.scopes), "spared": sorted(one.spared)}
            connection.execute(_SQL["destroy"], values)
        if plan.made:
            connection.execute(_SQL["add"], self._columns(plan.made))

    def keep(self, plan: Plan) -> None:
        """It was committed."""
        if plan.erasing:
            gone = [name for name in self._in_use if any(_covers(one, name) for one in plan.erasing)]
            for name in gone:
                del self._in_use[name]
        if len(self._in_use) + len(plan.made) > REMEMBERED:
            self._in_use.clear()
        self._in_use.update(plan.used)

    def _columns(self, made: Sequence[_Made]) -> dict[str, list[object]]:
        kept = [one for one in made if one.secret is not None]
        wrapped = self._keys.kek.wrap([(one.secret or b"", one.name.bound(one.key.key_id)) for one in kept])
        by_id = {one.key.key_id: secret for one, secret in zip(kept, wrapped, strict=True)}
        rows = [(one, by_id.get(one.key.key_id)) for one in made]
        return {
            "key_ids": [one.key.key_id for one, _ in rows],
            "record_keys": [one.name.record_key for one, _ in rows],
            "scopes": [one.name.scope for one, _ in rows],
            "epochs": [one.name.epoch for one, _ in rows],
            "kek_ids": [None if secret is None else secret.kek_id for _, secret in rows],
            "secrets": [None if secret is None else secret.sealed for _, secret in rows],
        }


def _names(events: Iterable[Event]) -> Iterable[tuple[KeyName, KeyName | None]]:
    at: datetime | None = None
    epoch, evidence = "", KeyName.evidence("")
    for event in events:
        if event.at is not at:
            at, epoch = event.at, month_of(event.at)
            evidence = KeyName.evidence(epoch)
        outline = event.outline if isinstance(event, MessageAccepted) else None
        yield evidence, None if outline is None else KeyName.entry(event.key, outline.category, epoch)


def _made(name: KeyName, plan: Plan) -> StateKey:
    secret = os.urandom(KEY_LENGTH)
    key = StateKey.of(secret)
    plan.made.append(_Made(name, key, secret))
    return key


def _end(plan: Plan, erasing: Erasing) -> None:
    """What was used of it so far is not used again."""
    for name in [one for one in plan.used if _covers(erasing, one)]:
        del plan.used[name]
    for one in plan.made:
        if _covers(erasing, one.name):
            one.secret = None


def _covers(erasing: Erasing, name: KeyName) -> bool:
    return erasing.covers(RecordKey(name.record_key), name.scope, name.epoch)
