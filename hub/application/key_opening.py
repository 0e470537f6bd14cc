"""Taking deposits: private halves of the key service, and what units sealed to them.

Invariants: a key is kept only if it is the one that its message names, under a label made of what the message's author signed; a private half is
destroyed once the trust list no longer lets anybody seal to it and everything that was sealed to it was taken.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from contracts.envelope import Message
from contracts.errors import ContractsError
from contracts.messages.key import KeyDeposited
from contracts.names import HUB, KeyId
from contracts.sealing.content_key import ContentKey, KeyLabel, length_prefixed
from contracts.sealing.deposit import Deposit, joined, open_share, read_deposit
from contracts.sealing.suites import OpeningKey
from contracts.trust_list import Directory
from hub.application.key_ports import DepositKey, HeldKey, KeyEncryption
from hub.application.ports import Deposited


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of some deposits."""

    keys: tuple[HeldKey, ...] = ()
    taken: tuple[int, ...] = ()
    """Positions that may leave the mailbox."""
    unreadable: tuple[int, ...] = ()
    """Of those: what was no key after all. Its author's entries stay closed."""
    not_ours: tuple[int, ...] = ()
    """Sealed to private halves that are not here: they stay in the mailbox."""


@dataclass(slots=True)
class Opening:
    """The private halves that are here."""

    kek: KeyEncryption
    _keys: dict[KeyId, OpeningKey] = field(default_factory=dict, repr=False)

    def load(self, keys: Sequence[DepositKey]) -> None:
        """Take these, which are all that there are."""
        wrapped = [(one, one.secret) for one in keys if one.secret is not None]
        secrets = self.kek.unwrap([(secret, bound_to_deposit(one.key_id)) for one, secret in wrapped])
        pairs = zip(wrapped, secrets, strict=True)
        self._keys = {one.key_id: OpeningKey(raw, unit=HUB, suite=one.suite) for (one, _), raw in pairs}

    def take(self, deposits: Iterable[Deposited], messages: Mapping[int, Message]) -> Taken:
        """Open what is sealed to us; `messages` are those beside which it came, by position."""
        found: list[tuple[int, Message, KeyLabel, ContentKey]] = []
        taken, unreadable, not_ours = [], [], []
        for one in deposits:
            message = messages.get(one.position)
            value = _deposit_of(one, message)
            if value is None or message is None:
                unreadable.append(one.position)
            elif any(share.to not in self._keys for share in value.shares):
                not_ours.append(one.position)
            else:
                label, key = self._opened(value, message)
                taken.append(one.position)
                if key is None:
                    unreadable.append(one.position)
                else:
                    found.append((one.position, message, label, key))
        bound = [(key.secret, bound_to(label, key.key_id)) for _, _, label, key in found]
        wrapped = zip(found, self.kek.wrap(bound), strict=True)
        keys = [HeldKey(key.key_id, label, at, message.id, secret) for (at, message, label, key), secret in wrapped]
        return Taken(tuple(keys), tuple({*taken, *unreadable}), tuple(unreadable), tuple(not_ours))

    def _opened(self, value: Deposit, message: Message) -> tuple[KeyLabel, ContentKey | None]:
        assert isinstance(message.facts, KeyDeposited)  # noqa: S101 - `_deposit_of` looked
        facts = message.facts
        label = KeyLabel(message.programme, message.unit, message.key, facts.scope, facts.epoch)
        try:
            parts = [open_share(share, self._keys[share.to], label, key_id=facts.key_id) for share in value.shares]
            return label, joined(parts, facts.key_id)
        except ContractsError:
            return label, None


def _deposit_of(one: Deposited, message: Message | None) -> Deposit | None:
    facts = None if message is None else message.facts
    if not isinstance(facts, KeyDeposited) or sha256(one.header).hexdigest() != facts.deposit_hash:
        return None
    try:
        return read_deposit(one.header)
    except ContractsError:
        return None


def outlived(keys: Iterable[DepositKey], directory: Directory, *, at: datetime) -> list[KeyId]:
    """Private halves to which nobody may seal any more at `at`, the log's time: intake refuses what is sealed to them from here on."""
    listed = {entry.key_id: entry for entry, _ in directory.sealing_keys(HUB)}
    held = [one.key_id for one in keys if one.secret is not None and one.key_id in listed]
    return [name for name in held if not listed[name].valid(at) and listed[name].valid_from <= at]


def bound_to(label: KeyLabel, key_id: str) -> bytes:
    """What a wrapped content key is bound to: moved to another label it no longer unwraps."""
    parts = (label.programme, label.author, label.subject, label.scope, str(label.epoch), key_id)
    return length_prefixed("content-key", *parts)


def bound_to_deposit(key_id: KeyId) -> bytes:
    """What a wrapped private half is bound to."""
    return length_prefixed("deposit-key", key_id)
