"""What an import's drafts become, as far as they are like others before them: their digests and their messages' bytes.

Invariants: a digest is that of `draft_json.write`, a message's bytes are those of `contracts.envelope.compose`; what is not plain (content, a cause,
a correction, an actor) goes the general way. What was worked out of an object is given again only for that very object, so equal things that are
written differently never stand for each other.
"""

from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from typing import Final, Generic, NamedTuple, TypeVar

from pydantic_core import to_json

from adapters import draft_json
from adapters.drafts import Draft
from adapters.gate.known_verdicts import Moment, moment_of
from contracts.catalogue import spec_of
from contracts.categories import Category, Purpose
from contracts.facts import Facts
from contracts.messages.referral import ReferralFacts
from contracts.names import MessageType, ProgrammeId, Source
from contracts.rendered_envelope import EnvelopeForm, facts_text, fits, time_text

_MOST: Final = 4096
_Given = TypeVar("_Given")
_Made = TypeVar("_Made")


class SameAgain(Generic[_Given, _Made]):
    """What a function makes of an object, made once for the very same object while it is kept in mind."""

    __slots__ = ("_known", "_make")

    def __init__(self, make: Callable[[_Given], _Made]) -> None:
        self._make = make
        self._known: dict[int, tuple[_Given, _Made]] = {}

    def __call__(self, given: _Given) -> _Made:
        """What the function makes of it."""
        known = self._known.get(id(given))
        if known is not None:  # the object is held here, so no other one has its id
            return known[1]
        if len(self._known) >= _MOST:
            self._known.clear()
        made = self._make(given)
        self._known[id(given)] = (given, made)
        return made


class When(NamedTuple):
    """A time as it is written, None where an envelope may not bear it, and as it is compared."""

    text: str | None
    moment: Moment


class _Alike(NamedTuple):
    """What drafts of one type and category share."""

    name: str
    type: MessageType
    head: str
    """Of the draft as JSON."""
    category: str
    form: EnvelopeForm
    moves_referral: bool


class Ready(NamedTuple):
    """A plain draft whose message needs no composing."""

    draft: Draft
    alike: _Alike
    time: str
    moment: Moment
    facts: str
    digest: bytes
    """SHA-256 of the draft as JSON, of one with a local key: what a row's content is compared by."""


class Rendering:
    """Digests and bytes for one unit's drafts."""

    def __init__(self, programme: ProgrammeId, source: Source) -> None:
        self._programme = programme
        self._source = source
        self._facts: SameAgain[Facts, str | None] = SameAgain(facts_text)
        self._time: SameAgain[datetime, When] = SameAgain(lambda time: When(time_text(time), moment_of(time)))
        self._alike: dict[tuple[type[Facts], int], _Alike | None] = {}

    def ready(self, draft: Draft) -> Ready | None:
        """The draft with what it is made of; None where its message has to be composed, and its digest made, in the general way."""
        key = (type(draft.facts), id(draft.category))  # a category is there once, and its own hash is slow
        alike = self._alike[key] if key in self._alike else self._made(draft, draft.category)
        if alike is None or draft.client is None or not _is_plain(draft):
            return None
        (time, moment), facts = self._time(draft.time), self._facts(draft.facts)
        if time is None or facts is None:
            return None
        return Ready(draft, alike, time, moment, facts, _digest(draft, alike, time, facts))

    def _made(self, draft: Draft, category: Category | None) -> _Alike | None:
        spec, made = spec_of(draft.facts), None
        if category is not None and fits(spec, category):
            form = EnvelopeForm(
                spec, source=self._source, programme=self._programme, category=category, purpose=Purpose.SUPPORT
            )
            head = f'{{"type":"{spec.type}","client":'
            name = f"{spec.type} {category.value}"
            made = _Alike(name, spec.type, head, category.value, form, isinstance(draft.facts, ReferralFacts))
        self._alike[type(draft.facts), id(category)] = made
        return made


def _digest(draft: Draft, alike: _Alike, time: str, facts: str) -> bytes:
    client, key = to_json(draft.client).decode(), to_json(draft.local_key).decode()
    text = f'{alike.head}{client},"time":"{time}","category":"{alike.category}","local_key":{key},"facts":{facts}}}'
    return sha256(text.encode()).digest()


def digest_of(draft: Draft, ready: Ready | None) -> bytes:
    """SHA-256 of the draft as JSON, whichever way it is made."""
    if ready is None or draft.local_key is None:
        return sha256(draft_json.write(draft)).digest()
    return ready.digest


def _is_plain(draft: Draft) -> bool:
    return (
        draft.content is None
        and draft.corrects is None
        and draft.causationid is None
        and draft.correlationid is None
        and draft.actor is None
        and draft.purpose is None
    )
