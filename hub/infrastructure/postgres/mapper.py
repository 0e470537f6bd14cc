"""Events to stored events and back, under the event-sourcing library's mapper interface.

Invariants: a stored topic is a name from the registry, never a module path, and stays readable for ever: an old topic is lifted to a newer one by
its upcaster. Stream id and version stand beside the state, not in it, and are bound to it as associated data. Bytes are URL-safe base64. What is
written is ours and only serialised; what is read is validated whole, since between lie a database and years.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from uuid import UUID

import orjson
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import JSONTranscoder, Mapper, MapperDeserialisationError, StoredEvent
from pydantic import ValidationError

from contracts.upcasting import STORED_EVENTS
from hub.application.ports import HubError
from hub.domain.events import EVENTS, Event
from hub.infrastructure.postgres.state_cipher import NullCipher, StateCipher, place

Upcaster = tuple[str, Callable[[dict[str, Any]], dict[str, Any]]]
"""The topic that an old one becomes, and how its state becomes the new state (JSON values: bytes are base64 text)."""

_BESIDE = {"originator_id", "originator_version"}


class StoredEventError(HubError, MapperDeserialisationError):
    """A stored event cannot be read: unknown topic (an older program reads a newer log), or a state that does not fit it."""

    def __init__(self, problem: str, *, stored: StoredEvent, advice: str) -> None:
        place_of = f"{stored.topic} at version {stored.originator_version} of stream {stored.originator_id}"
        super().__init__(f"{problem}: {place_of}.", advice=advice)
        self.topic = stored.topic
        self.originator_id = stored.originator_id
        self.originator_version = stored.originator_version


class EventMapper(Mapper[UUID]):
    """Pydantic events with stable topics, upcasting, and encryption with associated data."""

    def __init__(
        self,
        cipher: StateCipher | None = None,
        *,
        events: Iterable[type[Event]] = EVENTS,
        upcasters: Mapping[str, Upcaster] | None = None,
    ) -> None:
        super().__init__(JSONTranscoder())
        self._cipher = cipher or NullCipher()
        self._types = {kind.TOPIC: kind for kind in events}
        self._upcasters: dict[str, Upcaster] = dict(STORED_EVENTS.lifts if upcasters is None else upcasters)

    def to_stored_event(self, domain_event: DomainEventProtocol[UUID]) -> StoredEvent:
        """Serialise and encrypt. Raises `TypeError` for what is no registered event."""
        if not isinstance(domain_event, Event) or self._types.get(domain_event.TOPIC) is not type(domain_event):
            raise TypeError(f"{type(domain_event).__name__} is not in the registry of stored events")
        stream, version, topic = domain_event.originator_id, domain_event.originator_version, domain_event.TOPIC
        plain = domain_event.__pydantic_serializer__.to_json(domain_event, exclude=_BESIDE)
        state = self._cipher.encrypt(plain, key_name=domain_event.key, associated_data=place(stream, version, topic))
        return StoredEvent(stream, version, topic, state)

    def to_domain_event(self, stored_event: StoredEvent) -> Event:
        """Decrypt, upcast, validate. Raises `StoredEventError`."""
        stream = stored_event.originator_id
        if not isinstance(stream, UUID):
            raise StoredEventError("Stream ids are UUIDs", stored=stored_event, advice="Look at what wrote this row.")
        bound = place(stream, stored_event.originator_version, stored_event.topic)
        try:
            plain = self._cipher.decrypt(bytes(stored_event.state), associated_data=bound)
            topic, plain = self._lifted(stored_event.topic, plain)
            kind = self._types.get(topic)
            if kind is None:
                advice = "Upgrade this program: the log holds events that it does not know."
                raise StoredEventError("Unknown topic", stored=stored_event, advice=advice)
            head = b'{"originator_id":"%b","originator_version":%d,' % (
                str(stream).encode(),
                stored_event.originator_version,
            )
            return kind.model_validate_json(head + plain.removeprefix(b"{"))
        except (ValidationError, ValueError) as error:
            if isinstance(error, StoredEventError):
                raise
            advice = "Restore this row from a backup or another copy of the log; the ledger tells which copy is right."
            raise StoredEventError("Unreadable state", stored=stored_event, advice=advice) from error

    def _lifted(self, topic: str, plain: bytes) -> tuple[str, bytes]:
        if topic not in self._upcasters:
            return topic, plain
        state = orjson.loads(plain)
        while topic in self._upcasters:
            topic, lift = self._upcasters[topic]
            state = lift(state)
        return topic, orjson.dumps(state)
