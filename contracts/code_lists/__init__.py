"""Code lists: our own as SKOS files with Czech, Polish and English labels, and the forms of codes that others publish.

Everyone may import it; it imports `contracts.errors` alone. `lists` reads a list, `coded` makes it a field type,
`external` knows ISCO, ESCO, ISCED, NUTS, LAU, TERYT and ISO codes by their form. The lists are `skos/<name>.jsonld`.
"""

from contracts.code_lists.coded import CodeOf
from contracts.code_lists.lists import (
    LANGUAGES,
    CodeList,
    Concept,
    Language,
    UnknownCodeError,
    UnknownLanguageError,
    UnknownListError,
    codes,
    label,
    list_names,
    load,
)

__all__ = [
    "LANGUAGES",
    "CodeList",
    "CodeOf",
    "Concept",
    "Language",
    "UnknownCodeError",
    "UnknownLanguageError",
    "UnknownListError",
    "codes",
    "label",
    "list_names",
    "load",
]
