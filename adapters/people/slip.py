"""The slip that a person hands over: one code as text and as QR, in the person's language, ready to print.

Invariants: on it stand the code, until when it is good and who gave it, and nothing about the person: no name, no case number, no pseudonym. One file
without any reference to elsewhere, so it prints offline.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import segno
from jinja2 import Environment, StrictUndefined, Template

from adapters.words import Words

_MODULE_PIXELS = 6


@dataclass(frozen=True, slots=True)
class Slip:
    """What stands on it."""

    code: str
    until: str
    """The last day, as people read it."""
    unit: str
    """Name of the unit that gave it."""


def page(slip: Slip, words: Words) -> str:
    """The slip as one HTML document."""
    texts = {name: words[f"slip.{name}"] for name in ("title", "intro", "consent", "lost", "type-it")}
    texts |= {
        "once": words["slip.once"].format(until=slip.until),
        "from": words["slip.from"].format(unit=slip.unit),
    }
    return _template().render(lang=words.language, texts=texts, code=slip.code, qr=qr(slip.code))


def qr(code: str) -> str:
    """The code as an SVG drawing; upper-case letters, digits and hyphens keep it small."""
    return segno.make(code, error="m", micro=False).svg_inline(scale=_MODULE_PIXELS)


@cache
def _template() -> Template:
    text = files("adapters.people").joinpath("slip.html.j2").read_text(encoding="utf-8")
    return Environment(autoescape=True, undefined=StrictUndefined).from_string(text)
