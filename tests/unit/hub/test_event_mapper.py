"""Stored events: readable for ever, tied to their place, and never silently wrong."""

from dataclasses import replace
from typing import Any, ClassVar
from uuid import UUID, uuid4

import orjson
import pytest

from contracts.names import RecordKey
from hub.domain.events import Event, MessageAccepted
from hub.infrastructure.postgres.mapper import EventMapper, StoredEventError
from tests.integration.store_samples import JANA, accepted, refused

_OLD = (
    b'{"key":"r1.jjjjjjjjjjjjjjjjjjjjjjjjjj","at":"2026-03-02T12:00:00Z","stream":"path","stream_key":"",'
    b'"message":{"payload":"__79","key_id":"office/messages/0123456789abcdef","signature":"AAE=","proof":null},'
    b'"basis":{"gate":1,"grounds_position":3,"trust_list":2,"settings":1},"recipients":[{"unit":"shelter","ground":null}],"backfills":[]}'
)


class _Sealing:
    """A cipher of the test's own: opens only at the place it sealed for, and keeps the key's name out of sight."""

    def __init__(self) -> None:
        self.keys: list[RecordKey] = []

    def encrypt(self, plaintext: bytes, *, key_name: RecordKey, associated_data: bytes) -> bytes:
        self.keys.append(key_name)
        return len(associated_data).to_bytes(2, "big") + associated_data + plaintext[::-1]

    def decrypt(self, ciphertext: bytes, *, associated_data: bytes) -> bytes:
        end = 2 + int.from_bytes(ciphertext[:2], "big")
        if ciphertext[2:end] != associated_data:
            raise ValueError("not the place it was sealed for")
        return ciphertext[end:][::-1]


@pytest.mark.parametrize(
    "event",
    [
        accepted(payload=bytes(range(256))),
        accepted(payload='"šč€😀\u2028"'.encode()),
        refused(JANA, stream=uuid4(), version=2**31 - 1),
    ],
)
def test_an_event_comes_back_as_it_was(event: Event) -> None:
    mapper = EventMapper()
    stored = mapper.to_stored_event(event)
    assert stored.topic == type(event).TOPIC
    assert mapper.to_domain_event(stored) == event


def test_a_state_written_by_the_first_release_is_read() -> None:
    stored = replace(EventMapper().to_stored_event(accepted()), state=_OLD)
    event = EventMapper().to_domain_event(stored)
    assert isinstance(event, MessageAccepted)
    assert event.message.payload == b"\xff\xfe\xfd"
    assert event.message.signature == b"\x00\x01"


@pytest.mark.parametrize(
    "state",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        _OLD.replace(b'"stream":"path"', b'"stream":"elsewhere"'),
        _OLD.replace(b'"key":', b'"key":"x","more":'),
        _OLD.replace(b'"__79"', b'"*"'),
        _OLD[:-1],
    ],
)
def test_a_damaged_state_is_told_and_never_half_read(state: bytes) -> None:
    stored = replace(EventMapper().to_stored_event(accepted()), state=state)
    with pytest.raises(StoredEventError, match="Unreadable state"):
        EventMapper().to_domain_event(stored)


def test_a_newer_log_stops_an_older_program() -> None:
    stored = replace(EventMapper().to_stored_event(accepted()), topic="message-mended/1")
    with pytest.raises(StoredEventError, match="Upgrade this program"):
        EventMapper().to_domain_event(stored)


def test_an_old_topic_is_lifted_through_every_version_between() -> None:
    class Newest(Event):
        TOPIC: ClassVar[str] = "note/3"
        note: str
        kind: str

    def second(state: dict[str, Any]) -> dict[str, Any]:
        return {**state, "kind": "plain"}

    def third(state: dict[str, Any]) -> dict[str, Any]:
        return {"note": state.pop("text"), **state}

    mapper = EventMapper(events=[Newest], upcasters={"note/1": ("note/2", second), "note/2": ("note/3", third)})
    newest = Newest(originator_id=uuid4(), originator_version=4, key=JANA, at=accepted().at, note="n", kind="plain")
    stored = mapper.to_stored_event(newest)
    state = orjson.loads(stored.state)
    oldest = {"text": state.pop("note"), "key": state["key"], "at": state["at"]}
    assert mapper.to_domain_event(replace(stored, topic="note/1", state=orjson.dumps(oldest))) == newest


def test_a_state_moved_to_another_place_does_not_open() -> None:
    cipher = _Sealing()
    mapper = EventMapper(cipher)
    event = accepted()
    stored = mapper.to_stored_event(event)
    assert cipher.keys == [event.key]
    assert mapper.to_domain_event(stored) == event
    for moved in (
        replace(stored, originator_id=UUID(int=1)),
        replace(stored, originator_version=2),
        replace(stored, topic="message-refused/1"),
    ):
        with pytest.raises(StoredEventError):
            mapper.to_domain_event(moved)


def test_an_unregistered_event_is_never_written() -> None:
    with pytest.raises(TypeError, match="registry"):
        EventMapper(events=[]).to_stored_event(accepted())
