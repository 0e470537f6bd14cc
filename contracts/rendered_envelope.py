"""The bytes of many messages that are alike, as an import makes them.

Invariants: byte for byte what `contracts.envelope.compose` gives for the same message; what is rendered here follows the same rules: the facts are
checked as they would be read, the rules between attributes once for all of a form's messages, and what cannot be rendered is said, so that `compose`
decides. Content is never rendered: it is sealed message by message.
"""

import re
from datetime import datetime
from functools import lru_cache
from typing import Final

from pydantic import ValidationError
from pydantic_core import to_json

from contracts.catalogue import MessageSpec, spec_of
from contracts.categories import WHOLLY_SEALED, Category, Purpose
from contracts.civil_time import FIRST, LAST
from contracts.facts import Facts
from contracts.names import MessageId, ProgrammeId, Source, SubjectId

_WHOLE_MINUTES: Final = frozenset({len("2026-02-09T12:00:00+01:00"), len("2026-02-09T12:00:00.000000+01:00")})
"""Lengths of a moment whose offset has no seconds."""
_SUBJECT: Final = re.compile(r"r1\.[a-z2-7]{26}|h1\.[a-z2-7]{52}")
_PLAIN: Final = re.compile(r"[a-z0-9:.-]+")
"""Names that JSON writes as they are."""


def facts_text(facts: Facts) -> str | None:
    """Facts as they stand in an envelope outside the wholly sealed categories; None for what `compose` has to judge."""
    spec = spec_of(facts)
    raw = to_json(facts, exclude_none=True)
    try:
        spec.facts.model_validate_json(raw)
    except ValidationError:
        return None
    lacking = any(required and getattr(facts, name) is None for name, required in spec.coded.items())
    return None if lacking or b"null" in raw else raw.decode()


def time_text(time: datetime) -> str | None:
    """A moment as it stands in an envelope; None for what `compose` has to judge."""
    if time.tzinfo is None or not FIRST <= time <= LAST:
        return None
    text = time.isoformat()
    return text if len(text) in _WHOLE_MINUTES else None


def fits(spec: MessageSpec, category: Category) -> bool:
    """Whether messages of a type and category can have a form."""
    allowed = spec.categories is None or category in spec.categories
    return spec.about_subject and spec.categorised and not spec.correcting and allowed and category not in WHOLLY_SEALED


class EnvelopeForm:
    """What many messages of one type share. They are about a client, grounded, without content, actor, cause or correction."""

    __slots__ = ("_before_id", "_before_number", "_before_time", "_category")

    def __init__(
        self, spec: MessageSpec, *, source: Source, programme: ProgrammeId, category: Category, purpose: Purpose
    ) -> None:
        """Raises `ValueError` where messages of this type and category are not of this kind, or the source is none of the programme's."""
        if not fits(spec, category):
            raise ValueError(f"{spec.type} about {category} has to be composed")
        if not source.startswith(f"urn:spojka:{programme}:") or not _PLAIN.fullmatch(source):
            raise ValueError(f"{source} is no source of {programme}")
        self._before_id = '{"specversion":"1.0","id":"'
        self._before_time = f'","source":"{source}","type":"{spec.type}","time":"'
        self._before_number = f'","datacontenttype":"application/json","dataschema":"{spec.schema_id}","programme":"{programme}","sequence":'
        self._category = f'","purpose":"{purpose.value}","category":"{category.value}"'

    def render(  # noqa: PLR0913 - what differs, each by name
        self, facts: str, *, message_id: MessageId, time: str, sequence: int, subject: SubjectId, checkpoint: str | None
    ) -> bytes:
        """The message's bytes; `facts` and `time` as given by `facts_text` and `time_text`. Raises `ValueError` for what is no subject."""
        if not _is_subject(subject):
            raise ValueError(f"{subject} is no subject")
        seen = "" if checkpoint is None else f',"checkpoint":"{checkpoint}"'
        return (
            f"{self._before_id}{message_id}{self._before_time}{time}{self._before_number}{sequence}"
            f',"subject":"{subject}{self._category}{seen},"data":{{"facts":{facts}}}}}'
        ).encode()


@lru_cache(maxsize=65_536)
def _is_subject(subject: SubjectId) -> bool:
    return _SUBJECT.fullmatch(subject) is not None
