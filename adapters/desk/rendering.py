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
from contracts.catalogue import MessageSpec, spec_of
from contracts.categories import Category, Purpose
from contracts.facts import Facts
from contracts.names import MessageId, ProgrammeId, Source, SubjectId
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

    head: str
    """Of the draft as JSON."""
    category: str
    form: EnvelopeForm | None


class Rendering:
    """Digests and bytes for one unit's drafts."""

    def __init__(self, programme: ProgrammeId, source: Source) -> None:
        self._programme = programme
        self._source = source
        self._facts: SameAgain[Facts, str | None] = SameAgain(facts_text)
        self.time: SameAgain[datetime, When] = SameAgain(lambda time: When(time_text(time), moment_of(time)))
        self._alike: dict[tuple[type[Facts], Category | None], _Alike] = {}

    def digest(self, draft: Draft) -> bytes:
        """SHA-256 of the draft as JSON: what a row's content is compared by."""
        time, facts = self.time(draft.time).text, self._facts(draft.facts)
        if time is None or facts is None or draft.client is None or draft.local_key is None or not _is_plain(draft):
            return sha256(draft_json.write(draft)).digest()
        alike = self._of(draft)
        client, key = to_json(draft.client).decode(), to_json(draft.local_key).decode()
        text = f'{alike.head}{client},"time":"{time}"{alike.category},"local_key":{key},"facts":{facts}}}'
        return sha256(text.encode()).digest()

    def message(
        self, draft: Draft, *, message_id: MessageId, sequence: int, subject: SubjectId, checkpoint: str | None
    ) -> bytes | None:
        """The message's bytes; None where it has to be composed."""
        time, facts = self.time(draft.time).text, self._facts(draft.facts)
        form = self._of(draft).form
        if form is None or time is None or facts is None or not _is_plain(draft):
            return None
        return form.render(
            facts, message_id=message_id, time=time, sequence=sequence, subject=subject, checkpoint=checkpoint
        )

    def _of(self, draft: Draft) -> _Alike:
        key = (type(draft.facts), draft.category)
        alike = self._alike.get(key)
        if alike is None:
            alike = self._alike[key] = self._made(spec_of(draft.facts), draft.category)
        return alike

    def _made(self, spec: MessageSpec, category: Category | None) -> _Alike:
        head = f'{{"type":"{spec.type}","client":'
        if category is None:
            return _Alike(head, "", None)
        form = None
        if fits(spec, category):
            form = EnvelopeForm(
                spec, source=self._source, programme=self._programme, category=category, purpose=Purpose.SUPPORT
            )
        return _Alike(head, f',"category":"{category.value}"', form)


def _is_plain(draft: Draft) -> bool:
    return (
        draft.content is None
        and draft.corrects is None
        and draft.causationid is None
        and draft.correlationid is None
        and draft.actor is None
        and draft.purpose is None
    )
