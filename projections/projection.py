"""What a read model is to its runner.

Invariants: `apply` is a function of the rows and the items alone (no clock, no randomness), and gives the same rows whatever the sizes of the chunks;
it writes only to the tables it is handed, and every change of what it writes raises `version`.
"""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from sqlalchemy import Connection, MetaData

from projections.build import Build


class Numbered(Protocol):
    """What the runner must know of a parsed item."""

    @property
    def number(self) -> int:
        """Its number in the source."""

    @property
    def unknown_type(self) -> str | None:
        """The message type that this version keeps raw; it is projected again once a version knows it."""


_ItemT_contra = TypeVar("_ItemT_contra", contravariant=True)


class Projection(Protocol[_ItemT_contra]):
    """One read model: its own tables, its own position."""

    @property
    def name(self) -> str:
        """Stable, unique in the database."""

    @property
    def version(self) -> int:
        """Raised with every change of tables or rules; a raised version is built from zero beside the serving one."""

    @property
    def readable_from(self) -> int:
        """The oldest version whose tables this version's queries can still read while its own is being built."""

    @property
    def metadata(self) -> MetaData:
        """The tables under the names by which queries know them."""

    def apply(self, connection: Connection, items: Sequence[_ItemT_contra], tables: Build) -> None:
        """Write what the items change; `tables[TABLE]` is the table of the build that is being written."""
