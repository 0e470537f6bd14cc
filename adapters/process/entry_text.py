"""What a screen shows of one entry: labels of its codes and what a person wrote, no ids and no hashes.

Invariants: texts come from the code lists and the words; what this version does not know is shown as it is; content whose key is not here yet is
said to be so.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, get_args

from adapters.words import Words
from contracts.catalogue import CATALOGUE
from contracts.code_lists.coded import CodeOf
from contracts.names import MessageType
from projections.corrections import Shown
from projections.parsed import SEALED

_NO_TEXT: Final = frozenset({"salt", "bundle_id", "case_number"})


def details(words: Words, shown: Shown) -> str:
    """Labels and texts of an entry, the corrected ones where there was a correction."""
    entry = shown.entry
    if entry.fault is not None and entry.facts is None:
        return entry.raw or ""
    told = said(words, entry.type, entry.facts, entry.content)
    return ", ".join(one for one in (told, words["not-opened"]) if one) if entry.fault == SEALED else told


def said(
    words: Words, message_type: str | None, facts: Mapping[str, Any] | None, content: Mapping[str, Any] | None
) -> str:
    """The same of facts and content alone."""
    parts = [*_labels(words, message_type, facts or {}), *_texts(content or {})]
    return ", ".join(dict.fromkeys(part for part in parts if part))


def _labels(words: Words, message_type: str | None, facts: Mapping[str, Any]) -> Iterator[str]:
    spec = None if message_type is None else CATALOGUE.get(MessageType(message_type))
    for name, value in facts.items():
        field = None if spec is None else spec.facts.model_fields.get(name)
        code_list = None if field is None else _code_list((field.annotation, *field.metadata))
        for one in value if isinstance(value, list) else [value]:
            if code_list is not None and isinstance(one, str):
                yield words.code(code_list, one)
            elif name == "grants" and isinstance(one, dict):
                yield from (words.code("category", category) for category in one.get("categories", ()))


def _code_list(hints: tuple[Any, ...]) -> str | None:
    for hint in hints:
        if isinstance(hint, CodeOf):
            return hint.name
        found = _code_list((*get_args(hint), *getattr(hint, "__metadata__", ())))
        if found is not None:
            return found
    return None


def _texts(content: Mapping[str, Any]) -> Iterator[str]:
    for name, value in content.items():
        if name in _NO_TEXT:
            continue
        if isinstance(value, dict):
            yield from _texts(value)
        elif isinstance(value, str | int):
            yield str(value)
