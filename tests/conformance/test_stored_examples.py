"""What was written once stays readable: stored events of every topic, as they lay in a database, kept here for ever.

`stored/<topic>-<version>/` is only ever added to. SHA256SUMS tells when a file was touched (sha256sum -c reads it too).
"""

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from eventsourcing.persistence import StoredEvent

from contracts.envelope import open_clear, parse
from contracts.upcasting import Document, Lift, Upcasters
from hub.domain.events import EVENTS, MessageAccepted, MessageRefused
from hub.infrastructure.postgres.mapper import EventMapper

STORED = Path(__file__).parent / "stored"
EXAMPLES = sorted(str(file.relative_to(STORED)) for file in STORED.rglob("*.json"))


def row(name: str) -> StoredEvent:
    """The row as the database gave it."""
    stored: Mapping[str, Any] = json.loads((STORED / name).read_text(encoding="utf-8"))
    stream, version = UUID(stored["originator_id"]), int(stored["originator_version"])
    return StoredEvent(stream, version, stored["topic"], stored["state"].encode())


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_event_that_was_stored_once_can_still_be_read_whole(name: str) -> None:
    stored = row(name)
    event = EventMapper().to_domain_event(stored)
    assert (event.originator_id, event.originator_version) == (stored.originator_id, stored.originator_version)
    state = json.loads(stored.state)
    if isinstance(event, MessageAccepted):
        message = parse(event.message.payload)
        facts, _ = open_clear(message)
        assert facts is not None
        assert message.key == event.key
        assert [one.unit for one in event.recipients] == [one["unit"] for one in state["recipients"]]
    else:
        assert isinstance(event, MessageRefused)
        assert (event.code, event.sequence, len(event.digest)) == (state["code"], state["sequence"], 32)


def test_no_stored_example_was_ever_changed_or_removed() -> None:
    lines = (STORED / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    sums = {name: digest for digest, name in (line.split("  ") for line in lines)}
    assert {name: sha256((STORED / name).read_bytes()).hexdigest() for name in EXAMPLES} == sums


def test_every_topic_of_today_has_an_example_for_those_who_come_later() -> None:
    shown = {json.loads((STORED / name).read_text(encoding="utf-8"))["topic"] for name in EXAMPLES}
    assert {event.TOPIC for event in EVENTS} <= shown


def with_stream(state: Document) -> Document:
    return {name: value for name, value in state.items() if name != "shelf"} | {"stream": state["shelf"]}


def test_an_event_of_a_version_that_is_no_more_is_lifted_as_it_is_read() -> None:
    """Version 0 is invented: it called the stream a shelf."""
    stored = row("message-refused-1/no-ground.json")
    state = json.loads(stored.state)
    state["shelf"] = state.pop("stream")
    old = StoredEvent(stored.originator_id, stored.originator_version, "message-refused/0", json.dumps(state).encode())
    lifts = Upcasters({"message-refused/0": Lift("message-refused/1", with_stream)})
    assert EventMapper(upcasters=lifts.lifts).to_domain_event(old) == EventMapper().to_domain_event(stored)
