"""Our own code lists, read from the SKOS files beside this module.

Invariants: a notation is kebab-case, at most 40 characters and never changes its meaning; every concept has a label in
every language of `LANGUAGES`; no two concepts of a list share a notation, or a label in one language. The files are
part of the package and each is read once: package data, not I/O with the outside. They are JSON-LD with their context
inside (W3C SKOS Reference, JSON-LD 1.1), so plain JSON and RDF tools both read them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final, Literal, get_args

from contracts.errors import ContractsError

Language = Literal["cs", "pl", "en"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
_FOLDER: Final = files("contracts.code_lists") / "skos"
_SUFFIX: Final = ".jsonld"
_MOST_SUGGESTED: Final = 3
_LEAST_LIKENESS: Final = 0.5
_LONGEST_LOOKED_AT: Final = 80
"""Longer than any notation; what is beyond it would only cost time."""


class UnknownListError(ContractsError):
    """There is no code list of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"no code list is called {name!r}", advice=f"use one of: {', '.join(sorted(list_names()))}")
        self.name = name


class UnknownCodeError(ContractsError):
    """A code is not in its list; it stands in `code` and not in the message, since it may be what a person typed."""

    def __init__(self, code: str, *, code_list: "CodeList") -> None:
        super().__init__(f"a code is not in the code list {code_list.name}", advice=code_list.advice(code))
        self.code = code
        self.list_name = code_list.name


class UnknownLanguageError(ContractsError):
    """Labels exist in the languages of `LANGUAGES` only."""

    def __init__(self, language: str) -> None:
        super().__init__(f"there are no labels in {language!r}", advice=f"use one of: {', '.join(LANGUAGES)}")
        self.language = language


@dataclass(frozen=True, slots=True)
class Concept:
    """One code with its labels by language."""

    iri: str
    notation: str
    labels: Mapping[Language, str]


@dataclass(frozen=True, slots=True)
class CodeList:
    """One list: its IRI, title by language, version and concepts in the order in which screens show them."""

    name: str
    iri: str
    version: str
    titles: Mapping[Language, str]
    concepts: tuple[Concept, ...]
    codes: frozenset[str]

    def concept(self, code: str) -> Concept:
        """The concept with this notation; raises UnknownCodeError."""
        for concept in self.concepts:
            if concept.notation == code:
                return concept
        raise UnknownCodeError(code, code_list=self)

    def advice(self, code: str) -> str:
        """What to do about a code that is not here: the nearest codes, or all where none is near."""
        typed = code[:_LONGEST_LOOKED_AT].lower()
        near = get_close_matches(typed, self.codes, n=_MOST_SUGGESTED, cutoff=_LEAST_LIKENESS)
        chosen = near or [concept.notation for concept in self.concepts]
        return f"{'nearest' if near else 'use one of'}: {', '.join(chosen)} (list {self.name} {self.version})"


@cache
def list_names() -> frozenset[str]:
    """The names of all our code lists."""
    return frozenset(file.name.removesuffix(_SUFFIX) for file in _FOLDER.iterdir() if file.name.endswith(_SUFFIX))


@cache
def load(name: str) -> CodeList:
    """The whole list; the file is read at the first call. Raises UnknownListError."""
    if name not in list_names():
        raise UnknownListError(name)
    return _parse(name, json.loads((_FOLDER / f"{name}{_SUFFIX}").read_text(encoding="utf-8")))


def codes(name: str) -> frozenset[str]:
    """The codes of a list, for membership tests. Raises UnknownListError."""
    return load(name).codes


def label(name: str, code: str, lang: str) -> str:
    """What a screen or print shows for a code. Raises UnknownListError, UnknownCodeError, UnknownLanguageError."""
    concept = load(name).concept(code)
    for language in LANGUAGES:
        if language == lang:
            return concept.labels[language]
    raise UnknownLanguageError(lang)


def _parse(name: str, document: Mapping[str, Any]) -> CodeList:
    """A list from its JSON-LD document; the only prefix that a concept's `@id` uses is `code:`."""
    base: str = document["@context"]["code"]
    concepts = tuple(
        Concept(
            iri=base + entry["@id"].removeprefix("code:"),
            notation=entry["notation"],
            labels=MappingProxyType(entry["prefLabel"]),
        )
        for entry in document["concepts"]
    )
    return CodeList(
        name=name,
        iri=document["@id"],
        version=document["version"],
        titles=MappingProxyType(document["title"]),
        concepts=concepts,
        codes=frozenset(concept.notation for concept in concepts),
    )
