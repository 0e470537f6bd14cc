"""Long lists in pages, each with the way to the next.

Invariant: going from page to page shows every item that was there all the time exactly once, whatever comes or goes meanwhile: a cursor is the
place of the last item in the list's own order, never a count.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Final, TypeVar

from fastapi import Query

from adapters.api.problems import Fault, invalid

DEFAULT: Final = 100
MOST: Final = 500

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class PageAsked:
    """Which page a caller wants."""

    limit: int
    after: str | None

    def of(self, items: Sequence[Item], place: Callable[[Item], str]) -> tuple[Sequence[Item], str | None]:
        """The page, and the cursor of the next one (None: this is the last). `place` is unique and sorts as text."""
        ordered = sorted(items, key=place)
        rest = ordered if self.after is None else [one for one in ordered if place(one) > self.after]
        page = rest[: self.limit]
        return page, _written(place(page[-1])) if len(rest) > len(page) else None


def page_asked(
    limit: Annotated[int, Query(ge=1, le=MOST, description="Most items of a page")] = DEFAULT,
    cursor: Annotated[
        str | None,
        Query(max_length=1000, pattern=r"^[A-Za-z0-9_-]*={0,2}$", description="`next` of the page before"),
    ] = None,
) -> PageAsked:
    """From the query. Raises `ProblemError` for a cursor that is none."""
    try:
        after = None if cursor is None else urlsafe_b64decode(cursor.encode()).decode()
    except (Base64Error, ValueError):
        raise invalid(
            [Fault(where="query.cursor", what="no cursor of this list: begin without one")],
            status=HTTPStatus.BAD_REQUEST,
        ) from None
    return PageAsked(limit, after)


def _written(place: str) -> str:
    return urlsafe_b64encode(place.encode()).decode()
