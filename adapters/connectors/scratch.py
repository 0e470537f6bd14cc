"""What an import must remember while it runs: keys, joins, refusals; on disk, so that memory stays flat whatever the export's size.

Invariants: the file has no name and is encrypted under a key that is nowhere else, and it is gone when the process ends, however it ends; nothing in
it outlives an import.
"""

import sqlite3
from collections.abc import Iterator
from importlib.resources import files
from typing import Final, Self

from adapters.connectors.refusal import Refusal, RefusalReason
from adapters.errors import AdapterError
from projections.encrypted_file import database_errors, nameless

_CACHE_KIB: Final = 8 * 1024
"""The rest is in the operating system's cache, which counts for nobody and gives way."""
_SEPARATOR: Final = "\0"
"""Of texts in a value: cells with a NUL are refused before they come here."""


def _queries() -> dict[str, str]:
    text = (files("adapters.connectors") / "scratch.sql").read_text(encoding="utf-8")
    return {name: sql.strip() for name, _, sql in (part.partition("\n") for part in text.split("-- name: ")[1:])}


_SQL: Final = _queries()


class ScratchError(AdapterError):
    """There is no room for the import's own memory; what was recorded before is kept."""


class Scratch:
    """The import's own memory. Use as a context manager."""

    def __init__(self) -> None:
        self._connection = nameless()
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "temp_store = FILE", f"cache_size = -{_CACHE_KIB}"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.executescript(_SQL["create"])
        self._connection.execute("BEGIN")
        self._spaces: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self._connection.close()
        if isinstance(error, database_errors()):
            raise ScratchError(
                f"The import ran out of room for what it must remember ({error})",
                advice="Free some space where temporary files lie, then import again: what was recorded is kept.",
            ) from error

    def index(self, name: str) -> "Index":
        """The keys kept under a name."""
        return Index(self._connection, self._spaces.setdefault(name, len(self._spaces)))

    def refuse(self, refusal: Refusal) -> None:
        """Keep a refusal for the report."""
        values = (refusal.file, refusal.row, refusal.column, refusal.value, refusal.reason.value, refusal.detail)
        self._connection.execute(_SQL["refuse"], values)

    def refusals(self) -> Iterator[Refusal]:
        """All refusals in the order in which they were found."""
        for file, row, column, value, reason, detail in self._connection.execute(_SQL["refusals"]):
            yield Refusal(file, row, column, value, RefusalReason(reason), detail)

    def refusal_count(self) -> int:
        """How many there are."""
        return int(self._connection.execute(_SQL["refusal_count"]).fetchone()[0])


class Index:
    """Keys, each with a few texts."""

    def __init__(self, connection: sqlite3.Connection, space: int) -> None:
        self._connection = connection
        self._writing = connection.cursor()
        """One for all rows: to make one for each costs a third of writing it."""
        self._space = space

    def find(self, key: str) -> list[str] | None:
        """The texts of a key, None for an unknown one."""
        found = self._connection.execute(_SQL["find"], (self._space, key)).fetchone()
        return None if found is None else found[0].split(_SEPARATOR)

    def add(self, key: str, *texts: str) -> bool:
        """Keep a new key; False where it is known, which changes nothing."""
        added = self._writing.execute(_SQL["add"], (self._space, key, _SEPARATOR.join(texts)))
        return added.rowcount == 1

    def put(self, key: str, *texts: str) -> None:
        """Keep a key, in place of what was known of it."""
        self._writing.execute(_SQL["put"], (self._space, key, _SEPARATOR.join(texts)))

    def count(self) -> int:
        """How many keys there are."""
        return int(self._connection.execute(_SQL["count"], (self._space,)).fetchone()[0])

    def clear(self) -> None:
        """Forget them."""
        self._connection.execute(_SQL["clear"], (self._space,))
