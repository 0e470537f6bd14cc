"""What an event says and whether its author signed it, for many events at a time.

Invariants: keys are those of the trust list that stood in the log at the event's place; a message that is none has no author, and of an erased
one the signature can no longer be checked. Step by step for many
events, since the arithmetic of signatures is a third faster while nothing else comes between.
"""

from collections.abc import Sequence
from typing import NamedTuple

from contracts.envelope import Message
from contracts.errors import ContractsError
from contracts.keys import KeyUse, SignatureError, parse_key_id
from contracts.names import HUB
from contracts.pae import PayloadType
from contracts.signed_bytes import BatchProof, BatchRoots, SignedBytes, verify
from hub.application.ports import LogEntry
from hub.audit.timeline import Timeline
from hub.domain.decision import Circumstances
from hub.domain.events import MessageAccepted, StoredMessage
from hub.domain.outlines import said_in


class Said(NamedTuple):
    """An event with what its message says; None for a refusal, and where the message is none."""

    entry: LogEntry
    leaf: bytes
    now: Circumstances | None
    """What its decision rested on beside the client's path; None before there was a trust list."""
    message: Message | None
    fault: str | None
    """Why its author did not sign it."""


def said_by(entries: Sequence[tuple[LogEntry, bytes]], timeline: Timeline, roots: BatchRoots) -> list[Said]:
    """Of events, each given with the hash of its leaf."""
    circumstances = [timeline.before(entry.position, entry.event.at) for entry, _ in entries]
    messages = [_parsed(entry) for entry, _ in entries]
    faults = [
        _fault(entry, message, now, roots)
        for (entry, _), message, now in zip(entries, messages, circumstances, strict=True)
    ]
    return [
        Said(entry, leaf, now, message, fault)
        for (entry, leaf), now, message, fault in zip(entries, circumstances, messages, faults, strict=True)
    ]


def _parsed(entry: LogEntry) -> Message | None:
    if not isinstance(entry.event, MessageAccepted):
        return None
    try:
        return said_in(entry.event)
    except (ContractsError, ValueError, LookupError):
        return None


def _fault(entry: LogEntry, message: Message | None, now: Circumstances | None, roots: BatchRoots) -> str | None:
    event = entry.event
    if message is None or now is None or not isinstance(event, MessageAccepted) or event.erased:
        return None
    try:
        return _signature_fault(event.message, message, now, roots)
    except SignatureError as error:
        return error.problem
    except ContractsError as error:
        return f"{event.message.key_id}: {error.problem}"


def _signature_fault(stored: StoredMessage, message: Message, now: Circumstances, roots: BatchRoots) -> str | None:
    directory = now.directory
    known, name = directory.key(stored.key_id), parse_key_id(stored.key_id)
    if known is None or name.use is not KeyUse.MESSAGES or not known[0].valid(now.at):
        return f"{stored.key_id} was no valid key for messages"
    if name.unit != message.unit:
        return f"{stored.key_id} does not speak for {message.unit}"
    if message.unit != HUB and not directory.party(message.unit, now.at).admitted:
        return f"{message.unit} was not admitted"
    verify(_signed(stored), known[1], PayloadType.CLOUDEVENT, roots=roots)
    return None


def _signed(stored: StoredMessage) -> SignedBytes:
    proof = stored.proof
    batch = None if proof is None else BatchProof(size=proof.size, index=proof.index, path=proof.path)
    return SignedBytes(payload=stored.payload, key_id=stored.key_id, signature=stored.signature, proof=batch)
