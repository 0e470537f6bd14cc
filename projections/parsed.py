"""Items with their message parsed once, for all projections that are built from them.

Invariants: a unit keeps what it cannot read and shows it raw with a reason; the hub stops there instead, since its read models are evidence.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from contracts.catalogue import CATALOGUE
from contracts.codes import RefusalCode
from contracts.envelope import Attributes, EnvelopeError, Message, MessageError, open_clear, parse, parse_attributes
from contracts.facts import Facts, Jwe, SealedContent
from contracts.names import ActorId, MessageId, MessageType
from projections.errors import StoppedError, UnknownTypeError
from projections.source import JournalItem, LogItem

SEALED = "sealed"
"""The fault of content for which this unit has no key (yet)."""


def known(message_type: str) -> bool:
    """True where this version can project the type."""
    return MessageType(message_type) in CATALOGUE


class Heading(NamedTuple):
    """What the read models keep of a message's attributes, as they store it. The message itself, of ten times the size, goes once it was read."""

    type: MessageType
    time: datetime
    category: str | None
    purpose: str | None
    sequence: int
    actor: ActorId | None
    corrects: MessageId | None


class ParsedItem(NamedTuple):
    """A unit's item. The facts are whole, and the content is there, where it opens; else `fault` says why not and `raw` shows what there is.

    A named tuple, as all that a rebuild makes of every message: as frozen as a data class, and made in a fifth of the time.
    """

    item: JournalItem
    heading: Heading | None = None
    facts: Facts | None = None
    facts_json: str | None = None
    """The facts as compact JSON, written once for all."""
    content_json: str | None = None
    """The content likewise."""
    fault: str | None = None
    raw: str | None = None
    unknown_type: str | None = None

    @property
    def number(self) -> int:
        """The item's number."""
        return self.item.number


def parse_journal(item: JournalItem) -> ParsedItem:
    """Parse and open a unit's item. Raises nothing: what does not parse is kept raw."""
    if item.kind == "erased" or not item.payload:
        return ParsedItem(item)
    try:
        message = parse(item.payload)
    except EnvelopeError as error:
        return ParsedItem(item, fault=str(error), raw=_text(item.payload))
    except MessageError as error:
        attributes, _ = parse_attributes(item.payload)
        unknown = attributes.type if error.code is RefusalCode.UNKNOWN_TYPE else None
        return ParsedItem(item, _heading(attributes), fault=str(error), raw=_text(item.payload), unknown_type=unknown)
    return _opened(item, message)


def _opened(item: JournalItem, message: Message) -> ParsedItem:
    heading, sealed = _heading(message), message.data.sealed
    if isinstance(sealed, Jwe):
        return ParsedItem(item, heading, message.facts, _json(message.facts), fault=SEALED, raw=sealed.jwe)
    try:
        facts, content = open_clear(message)
    except MessageError as error:
        raw = None if sealed is None else sealed.model_dump_json()
        return ParsedItem(item, heading, message.facts, _json(message.facts), fault=str(error), raw=raw)
    return ParsedItem(item, heading, facts, _json(facts), None if content is None else _json(content))


def _heading(message: Attributes) -> Heading:
    category, purpose = message.category, message.purpose
    return Heading(
        message.type,
        message.time,
        None if category is None else category.value,
        None if purpose is None else purpose.value,
        message.sequence,
        message.actor,
        message.corrects,
    )


def _json(part: Facts | SealedContent) -> str:
    return part.__pydantic_serializer__.to_json(part, exclude_none=True).decode()


def _text(payload: bytes) -> str:
    """What a person can look at; bytes that are no text show as their escapes."""
    return payload.decode(errors="backslashreplace").replace("\x00", "\\x00")


@dataclass(frozen=True, slots=True)
class ParsedLogItem:
    """An event of the log with its message: of an erased one its outline, None where it was refused."""

    item: LogItem
    message: Message | None = None

    @property
    def number(self) -> int:
        """The item's position."""
        return self.item.position

    @property
    def unknown_type(self) -> None:
        """The hub keeps nothing raw: it stops."""
        return


def parse_log(item: LogItem) -> ParsedLogItem:
    """Parse an event of the log. Raises `UnknownTypeError` or `StoppedError`: the follower stops there."""
    if item.payload is None or item.verdict == "refused":
        return ParsedLogItem(item, item.outline)
    try:
        return ParsedLogItem(item, parse(item.payload))
    except MessageError as error:
        if error.code is RefusalCode.UNKNOWN_TYPE:
            raise UnknownTypeError(number=item.position, message_type=error.reason) from error
        raise _unreadable(item, error) from error
    except EnvelopeError as error:
        raise _unreadable(item, error) from error


def _unreadable(item: LogItem, error: Exception) -> StoppedError:
    return StoppedError(
        number=item.position,
        reason=f"an accepted message does not parse ({error})",
        advice="compare the export of this position with an older version of the hub before going on",
    )
