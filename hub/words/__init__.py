"""What the hub's screens say, by language: one JSON file each, in the glossary's words and easy to change.

Invariants: every language has every text, and kinds of entries are called as in `adapters.words` (a test compares both). Imported by the hub's pages.
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final, Literal, get_args

from contracts.catalogue import PREFIX
from contracts.code_lists.lists import UnknownCodeError, label

Language = Literal["en", "cs", "pl"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)


class Words:
    """The words of one language."""

    def __init__(self, language: Language) -> None:
        self.language: Language = language
        self._texts = texts(language)

    def __call__(self, key: str, **values: object) -> str:
        """A text with its values. Raises `KeyError` for one that is not there."""
        found = self._texts[key]
        return found.format(**values) if values else found

    def of(self, kind: str, code: str) -> str:
        """What a code of a kind is called; the code itself where this version has no word for it."""
        return self._texts.get(f"{kind}.{code}", code)

    def of_type(self, message_type: str) -> str:
        """What a kind of entry is called; one of a newer version has no name here yet."""
        name = message_type.removeprefix(PREFIX).rpartition(".v")[0]
        return self._texts.get(f"type.{name}", self._texts["type.unknown"])

    def code(self, code_list: str, code: str | None) -> str:
        """The label of a code; the code itself where this version does not know it."""
        try:
            return "" if code is None else label(code_list, code, self.language)
        except UnknownCodeError:
            return code or ""


@cache
def texts(language: Language) -> Mapping[str, str]:
    """All texts of a language."""
    found: dict[str, str] = json.loads(files("hub.words").joinpath(f"{language}.json").read_text(encoding="utf-8"))
    return found
