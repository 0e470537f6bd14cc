"""Renewing the key that wraps the keys of the log, while the hub and the key service run.

Invariants: a key is known wherever the log is read before anything is wrapped under it; an old one goes only when nothing is wrapped under it. Each
step can be stopped anywhere and typed again.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from hub.application.key_ports import KekKeeper
from hub.application.ports import HubError
from hub.entrypoints.house import House
from hub.infrastructure.key_encryption import KekFile
from hub.infrastructure.key_encryption_choice import KeptElsewhereError, kek_keeper, key_encryption, next_name
from hub.infrastructure.postgres.log_key_wrapping import LogKeyWrapping
from hub.infrastructure.postgres.session import Session
from hub.infrastructure.postgres.shard_database import ShardDatabase

_IN_MODULE: Final = "pkcs11:"
_IN_ENVIRONMENT: Final = "env:"


class LogKekError(HubError):
    """The log's key-encryption key cannot be renewed like that."""


class LogKekRenewal:
    """The steps, over the tables of every shard."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._setting = house.settings.log_key_encryption

    def prepare(self, name: str) -> str:
        """A new key beside the old ones, which wraps nothing yet; returns its name. Raises `KeptElsewhereError`, `KeyEncryptionError`."""
        keeper = self._keeper
        if not isinstance(keeper, KekFile):
            raise KeptElsewhereError(
                "The log's key-encryption keys are in a security module, where every part of the hub meets them.",
                advice="There is nothing to copy: `spojka-hub rotate-kek`.",
            )
        made = name or self._next(keeper)
        keeper.prepare(made)
        return made

    def rotate(self, name: str) -> tuple[str, int]:
        """Wrap everything under a key that was prepared; which, and how many keys of the log. Goes on with what was begun. Raises `LogKekError`."""
        kek = key_encryption(self._setting)
        before = kek.current
        if not self._setting.startswith(
            _IN_ENVIRONMENT
        ):  # there whoever keeps them has named another one as the current one
            self._change(self._keeper, name)
        with self._shards() as shards:
            count = sum(shard.wrap_anew(kek) for shard in shards)
        if kek.current == before and not count:
            raise LogKekError(
                f"All is wrapped under {before}, and no other key was prepared.",
                advice="Begin with `spojka-hub rotate-kek --prepare`.",
            )
        return kek.current, count

    def _change(self, keeper: KekKeeper, name: str) -> None:
        if not isinstance(keeper, KekFile):
            keeper.make(name or self._next(keeper))
        elif (chosen := name or keeper.names()[-1]) != keeper().current:
            keeper.use(chosen)

    def forget(self, name: str) -> None:
        """Destroy an old key. Raises `LogKekError`, `KeyEncryptionError`."""
        with self._shards() as shards:
            used = sum(shard.under(name) for shard in shards)
        if used:
            raise LogKekError(
                f"{used} keys of the log are wrapped under {name}.", advice="Run `spojka-hub rotate-kek` first."
            )
        self._keeper.destroy(name)

    @property
    def _keeper(self) -> KekKeeper:
        return kek_keeper(self._setting)

    def _next(self, keeper: KekKeeper) -> str:
        return next_name(keeper.names(), begin="kek" if self._setting.startswith(_IN_MODULE) else "log-kek")

    @contextmanager
    def _shards(self) -> Iterator[list[LogKeyWrapping]]:
        """As the owner of the tables, as whom `migrate` signs in."""
        with ExitStack() as closing:
            shards = []
            for number in range(self._house.programme.directory.listed.shards):
                session = Session(ShardDatabase(self._house.settings.database, number), name="rotate-kek")
                closing.callback(session.close)
                shards.append(LogKeyWrapping(session))
            yield shards
