"""Events to stored events and back, under the event-sourcing library's mapper interface.

Invariants: a stored topic is a name from the registry, never a module path, and stays readable for ever: an old topic is lifted to a newer one by
its upcaster. Stream id and version stand beside the state, not in it, and are bound to it as associated data. Bytes are URL-safe base64. What is
written is ours and only serialised; what is read is validated whole, since between lie a database and years. States in clear are read for ever, as
they were written before there were keys; an event whose entry key is destroyed is read without its signed bytes, and nothing waits for them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import orjson
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import JSONTranscoder, Mapper, MapperDeserialisationError, StoredEvent
from pydantic import ValidationError

from contracts.upcasting import STORED_EVENTS
from hub.application.ports import HubError
from hub.domain.events import EVENTS, Event, MessageAccepted
from hub.infrastructure.postgres.log_keys import Found, LogKeys
from hub.infrastructure.postgres.session import Session
from hub.infrastructure.postgres.state_cipher import (
    CLEAR,
    Opened,
    keys_named,
    nonces,
    open_state,
    place,
    seal_parted,
    seal_whole,
)
from hub.infrastructure.postgres.writer_keys import Under

Upcaster = tuple[str, Callable[[dict[str, Any]], dict[str, Any]]]
"""The topic that an old one becomes, and how its state becomes the new state (JSON values: bytes are base64 text)."""

_BESIDE: Final = {"originator_id", "originator_version"}
_APART: Final[dict[str, Any]] = {**dict.fromkeys(_BESIDE, True), "message": {"payload"}}


class StoredEventError(HubError, MapperDeserialisationError):
    """A stored event cannot be read: unknown topic (an older program reads a newer log), or a state that does not fit it."""

    def __init__(self, problem: str, *, stored: StoredEvent, advice: str) -> None:
        place_of = f"{stored.topic} at version {stored.originator_version} of stream {stored.originator_id}"
        super().__init__(f"{problem}: {place_of}.", advice=advice)
        self.topic = stored.topic
        self.originator_id = stored.originator_id
        self.originator_version = stored.originator_version


class EventMapper(Mapper[UUID]):
    """Pydantic events with stable topics, upcasting, and encryption with associated data; without `keys` in clear."""

    def __init__(
        self,
        keys: LogKeys | None = None,
        *,
        events: Iterable[type[Event]] = EVENTS,
        upcasters: Mapping[str, Upcaster] | None = None,
    ) -> None:
        super().__init__(JSONTranscoder())
        self.keys = keys
        self._types = {kind.TOPIC: kind for kind in events}
        self._upcasters: dict[str, Upcaster] = dict(STORED_EVENTS.lifts if upcasters is None else upcasters)

    def to_stored_event(self, domain_event: DomainEventProtocol[UUID]) -> StoredEvent:
        """Serialise, in clear. Raises `TypeError` for what is no registered event."""
        event = self._registered(domain_event)
        state = event.__pydantic_serializer__.to_json(event, exclude=_BESIDE, exclude_none=True)
        return StoredEvent(event.originator_id, event.originator_version, event.TOPIC, state)

    def sealed(
        self, events: Iterable[Event], under: Sequence[Under], *, drawn: Iterable[bytes] | None = None
    ) -> Iterator[StoredEvent]:
        """Serialise and encrypt, each event under its keys; `drawn`: nonces, where a test wants the same again. Raises as `to_stored_event`."""
        for one, (evidence, entry), nonce in zip(events, under, drawn or nonces(len(under)), strict=True):
            event = self._registered(one)
            stream, version, topic = event.originator_id, event.originator_version, event.TOPIC
            bound, to_json = place(stream, version, topic), event.__pydantic_serializer__.to_json
            if entry is None or not isinstance(event, MessageAccepted):
                plain = to_json(event, exclude=_BESIDE, exclude_none=True)
                state = seal_whole(plain, evidence=evidence, bound=bound, nonce=nonce)
            else:
                plain = to_json(event, exclude=_APART, exclude_none=True)
                state = seal_parted(
                    plain, event.message.payload, evidence=evidence, entry=entry, bound=bound, nonce=nonce
                )
            yield StoredEvent(stream, version, topic, state)

    def to_domain_events(self, stored_events: Sequence[StoredEvent], session: Session) -> list[Event]:
        """Decrypt with the keys that there are now, upcast, validate. Raises `StoredEventError`, `KeyEncryptionError`, `StoreUnavailableError`."""
        found: Found = {}
        if self.keys is not None:
            found = self.keys.of_states((one.state for one in stored_events), session)
        return [self.to_domain_event(one, found) for one in stored_events]

    def to_domain_event(self, stored_event: StoredEvent, found: Found | None = None) -> Event:
        """The same of one, with keys that were found. Raises `StoredEventError`."""
        stream = stored_event.originator_id
        if not isinstance(stream, UUID):
            raise StoredEventError("Stream ids are UUIDs", stored=stored_event, advice="Look at what wrote this row.")
        try:
            opened = _opened(stored_event, stream, found or {})
            topic, plain = self._lifted(stored_event.topic, opened.decision)
            kind = self._types.get(topic)
            if kind is None:
                advice = "Upgrade this program: the log holds events that it does not know."
                raise StoredEventError("Unknown topic", stored=stored_event, advice=advice)
            head = b'{"originator_id":"%b","originator_version":%d,' % (
                str(stream).encode(),
                stored_event.originator_version,
            )
            event = kind.model_validate_json(head + plain.removeprefix(b"{"))
            return _whole(event, opened.content)
        except (ValidationError, ValueError) as error:
            if isinstance(error, StoredEventError):
                raise
            advice = "Restore this row from a backup or another copy of the log; the ledger tells which copy is right."
            raise StoredEventError("Unreadable state", stored=stored_event, advice=advice) from error

    def _registered(self, event: object) -> Event:
        if not isinstance(event, Event) or self._types.get(event.TOPIC) is not type(event):
            raise TypeError(f"{type(event).__name__} is not in the registry of stored events")
        return event

    def _lifted(self, topic: str, plain: bytes) -> tuple[str, bytes]:
        if topic not in self._upcasters:
            return topic, plain
        state = orjson.loads(plain)
        while topic in self._upcasters:
            topic, lift = self._upcasters[topic]
            state = lift(state)
        return topic, orjson.dumps(state)


def _opened(stored: StoredEvent, stream: UUID, found: Found) -> Opened:
    """Raises `StoredEventError`, `ValueError`."""
    state = bytes(stored.state)
    if state.startswith(CLEAR):
        return Opened(state)
    names = keys_named(state)
    keys = [found.get(name) for name in names]
    if keys[0] is None or any(name not in found for name in names):
        advice = "Restore the table log_key with the log, and give this program the key that wraps it."
        raise StoredEventError("A state without its key", stored=stored, advice=advice)
    bound = place(stream, stored.originator_version, stored.topic)
    return open_state(state, evidence=keys[0], entry=keys[-1] if len(keys) > 1 else None, bound=bound)


def _whole(event: Event, content: bytes | None) -> Event:
    """The event with what lay apart. Raises `ValueError` where it should have lain there, or should not have."""
    if not isinstance(event, MessageAccepted):
        if content is not None:
            raise ValueError("only an accepted message lies in two parts")
        return event
    if event.erased is (content is None):
        raise ValueError("the signed bytes lie elsewhere than they should")
    if content:
        event.message.__dict__["payload"] = content  # nobody has seen it yet, and a copy costs as much as reading it
    return event
