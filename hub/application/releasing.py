"""Sealing keys to units: from what is wanted to signed releases.

Invariants: a key is given only for an entry of its own author, client and scope, so that nobody has another's key released by naming it; only to an
encryption key that the trust list has for that unit now; the same thing is given once.
"""

from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from contracts.envelope import Message
from contracts.feed_record import payload_of
from contracts.keys import SigningKey
from contracts.names import GroundId, KeyId, MessageId, ProgrammeId, UnitId
from contracts.pae import PayloadType
from contracts.sealing.content_key import ContentKey, KeyLabel, checked, message_key, scope_of
from contracts.sealing.release import Release, seal_release
from contracts.sealing.suites import SealingKey
from hub.application.feed_voice import FeedVoice, Unsigned
from hub.application.key_opening import bound_to
from hub.application.key_ports import HeldKey, KeyEncryption, KeyStore, KeyUseSoFar, Place, ReleaseRow, Wanted
from hub.application.trusted_log import TrustedLog
from hub.domain.decision import Circumstances
from hub.domain.key_rules import may_open

_NOT_YET: Final = ""


@dataclass(frozen=True, slots=True)
class Order:
    """An entry, and the key under which it is sealed, if that came."""

    message: Message
    key: HeldKey | None


@dataclass(frozen=True, slots=True)
class Done:
    """What became of what was wanted; what is in neither was given before, or is no longer permitted."""

    released: Sequence[ReleaseRow] = ()
    waiting: Sequence[Wanted] = ()
    """No key yet, or no encryption key of the unit."""
    mismatched: int = 0


@dataclass(frozen=True, slots=True)
class _Giving:
    """One key about to be sealed."""

    key: HeldKey
    secret: bytes = field(repr=False)
    unit: UnitId
    message_id: MessageId | None
    entry: MessageId
    position: int
    ground: GroundId | None
    to: SealingKey


class Releasing:
    """Seals and signs for one shard."""

    def __init__(
        self, store: KeyStore, *, kek: KeyEncryption, programme: ProgrammeId, key: SigningKey, shard: int
    ) -> None:
        self._store = store
        self._kek = kek
        self._programme = programme
        self._voice = FeedVoice(programme, key)
        self._shard = shard

    def release(  # noqa: PLR0913 - what a release rests on, by keyword
        self,
        wanted: Sequence[Wanted],
        orders: Mapping[int, Order],
        *,
        uses: Mapping[str, KeyUseSoFar],
        revoked: Sequence[Place],
        trusted: TrustedLog,
        now: Circumstances,
    ) -> Done:
        """Give what may be given at the head; what is revoked in the same step counts as not given."""
        secrets = self._secrets([order.key for order in orders.values() if order.key is not None])
        given = {row.place for row in self._before(wanted, uses)} - set(revoked)
        given |= {(use.key_id, unit, None) for use in uses.values() for unit in use.opened}
        giving: list[_Giving] = []
        waiting, mismatched = [], 0
        for one in wanted:
            order = orders.get(one.position)
            to = now.directory.sealing_key(one.unit, now.at)
            if order is None or (order.key is not None and not _fits(order.message, order.key.label)):
                mismatched += 1
            elif not may_open(trusted.path(one.key), order.message.id, one.unit, now):
                continue
            elif order.key is None or to is None:
                waiting.append(one)
            else:
                made = _giving(one, order.message, order.key, secrets[order.key.key_id], uses.get(one.key_id), to=to)
                whole, place = (one.key_id, one.unit, None), (one.key_id, one.unit, made.message_id)
                if not given & {whole, place}:
                    given.add(place)
                    giving.append(made)
        return Done(self._signed(giving), waiting, mismatched)

    def own(self, keys: Sequence[HeldKey], unit: UnitId, *, now: Circumstances) -> list[ReleaseRow]:
        """A unit's own keys, back to it."""
        to = now.directory.sealing_key(unit, now.at)
        if to is None:
            return []
        secrets = self._secrets(keys)
        return self._signed(
            [
                _Giving(key, secrets[key.key_id].secret, unit, None, key.message_id, key.position, None, to)
                for key in keys
                if key.label.author == unit
            ]
        )

    def sealed_again(self, rows: Sequence[ReleaseRow], *, trusted: TrustedLog, now: Circumstances) -> list[ReleaseRow]:
        """The same keys to the encryption keys that their units have now."""
        keys = self._store.keys(sorted({row.key_id for row in rows})) if rows else {}
        secrets = self._secrets(list(keys.values()))
        messages = trusted.messages([row.position for row in rows if row.message_id is not None])
        giving = []
        for row in rows:
            to = now.directory.sealing_key(row.unit, now.at)
            key = keys.get(row.key_id)
            if to is not None and key is not None:
                whole = secrets[row.key_id]
                raw = whole.secret if row.message_id is None else message_key(whole, messages[row.position])
                giving.append(_Giving(key, raw, row.unit, row.message_id, row.entry, row.position, row.ground, to))
        return self._signed(giving)

    def _secrets(self, keys: Sequence[HeldKey]) -> dict[str, ContentKey]:
        known = {key.key_id: key for key in keys}
        listed = list(known.values())
        opened = self._kek.unwrap([(key.secret, bound_to(key.label, key.key_id)) for key in listed]) if listed else ()
        return {key.key_id: checked(secret, key.key_id) for key, secret in zip(listed, opened, strict=True)}

    def _before(self, wanted: Sequence[Wanted], uses: Mapping[str, KeyUseSoFar]) -> Sequence[ReleaseRow]:
        """What was given about the same clients, where the key of one message is wanted that may have been given already."""
        keys = {one.key for one in wanted if not (one.live and one.key_id in uses)}
        return self._store.releases_of(sorted(keys)) if keys else ()

    def _signed(self, giving: Sequence[_Giving]) -> list[ReleaseRow]:
        sealed = [seal_release(self._draft(one), one.secret, one.to) for one in giving]
        unsigned = [Unsigned(one.recipient, PayloadType.RELEASE, payload_of(one)) for one in sealed]
        values = self._voice.sign(unsigned)
        return [
            ReleaseRow(
                number=0,
                key_id=one.key.key_id,
                unit=one.unit,
                message_id=one.message_id,
                entry=one.entry,
                key=one.key.record_key,
                position=one.position,
                ground=one.ground,
                to=KeyId(one.to.key_id),
                release_hash=sha256(b64decode(release.sealed)).digest(),
                signed=value.envelope,
            )
            for one, release, value in zip(giving, sealed, values, strict=True)
        ]

    def _draft(self, one: _Giving) -> Release:
        label = one.key.label
        return Release.model_construct(
            programme=self._programme,
            recipient=one.unit,
            author=label.author,
            subject=label.subject,
            scope=label.scope,
            epoch=label.epoch,
            key_id=one.key.key_id,
            message_id=one.message_id,
            shard=self._shard,
            position=one.position,
            ground_id=one.ground,
            to=one.to.key_id,
            sealed=_NOT_YET,
        )


def _fits(message: Message, label: KeyLabel) -> bool:
    """Whether the key was made by the entry's author for its client and scope."""
    made = (label.programme, label.author, label.subject, label.scope)
    return made == (message.programme, message.unit, message.key, scope_of(message))


def _giving(  # noqa: PLR0913 - the parts of one release
    one: Wanted, message: Message, key: HeldKey, secret: ContentKey, use: KeyUseSoFar | None, *, to: SealingKey
) -> _Giving:
    whole = one.live and use is not None and one.unit in use.common
    raw = secret.secret if whole else message_key(secret, message)
    return _Giving(key, raw, one.unit, None if whole else message.id, message.id, one.position, one.ground, to)
