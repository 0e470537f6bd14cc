"""Third persons in a unit's own entries: which texts a worker must go through, and what of them leaves.

Invariants: pure; every text that a person wrote is reviewed, or its entry does not leave; a decision holds only for the very texts that were seen;
what is blacked out is replaced whole, so that neither its words nor its length show.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

from adapters.errors import AdapterError
from adapters.storage.reports import Span
from contracts import strict_json
from contracts.personal_report import BLACKED

NOT_FOR_PEOPLE: Final = frozenset({"salt", "bundle_id"})
"""What only proves something."""
_NO_TEXT: Final = NOT_FOR_PEOPLE | {"case_number"}


class NothingFoundError(AdapterError):
    """What is to be blacked out does not stand in the entry."""


def texts(content: Mapping[str, Any] | None) -> Sequence[tuple[str, str]]:
    """Every text that a person wrote, with its place: `note`, `topics/0`."""
    return list(_texts(content or {}, ""))


def digest_of(facts: Mapping[str, Any] | None, content: Mapping[str, Any] | None) -> bytes:
    """What a decision is bound to."""
    return sha256(strict_json.canonical({"facts": facts or {}, "content": content or {}})).digest()


def find(content: Mapping[str, Any] | None, words: Sequence[str]) -> tuple[Span, ...]:
    """Where these words stand, in any case. Raises `NothingFoundError` where one of them does not."""
    found: set[Span] = set()
    for word in words:
        of_word = [
            Span(path, match.start(), match.end())
            for path, text in texts(content)
            for match in re.finditer(re.escape(word), text, re.IGNORECASE)
            if word.strip()
        ]
        if not of_word:
            raise NothingFoundError(
                "What is to be blacked out does not stand in this entry", advice="Write it as it stands there."
            )
        found |= set(of_word)
    return tuple(sorted(found))


def blacked(content: Mapping[str, Any], spans: Sequence[Span]) -> dict[str, Any]:
    """The content without what stands there."""
    by_path: dict[str, list[Span]] = {}
    for one in _joined(spans):
        by_path.setdefault(one.path, []).append(one)
    return {name: _blacked(value, name, by_path) for name, value in content.items()}


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - any JSON value
    match value:
        case str():
            yield path, value
        case Mapping():
            for name, one in value.items():
                if name not in _NO_TEXT:
                    yield from _texts(one, f"{path}/{name}".lstrip("/"))
        case list() | tuple():
            for index, one in enumerate(value):
                yield from _texts(one, f"{path}/{index}")


def _blacked(value: Any, path: str, spans: Mapping[str, Sequence[Span]]) -> Any:  # noqa: ANN401 - any JSON value
    match value:
        case str():
            for one in reversed(spans.get(path, ())):
                value = value[: one.start] + BLACKED + value[one.end :]
            return value
        case Mapping():
            return {name: _blacked(one, f"{path}/{name}", spans) for name, one in value.items()}
        case list() | tuple():
            return [_blacked(one, f"{path}/{index}", spans) for index, one in enumerate(value)]
    return value


def _joined(spans: Sequence[Span]) -> Sequence[Span]:
    """In their order, those that touch as one."""
    joined: list[Span] = []
    for one in sorted(spans):
        last = joined[-1] if joined else None
        if last is not None and last.path == one.path and one.start <= last.end:
            joined[-1] = Span(one.path, last.start, max(last.end, one.end))
        else:
            joined.append(one)
    return joined
