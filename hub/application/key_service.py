"""The key service: follows the log, judges by itself who may open what, and seals keys to whom the rules permit it (DESIGN section 9, release).

Invariants: what is released was judged at the head, over a log that was verified; the content key goes only to a unit that was a permitted recipient
of everything sealed under it so far, else the key of the one message; a release is committed before it is produced and judged again before it is
produced again; what no ground covers any more is never produced again. Who waits for a key makes nobody else wait.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from contracts.categories import Category
from contracts.envelope import Message
from contracts.messages.consent import ConsentNarrowed, ConsentWithdrawn
from contracts.messages.erasure import ErasureRequested, RetentionEnded
from contracts.messages.ground import GroundEnded
from contracts.messages.hub import ConsentExpired, GroundExpired, TrustListPublished
from contracts.messages.processing import ProcessingRestricted
from contracts.names import KeyId, RecordKey, UnitId
from contracts.sealing.content import sealed_under
from contracts.sealing.jwe import JweError
from hub.application.key_opening import Opening, Taken, outlived
from hub.application.key_ports import (
    CarriedOut,
    HeldKey,
    KeyCommit,
    KeyEncryption,
    KeyLog,
    KeyState,
    KeyStore,
    KeyUseSoFar,
    Place,
    ReleaseRow,
    Wanted,
)
from hub.application.ports import Clock, Head, ReplayWish
from hub.application.programme import Programme
from hub.application.releasing import Done, Order, Releasing
from hub.application.trusted_log import Checked, TrustedLog
from hub.domain.decision import Circumstances
from hub.domain.key_rules import may_open, recipients_of
from hub.domain.support_path import Erasure

CHUNK: Final = 500
AT_ONCE: Final = 4_000
"""Messages that one step reads at most."""
RELEASED_AT_ONCE: Final = 500
ON_A_BROKER: Final = timedelta(hours=72)
"""How long a feed topic keeps records: what is older was read, or is asked for again."""
_CLOSING: Final = (
    ConsentWithdrawn,
    ConsentNarrowed,
    ConsentExpired,
    GroundEnded,
    GroundExpired,
    ProcessingRestricted,
    ErasureRequested,
    RetentionEnded,
)


@dataclass(slots=True)
class _Step:
    """What one step gathers before it is written."""

    uses: dict[str, KeyUseSoFar] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    wanted: list[Wanted] = field(default_factory=list)
    spared: dict[tuple[str, UnitId], list[Wanted]] = field(default_factory=dict)
    """What the content key that is wanted for an entry before will open too; wanted after all where it is not given."""
    closed: set[RecordKey] = field(default_factory=set)
    revoked: list[Place] = field(default_factory=list)
    new_list: bool = False
    asked: list[Checked] = field(default_factory=list)
    """Requests for erasure."""
    destroyed: set[str] = field(default_factory=set)
    erasures: list[CarriedOut] = field(default_factory=list)


@dataclass(slots=True)
class Counts:
    """What the service met since it took over; nothing of it is about a person."""

    keys: int = 0
    released: int = 0
    revoked: int = 0
    unreadable: int = 0
    """Deposits that were no key, and entries that name a key which is not their author's."""
    not_ours: int = 0
    """Deposits sealed to private halves that are not here."""


class KeyService:
    """One shard's key service. Not thread-safe: step, produce, `produced`, step, and so on; after any error begin anew with `take_over`."""

    def __init__(  # noqa: PLR0913 - everything that it is made of, by keyword
        self,
        *,
        log: KeyLog,
        store: KeyStore,
        programme: Programme,
        kek: KeyEncryption,
        releasing: Releasing,
        clock: Clock,
    ) -> None:
        self.counts = Counts()
        self._log = log
        self._store = store
        self._trusted = TrustedLog(log, programme)
        self._opening = Opening(kek)
        self._kek = kek
        self._releasing = releasing
        self._clock = clock
        self._state = KeyState(0, "")
        self._retry_after: int | None = 0
        """Behind which waiting row to go on; None where there is nothing to try again."""
        self._not_ours: set[int] = set()
        self._end = 0

    @property
    def programme(self) -> Programme:
        """Trust list and settings as the log told them last."""
        return self._trusted.programme

    @property
    def behind(self) -> int:
        """Messages of the log that were not read when it was looked at last."""
        return max(0, self._end - self._trusted.position)

    @property
    def pressing(self) -> bool:
        """Whether there is more to do at once: the log goes on behind what was read, or something that waited can be tried."""
        return self.behind > 0 or self._retry_after is not None

    def take_over(self) -> None:
        """Go on from what is stored. Raises `StoreUnavailableError`, `KeyEncryptionError`."""
        self._state = self._store.state()
        self._trusted.go_to(self._state.position)
        self.renew_keys()

    def renew_keys(self) -> None:
        """Read the private halves again: the operator made new ones."""
        self._opening.load(self._store.deposit_keys())
        self._not_ours.clear()
        self._retry_after = 0

    def step(self) -> bool:
        """Follow the log to its end and release what it opens; False where there was nothing to do.

        Raises as `take_over`, `UntrustedLogError` and, where another service has taken over, `FencedError`.
        """
        served = self._wishes()
        head = self._log.head()
        self._end = head.position
        start = self._trusted.position
        checked = self._read(head)
        taken = self._taken(checked)
        if self._trusted.position == start and not taken.taken and self._retry_after is None:
            return served
        now = self._now(head)
        step = self._gather(checked)
        self._close(step, now)
        self._erase(step, taken, now)
        due = self._due(step, at_head=self._trusted.position >= head.position)
        done = self._releasing.release(
            [one for _, one in due],
            self._orders(due, checked, taken),
            uses=step.uses,
            revoked=step.revoked,
            trusted=self._trusted,
            now=now,
        )
        self._commit(step, taken, done, due, at=now.at)
        self._log.take_out(taken.taken)
        self._not_ours |= set(taken.not_ours)
        if step.new_list:
            self.renew_keys()  # a new deposit key is in the store before its public half is in the list
        return True

    def outgoing(self) -> list[ReleaseRow]:
        """What is to be produced now, each judged at the head; sealed anew where its unit has another encryption key since."""
        rows = self._store.unproduced(limit=RELEASED_AT_ONCE)
        if not rows:
            return []
        now = self._now(self._log.head())
        open_ones = [row for row in rows if may_open(self._trusted.path(row.key), row.entry, row.unit, now)]
        standing = {row.place for row in open_ones}
        closed = [row for row in rows if row.place not in standing]
        moved = [row for row in open_ones if self._to(row, now) not in {None, row.to}]
        renewed = self._releasing.sealed_again(moved, trusted=self._trusted, now=now)
        if closed or renewed:
            position = self._state.position
            revoked = [row.place for row in closed]
            self._store.commit(KeyCommit(position, position, now.at, releases=renewed, revoked=revoked))
            self.counts.revoked += len(closed)
            return self.outgoing()
        return open_ones

    def produced(self, rows: Sequence[ReleaseRow]) -> None:
        """The broker acknowledged these."""
        self._store.produced([row.number for row in rows])
        self.counts.released += len(rows)

    def met(self, cluster: str) -> int:
        """The broker as it is now; another one than before lost what it had: returns how much goes again."""
        if cluster == self._state.cluster:
            return 0
        again = self._store.met(cluster, since=self._now(self._log.head()).at - ON_A_BROKER)
        self._state = replace(self._state, cluster=cluster)
        return again

    def tidy(self) -> list[KeyId]:
        """Destroy private halves that have had their time, once everything sealed to them was taken."""
        head = self._log.head()
        if self._trusted.position < head.position or self._log.mailbox(below=head.position):
            return []
        done = outlived(self._store.deposit_keys(), self.programme.directory, at=head.last_at)
        if done:
            self._store.destroy(done)
            self.renew_keys()
        return done

    def _read(self, head: Head) -> list[Checked]:
        checked: list[Checked] = []
        before = -1
        while before < self._trusted.position < head.position and len(checked) < AT_ONCE:
            before = self._trusted.position
            checked += self._trusted.read(limit=CHUNK)
        return checked

    def _taken(self, checked: Sequence[Checked]) -> Taken:
        deposits = [
            one for one in self._log.mailbox(below=self._trusted.position) if one.position not in self._not_ours
        ]
        if not deposits:
            return Taken()
        messages = self._messages([one.position for one in deposits], checked)
        return self._opening.take(deposits, messages)

    def _messages(self, positions: Iterable[int], checked: Sequence[Checked]) -> dict[int, Message]:
        asked = set(positions)
        known = {one.position: one.message for one in checked if one.position in asked}
        return known | self._trusted.messages(sorted(asked - set(known)))

    def _gather(self, checked: Sequence[Checked]) -> _Step:
        step = _Step()
        sealed = [(kid, one) for one in checked if (kid := _key_of(one.message)) is not None]
        filled = [
            (entry.position, order.unit, order.ground, one.event.key)
            for one in checked
            for order in one.event.backfills
            for entry in one.after.entries.values()
            if entry.author == order.source and entry.position <= order.through
        ]
        behind = self._messages((position for position, *_ in filled), checked)
        kids = {position: _key_of(message) for position, message in behind.items()}
        step.uses.update(self._store.uses(sorted({kid for kid, _ in sealed} | {kid for kid in kids.values() if kid})))
        for kid, one in sealed:
            self._use(step, kid, one)
        for position, unit, ground, key in filled:
            kid = kids.get(position)
            use = step.uses.get(kid) if kid is not None else None  # none of what was erased
            if kid is not None and use is not None and unit not in use.opened:
                step.wanted.append(Wanted(kid, unit, key, position, ground, live=False))
        step.closed = {one.event.key for one in checked if isinstance(one.message.facts, _CLOSING)}
        step.asked = [one for one in checked if isinstance(one.message.facts, (ErasureRequested, RetentionEnded))]
        step.new_list = any(isinstance(one.message.facts, TrustListPublished) for one in checked)
        return step

    def _use(self, step: _Step, kid: str, one: Checked) -> None:
        """Note who may open one more entry under a key."""
        now = self._trusted.circumstances(one.event, one.position)
        given = recipients_of(one.before, one.after, one.event, one.message, now)
        units = frozenset(each.unit for each in given)
        use = step.uses.get(kid)
        common = units if use is None else use.common & units
        if use is None or common != use.common:
            step.uses[kid] = KeyUseSoFar(kid, one.event.key, common, frozenset() if use is None else use.opened)
            step.changed.add(kid)
        now_common, opened = step.uses[kid].common, step.uses[kid].opened
        for each in given:
            if each.unit in opened:
                continue
            wanted = Wanted(kid, each.unit, one.event.key, one.position, each.ground, live=True)
            if each.unit in now_common and (kid, each.unit) in step.spared:
                step.spared[kid, each.unit].append(wanted)
            else:
                step.wanted.append(wanted)
                step.spared.setdefault((kid, each.unit), [])

    def _close(self, step: _Step, now: Circumstances) -> None:
        """Where sharing ended: releases of what is no longer covered go, and a content key that opens too much makes room for keys of messages."""
        closed = sorted(step.closed)
        rows = self._store.releases_of(closed) if closed else ()
        for use in (*(self._store.uses_of(closed) if closed else ()), *(step.uses[kid] for kid in step.changed)):
            if use.key in step.closed:
                step.uses.setdefault(use.key_id, use)
        by_key: dict[RecordKey, list[ReleaseRow]] = {}
        for row in rows:
            by_key.setdefault(row.key, []).append(row)
        for key in closed:
            uses = [use for use in step.uses.values() if use.key == key]
            if uses:
                self._close_one(step, key, uses, by_key.get(key, ()), now)

    def _close_one(
        self, step: _Step, key: RecordKey, uses: Sequence[KeyUseSoFar], rows: Sequence[ReleaseRow], now: Circumstances
    ) -> None:
        path = self._trusted.path(key)
        sealed: dict[str, list[tuple[int, Message]]] = {}
        for position, message in self._trusted.about(key):
            kid = _key_of(message)
            if kid is not None:
                sealed.setdefault(kid, []).append((position, message))
        for row in rows:
            if row.message_id is not None and not may_open(path, row.entry, row.unit, now):
                step.revoked.append(row.place)
        for use in uses:
            entries = sealed.get(use.key_id, ())
            for unit in sorted(use.common | use.opened):
                allowed = [at for at, message in entries if may_open(path, message.id, unit, now)]
                if len(allowed) == len(entries):
                    continue
                kept = step.uses[use.key_id]
                step.uses[use.key_id] = replace(kept, common=kept.common - {unit}, opened=kept.opened - {unit})
                step.changed.add(use.key_id)
                if unit in use.opened:
                    step.revoked.append((use.key_id, unit, None))
                    step.wanted += [Wanted(use.key_id, unit, key, at, None, live=False) for at in allowed]

    def _erase(self, step: _Step, taken: Taken, now: Circumstances) -> None:
        """Where a client had it erased, or it was kept long enough: keys that sealed nothing else go, and with them whatever could open it here.

        What its parties need to show that sharing was lawful (consents, restrictions) bears no category and stays. Of what goes on under a key with
        newer entries nobody is told that it was erased.
        """
        for one in step.asked:
            asked = next(each for each in one.after.erasures if each.message_id == one.message.id)
            scopes = {category.value for category in asked.categories or Category}
            own = [key for key in taken.keys if key.record_key == one.event.key]
            held = [
                key
                for key in [*self._store.keys_about(one.event.key), *own]
                if key.position < one.position and key.label.scope in scopes
            ]
            kept = set() if asked.before is None else self._sealing_more(asked, one)
            gone = {key.key_id for key in held} - kept
            step.destroyed |= gone
            if not kept:
                entries = sum(asked.covers(entry) for entry in one.after.entries.values())
                step.erasures.append(CarriedOut(one.message.id, one.event.key, entries, len(gone), now.at))
        if step.destroyed:
            step.changed -= step.destroyed
            step.wanted = [one for one in step.wanted if one.key_id not in step.destroyed]

    def _sealing_more(self, asked: Erasure, one: Checked) -> set[str]:
        """Keys of these categories that sealed something that stays."""
        stays = {entry.message_id for entry in one.after.entries.values() if not asked.covers(entry)}
        about = [message for _, message in self._trusted.about(one.event.key) if message.id in stays]
        return {
            kid for message in about if message.category in asked.categories and (kid := _key_of(message)) is not None
        }

    def _due(self, step: _Step, *, at_head: bool) -> list[tuple[int, Wanted]]:
        """What is released in this step, waiting ones under their numbers; while the log goes on everything waits."""
        if step.new_list:
            self._retry_after = 0
        if not at_head:
            self._retry_after = 0
            return []
        fresh, rest = step.wanted[:RELEASED_AT_ONCE], step.wanted[RELEASED_AT_ONCE:]
        step.wanted = rest
        due = [(0, one) for one in fresh]
        if self._retry_after is not None:
            page = self._store.waiting(after=self._retry_after, limit=RELEASED_AT_ONCE)
            self._retry_after = page[-1][0] if page else (0 if rest else None)
            due += page
        elif rest:
            self._retry_after = 0
        missing = {one.key_id for _, one in due} - set(step.uses)
        step.uses.update(self._store.uses(sorted(missing)) if missing else {})
        return due

    def _orders(
        self, due: Sequence[tuple[int, Wanted]], checked: Sequence[Checked], taken: Taken
    ) -> Mapping[int, Order]:
        """What each of these is about: the entry, and the key that it names, by position."""
        messages = self._messages((one.position for _, one in due), checked)
        fresh = {key.key_id: key for key in taken.keys}
        keys: dict[str, HeldKey] = {**self._store.keys(sorted({one.key_id for _, one in due} - set(fresh))), **fresh}
        return {position: Order(message, keys.get(_key_of(message) or "")) for position, message in messages.items()}

    def _commit(
        self, step: _Step, taken: Taken, done: Done, due: Sequence[tuple[int, Wanted]], *, at: datetime
    ) -> None:
        again = {one for number, one in due if number}
        still = set(done.waiting)
        whole = {row.place for row in done.released}
        spared = [
            one
            for (kid, unit), several in step.spared.items()
            if (kid, unit, None) not in whole and kid not in step.destroyed
            for one in several
        ]
        if spared:
            self._retry_after = 0
        self._store.commit(
            KeyCommit(
                position=self._state.position,
                to=self._trusted.position,
                at=at,
                keys=taken.keys,
                uses=[step.uses[kid] for kid in sorted(step.changed)],
                releases=done.released,
                revoked=step.revoked,
                waiting=[*step.wanted, *spared, *(one for one in done.waiting if one not in again)],
                waited=sorted(again - still, key=lambda one: (one.position, one.unit)),
                destroyed=sorted(step.destroyed),
                erasures=step.erasures,
            )
        )
        self._state = replace(self._state, position=self._trusted.position)
        self.counts.keys += len(taken.keys)
        self.counts.revoked += len(step.revoked)
        self.counts.unreadable += len(taken.unreadable) + done.mismatched
        self.counts.not_ours += len(taken.not_ours)

    def _wishes(self) -> bool:
        """Serve units that ask again; True where one did."""
        wishes = self._log.wishes()
        now = self._now(self._log.head()) if wishes else None
        for _, wish in wishes:
            assert now is not None  # noqa: S101 - made where there is a wish
            self._serve(wish, now)
        if wishes:
            self._log.fulfil([number for number, _ in wishes])
        return bool(wishes)

    def _serve(self, wish: ReplayWish, now: Circumstances) -> None:
        """What was released to a unit goes again; a restored adapter also gets its own keys back."""
        position, after = self._state.position, ""
        self._store.again(wish.unit)
        while wish.own and (keys := self._store.keys_of(wish.unit, after=after, limit=CHUNK)):
            rows = self._releasing.own(keys, wish.unit, now=now)
            self._store.commit(KeyCommit(position, position, now.at, releases=rows))
            after = keys[-1].key_id

    def _to(self, row: ReleaseRow, now: Circumstances) -> KeyId | None:
        key = now.directory.sealing_key(row.unit, now.at)
        return None if key is None else key.key_id

    def _now(self, head: Head) -> Circumstances:
        at: datetime = max(self._clock.now(), head.last_at)
        return Circumstances(self.programme.directory, self.programme.settings, at, head.position)


def _key_of(message: Message) -> str | None:
    """The id of the key under which a message is sealed; None where nothing is, or where nobody could open it."""
    try:
        return sealed_under(message)
    except JweError:
        return None
