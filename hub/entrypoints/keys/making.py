"""Making, renewing and wrapping anew what the key service holds: what its operator's commands do.

Invariants: a private half is in the key database, of every shard, before its public half can be read anywhere; an old key-encryption key goes only
when nothing is wrapped under it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

from contracts.keys import KeyUse, SigningKey
from contracts.names import HUB
from contracts.sealing.suites import OpeningKey
from hub.application.hub_keys import KeyServiceRequest, request_of, starts
from hub.application.key_opening import bound_to, bound_to_deposit
from hub.application.key_ports import DepositKey, HeldKey, KekKeeper, KeyEncryption, KeyStore
from hub.application.ports import HubError
from hub.entrypoints.keys.house import KeysHouse
from hub.infrastructure.key_files import KeyFiles
from hub.infrastructure.postgres.key_store import PostgresKeyStore
from hub.infrastructure.postgres.session import Session

_AT_ONCE: Final = 500


class KekInUseError(HubError):
    """An old key-encryption key still wraps something."""


def make_signing_keys(home: Path) -> None:
    """The two keys with which the key service signs. Raises `KeyFileError` where there are some."""
    files = KeyFiles(home / "keys")
    for use in (KeyUse.MESSAGES, KeyUse.RELEASES):
        files.create(use)


@contextmanager
def stores(house: KeysHouse) -> Iterator[list[KeyStore]]:
    """The key stores of every shard."""
    sessions = [Session(house.key_database_of(shard), name="keys") for shard in range(house.listed.shards)]
    try:
        yield [PostgresKeyStore(session) for session in sessions]
    finally:
        for session in sessions:
            session.close()


def make_deposit_keys(house: KeysHouse, *, count: int, at: datetime, first: bool = False) -> KeyServiceRequest:
    """The next deposit keys, one every 30 days; with the signing keys where they are new too. Their public halves for the trust list."""
    with stores(house) as shards:
        last = max((one.made_at for one in shards[0].deposit_keys()), default=None)
        days = starts(last, count=count, at=at)
        made = [(OpeningKey.generate(HUB), day) for day in days]
        bound = [(key.private_bytes, bound_to_deposit(key.key_id)) for key, _ in made]
        for store in shards:
            for (key, day), wrapped in zip(made, house.kek.wrap(bound), strict=True):
                store.add_deposit_key(DepositKey(key.key_id, key.suite, day, wrapped))
    signing: list[SigningKey] = [house.messages, house.releases] if first else []
    return request_of(
        house.listed.programme,
        signing=signing,
        deposits=[(key.sealing_key, day) for key, day in made],
        vouching=house.messages,
    )


def rotate_kek(house: KeysHouse, keeper: KekKeeper, *, name: str) -> int:
    """Wrap everything under a new key-encryption key while the service runs; returns how many secrets. The old keys stay until `forget_kek`."""
    if name not in keeper.names():
        keeper.make(name)
    with stores(house) as shards:
        return sum(wrap_anew(store, house.kek) for store in shards)


def forget_kek(house: KeysHouse, keeper: KekKeeper, *, name: str) -> None:
    """Destroy an old key-encryption key. Raises `KekInUseError`, `KeyEncryptionError`."""
    with stores(house) as shards:
        used = sum(store.wrapped_under(name) for store in shards)
    if used:
        raise KekInUseError(f"{used} secrets are wrapped under {name}.", advice="Run `spojka-keys rotate-kek` first.")
    keeper.destroy(name)


def wrap_anew(store: KeyStore, kek: KeyEncryption) -> int:
    """Everything that is not wrapped under the current key; returns how much it was."""
    count = 0
    while found := store.wrapped_not_under(kek.current, limit=_AT_ONCE):
        plain = kek.unwrap([(one.secret, _bound(one)) for one in found if one.secret is not None])
        wrapped = kek.wrap([(secret, _bound(one)) for secret, one in zip(plain, found, strict=True)])
        store.rewrap([replace(one, secret=secret) for one, secret in zip(found, wrapped, strict=True)])
        count += len(found)
    return count


def _bound(one: HeldKey | DepositKey) -> bytes:
    return bound_to(one.label, one.key_id) if isinstance(one, HeldKey) else bound_to_deposit(one.key_id)
