"""What screens say, by language: one JSON file each, drafted from the glossary and easy to change.

Invariants: every language has every key (a test compares them); no text says subject, ground, feed, ledger, projection, obligation, adapter,
outbox or quarantine.
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final, Literal, get_args

from contracts.code_lists.lists import UnknownCodeError, label

Language = Literal["en", "cs", "pl"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)


class Words:
    """The words of one language."""

    def __init__(self, language: Language) -> None:
        self.language: Language = language
        self._texts = texts(language)

    def __getitem__(self, key: str) -> str:
        return self._texts[key]

    def of_type(self, message_type: str | None) -> str:
        """What a kind of entry is called; one of a newer version has no name here yet."""
        name = "" if message_type is None else message_type.removeprefix("eu.spojka.").rpartition(".v")[0]
        return self._texts.get(f"type.{name}", self._texts["type.unknown"])

    def code(self, code_list: str, code: str | None) -> str:
        """The label of a code; the code itself where this version does not know it."""
        if code is None:
            return ""
        try:
            return label(code_list, code, self.language)
        except UnknownCodeError:
            return code


@cache
def texts(language: Language) -> Mapping[str, str]:
    """All texts of a language."""
    found: dict[str, str] = json.loads(files("adapters.words").joinpath(f"{language}.json").read_text(encoding="utf-8"))
    return found
