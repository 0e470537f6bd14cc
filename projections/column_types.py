"""Column types that read the same on SQLite and PostgreSQL.

Invariant: an instant is text in UTC with microseconds and a fixed width, so that text order is time order on both, in local SQL views too.
"""

from datetime import UTC, datetime

from sqlalchemy import BigInteger, Integer, String
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

Number = BigInteger().with_variant(Integer, "sqlite")
"""64 bits."""


class Instant(TypeDecorator[datetime]):
    """An instant with offset; a naive one is refused, since nobody could say when it was."""

    impl = String(32)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """To text in UTC. Raises `ValueError` for a naive instant."""
        del dialect
        return None if value is None else self.written(value)

    @staticmethod
    def written(value: datetime) -> str:
        """The text. Raises `ValueError` for a naive instant."""
        if value.tzinfo is None:
            raise ValueError("an instant needs an offset")
        return value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        """From text, in UTC."""
        del dialect
        return None if value is None else datetime.fromisoformat(value)
