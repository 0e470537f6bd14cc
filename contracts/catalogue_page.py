"""The catalogue as a page for vendors, written from the rows, the models and the coded reasons; never by hand.

Invariant: every type, fact, sealed field, refusal code and dead-letter reason is on it, each with the sentence that stands in the code.
"""

import inspect
from enum import StrEnum
from typing import Final

from contracts.catalogue import Audience, MessageSpec, specs
from contracts.categories import Category
from contracts.codes import DeadLetterReason, DenialReason, RefusalCode
from contracts.explained import explained

_HEADER: Final = """# Catalogue of messages

Written by `python -m deploy.publish_contracts` from the code: do not edit. JSON Schemas and the AsyncAPI document are in `schemas/`, signed examples
in `golden/`. A fact marked ° is a code about the person: required unless marked °?, and in a special (health) or criminal category it stands in
`sealed` instead, never in the facts. `…?` marks what may be left out.
"""


def page() -> str:
    """The page in Markdown."""
    parts = [_HEADER, "## Types\n", *(_entry(spec) for spec in specs()), _audiences()]
    parts += [
        _reasons("Refusal codes", "In the receipt of a message that was properly signed.", RefusalCode),
        _reasons("Dead letters", "Records that speak for nobody: kept, counted, never answered.", DeadLetterReason),
        _reasons("Denials", "Why the gate denied one recipient, in order of closeness.", DenialReason),
    ]
    return "\n".join(parts)


def _entry(spec: MessageSpec) -> str:
    promise = inspect.getdoc(spec.facts) or ""
    lines = [f"### `{spec.type}`\n", " ".join(promise.split()), ""]
    lines += [f"- by: {spec.author} · to: {spec.audience} · {_about(spec)}"]
    lines += [f"- facts: {_facts(spec)}", f"- sealed: {_sealed(spec)}", ""]
    return "\n".join(lines)


def _about(spec: MessageSpec) -> str:
    subject = "about a client" if spec.about_subject else "about no client"
    if not spec.categorised:
        return f"{subject} · no category, no purpose"
    allowed = ", ".join(sorted(spec.categories)) if spec.categories is not None else "any"
    return f"{subject} · one category ({allowed}) and a purpose" + (" · names `corrects`" if spec.correcting else "")


def _facts(spec: MessageSpec) -> str:
    return ", ".join(_fact(spec, name) for name in spec.facts.model_fields) or "none"


def _fact(spec: MessageSpec, name: str) -> str:
    if name in spec.coded:
        return f"`{name}` °" if spec.coded[name] else f"`{name}` °?"
    return f"`{name}`" if spec.facts.model_fields[name].is_required() else f"`{name}`?"


def _sealed(spec: MessageSpec) -> str:
    if spec.sealed is None:
        return "nothing"
    fields = spec.sealed.model_fields.items()
    return ", ".join(f"`{name}`" if field.is_required() else f"`{name}`?" for name, field in fields)


def _audiences() -> str:
    return _reasons("Audiences", f"Who is given a message. Categories: {', '.join(Category)}.", Audience)


def _reasons(title: str, about: str, kind: type[StrEnum]) -> str:
    rows = [f"| `{code}` | {meaning} |" for code, meaning in explained(kind).items()]
    return "\n".join([f"## {title}\n", about, "", "| code | meaning |", "|---|---|", *rows, ""])
