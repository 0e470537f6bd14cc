"""Where an event must stand, apart from what was decided: under its own key, in its own stream, with its own number. Pure."""

from collections.abc import Iterator

from contracts.codes import RefusalCode
from contracts.envelope import Message
from contracts.names import HUB, RecordKey
from contracts.trust_list import TrustList
from hub.application.case_files import CaseFile
from hub.application.docket import stream_of
from hub.audit.findings import Finding, FindingCode
from hub.domain.events import Event, MessageAccepted, MessageRefused
from hub.domain.shards import hub_key

NOT_ADVANCING = frozenset({RefusalCode.ID_REUSED, RefusalCode.SEQUENCE_CONFLICT, RefusalCode.WRONG_PROGRAMME})
"""Refusals that leave the author's numbers where they are."""


def is_notice(event: Event) -> bool:
    """What the hub says about no subject: a stream of its own, without state."""
    return isinstance(event, (MessageAccepted, MessageRefused)) and event.stream == "notice" and bool(event.stream_key)


def of_accepted(event: MessageAccepted, message: Message, listed: TrustList, position: int) -> Iterator[Finding]:
    """Another record key or stream than the signed message's own."""
    about_none = message.unit == HUB and message.subject is None
    if event.key not in _hub_keys(listed) if about_none else event.key != message.key:
        yield Finding(FindingCode.MISPLACED, position, "a message under the key of somebody else")
    if (event.stream, event.stream_key) != stream_of(message):
        yield Finding(FindingCode.MISPLACED, position, f"in stream {event.stream} {event.stream_key}")


def of_stream(case: CaseFile, event: Event, position: int) -> Iterator[Finding]:
    """A place in the stream that does not follow the last one."""
    if not isinstance(event, (MessageAccepted, MessageRefused)):
        return
    known = None if is_notice(event) else case.streams.get((event.stream, event.stream_key))
    expected = 1 if known is None else known[1] + 1
    if event.originator_version != expected or (known is not None and event.originator_id != known[0]):
        yield Finding(FindingCode.MISPLACED, position, f"version {event.originator_version}, not {expected}")


def of_refused(case: CaseFile, event: MessageRefused, position: int) -> Iterator[Finding]:
    """A refusal that the numbers before it, which it states, do not bear out."""
    last = case.path.last_sequence(event.source)
    by_unit = not event.source.endswith(f":{HUB}")
    if event.advances == (event.code in NOT_ADVANCING):
        yield Finding(FindingCode.NUMBER, position, f"{event.code} must not move numbers, or must")
    elif event.advances and by_unit and event.sequence != last + 1:
        yield Finding(FindingCode.NUMBER, position, f"{event.sequence} where {last + 1} is next")
    if event.code is RefusalCode.SEQUENCE_CONFLICT and (event.sequence > last or event.last_sequence != last):
        yield Finding(FindingCode.NUMBER, position, f"{event.sequence} was not taken: {last} is the last")


def _hub_keys(listed: TrustList) -> frozenset[RecordKey]:
    shards = min(listed.shards, listed.partitions)
    return frozenset(hub_key(one, partitions=listed.partitions, shards=listed.shards) for one in range(shards))
