"""Stored events: readable for ever, tied to their place, and never silently wrong."""

from dataclasses import replace
from typing import Any, ClassVar
from uuid import UUID, uuid4

import orjson
import pytest

from contracts.categories import Category
from hub.domain.events import Event, MessageAccepted
from hub.infrastructure.postgres.mapper import EventMapper, StoredEventError
from hub.infrastructure.postgres.state_cipher import StateKey
from tests.integration.store_samples import JANA, accepted, refused

EVIDENCE, ENTRY = StateKey.of(b"\x01" * 32), StateKey.of(b"\x02" * 32)
_OLD = (
    b'{"key":"r1.jjjjjjjjjjjjjjjjjjjjjjjjjj","at":"2026-03-02T12:00:00Z","stream":"path","stream_key":"",'
    b'"message":{"payload":"__79","key_id":"office/messages/0123456789abcdef","signature":"AAE=","proof":null},'
    b'"basis":{"gate":1,"grounds_position":3,"trust_list":2,"settings":1},"recipients":[{"unit":"shelter","ground":null}],"backfills":[]}'
)


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
    mapper, found = EventMapper(), {key.key_id: key for key in (EVIDENCE, ENTRY)}
    for event in (accepted(), accepted(category=Category.HOUSING), refused(JANA, stream=uuid4(), version=3)):
        entry = ENTRY if isinstance(event, MessageAccepted) and event.outline else None
        (stored,) = mapper.sealed([event], [(EVIDENCE, entry)])
        assert JANA.encode() not in stored.state
        assert mapper.to_domain_event(stored, found) == event
        for moved in (
            replace(stored, originator_id=UUID(int=1)),
            replace(stored, originator_version=2),
            replace(stored, topic="message-refused/1"),
        ):
            if moved != stored:
                with pytest.raises(StoredEventError):
                    mapper.to_domain_event(moved, found)


def test_an_entry_whose_key_is_destroyed_keeps_its_decision_and_one_whose_key_is_lost_is_an_error() -> None:
    mapper, event = EventMapper(), accepted(category=Category.HOUSING)
    (stored,) = mapper.sealed([event], [(EVIDENCE, ENTRY)])
    read = mapper.to_domain_event(stored, {EVIDENCE.key_id: EVIDENCE, ENTRY.key_id: None})
    assert isinstance(read, MessageAccepted)
    assert read.erased
    emptied = event.message.model_copy(update={"payload": b""})
    assert read == event.model_copy(update={"message": emptied})
    for found in ({EVIDENCE.key_id: EVIDENCE}, {ENTRY.key_id: ENTRY}, {EVIDENCE.key_id: None, ENTRY.key_id: ENTRY}, {}):
        with pytest.raises(StoredEventError, match="without its key"):
            mapper.to_domain_event(stored, found)


def test_a_state_in_clear_without_its_signed_bytes_is_damaged_and_not_erased() -> None:
    emptied = _OLD.replace(b'"payload":"__79",', b"")
    with pytest.raises(StoredEventError, match="Unreadable"):
        EventMapper().to_domain_event(replace(EventMapper().to_stored_event(accepted()), state=emptied))


def test_an_unregistered_event_is_never_written() -> None:
    with pytest.raises(TypeError, match="registry"):
        EventMapper(events=[]).to_stored_event(accepted())
