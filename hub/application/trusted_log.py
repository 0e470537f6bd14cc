"""The log as one reads it who takes nobody's word: every message checked against its author's key, every path folded from what was checked.

Invariants: trust lists count only in a chain from the configured root; a message counts only with the signature of a key that its author had when it
was recorded, and in its author's own order, so that a withdrawal cannot be left out and a later message shown. What fails stops the reader: a hub
wrote or changed what no unit said.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from contracts.envelope import Message, parse
from contracts.errors import ContractsError
from contracts.keys import KeyUse, parse_key_id
from contracts.messages.erasure import ErasureRequested, RetentionEnded
from contracts.messages.hub import SettingsChanged, TrustListPublished
from contracts.names import HUB, RecordKey
from contracts.pae import PayloadType
from contracts.signed_bytes import BatchRoots, verify
from hub.application.feed_voice import stored
from hub.application.key_ports import KeyLog
from hub.application.ports import HubError, LogEntry
from hub.application.programme import Programme
from hub.domain import support_path
from hub.domain.decision import Circumstances
from hub.domain.events import Event, MessageAccepted, MessageRefused
from hub.domain.outlines import said_in
from hub.domain.support_path import Erasure, SupportPath

_KEPT: Final = 20_000
"""Paths kept in memory."""


class UntrustedLogError(HubError):
    """The log holds something that its author did not say, or not so: nothing may be released by it."""

    def __init__(self, position: int, problem: str) -> None:
        super().__init__(
            f"Position {position} of the log cannot be trusted: {problem}.",
            advice="Find out who wrote to the database; run `spojka-audit verify` on an export.",
        )
        self.position = position


@dataclass(frozen=True, slots=True)
class Checked:
    """One accepted message with its decision, verified, and the path around it."""

    position: int
    event: MessageAccepted
    message: Message
    before: SupportPath
    after: SupportPath


class TrustedLog:
    """Follows one shard. Not thread-safe."""

    def __init__(self, log: KeyLog, programme: Programme, *, kept: int = _KEPT) -> None:
        self._log = log
        self._programme = programme
        self._kept = kept
        self._roots = BatchRoots()
        self._paths: OrderedDict[RecordKey, SupportPath] = OrderedDict()
        self._position = 0
        self._erasures: dict[RecordKey, Sequence[Erasure]] = {}

    @property
    def programme(self) -> Programme:
        """Trust list and settings as the log told them last."""
        return self._programme

    @property
    def position(self) -> int:
        """The next to read."""
        return self._position

    def go_to(self, position: int) -> None:
        """Go on from a position; what is remembered is forgotten."""
        self._paths.clear()
        self._erasures.clear()
        self._position = position
        self._programme = self._programme.caught_up(self._log)

    def read(self, *, limit: int) -> list[Checked]:
        """Accepted messages from the position on; moves behind them. Raises `UntrustedLogError`, `StoreUnavailableError`."""
        entries = self._log.read(self._position, limit=limit)
        self._open({entry.event.key for entry in entries if not _is_notice(entry.event)})
        checked = [one for entry in entries if (one := self._take(entry)) is not None]
        if entries:
            self._position = entries[-1].position + 1
        self._shed()
        return checked

    def path(self, key: RecordKey) -> SupportPath:
        """The path as far as the log was read. Raises `UntrustedLogError`, `StoreUnavailableError`."""
        self._open({key})
        found = self._paths[key]
        self._shed()
        return found

    def messages(self, positions: Sequence[int]) -> dict[int, Message]:
        """Accepted messages at these positions, each verified."""
        found = self._log.at(sorted(set(positions))) if positions else ()
        return {
            entry.position: self._verified(entry.event, entry.position)
            for entry in found
            if isinstance(entry.event, MessageAccepted)
        }

    def about(self, key: RecordKey) -> list[tuple[int, Message]]:
        """Every accepted message under a record key as far as the log was read, each verified."""
        entries = self._log.load([key], below=self._position).get(key, ())
        return [
            (entry.position, self._verified(entry.event, entry.position))
            for entry in entries
            if isinstance(entry.event, MessageAccepted)
        ]

    def _open(self, keys: Iterable[RecordKey]) -> None:
        missing = sorted(set(keys) - set(self._paths))
        loaded = self._log.load(missing, below=self._position) if missing else {}
        for key in missing:
            self._paths[key] = SupportPath(key=key)
            for entry in loaded.get(key, ()):
                self._take(entry)

    def _shed(self) -> None:
        while len(self._paths) > self._kept:
            self._paths.popitem(last=False)

    def _take(self, entry: LogEntry) -> Checked | None:
        event, key = entry.event, entry.event.key
        if isinstance(event, MessageRefused):
            if not _is_notice(event):
                self._paths[key] = support_path.refuse(self._paths[key], event)
            return None
        if not isinstance(event, MessageAccepted):
            raise UntrustedLogError(entry.position, f"an event of unknown kind {event.TOPIC}")
        message = self._verified(event, entry.position)
        if _is_notice(event):
            self._notice(event, message, entry.position)
            return Checked(entry.position, event, message, _NOBODY, _NOBODY)
        before = self._paths[key]
        after = self._folded(before, event, message, entry.position)
        self._paths[key] = after
        self._paths.move_to_end(key)
        return Checked(entry.position, event, message, before, after)

    @staticmethod
    def _folded(before: SupportPath, event: MessageAccepted, message: Message, position: int) -> SupportPath:
        if message.key != event.key:
            raise UntrustedLogError(position, "a message under another key than its own")
        if message.unit != HUB and message.sequence != before.last_sequence(message.source) + 1:
            raise UntrustedLogError(position, f"number {message.sequence} of {message.source} out of its order")
        try:
            return support_path.evolve(before, event, message, position)
        except (LookupError, ValueError, TypeError, AssertionError) as error:
            raise UntrustedLogError(position, "it does not follow from what came before") from error

    def _verified(self, event: MessageAccepted, position: int) -> Message:
        if event.erased:
            return self._erased(event, position)
        signed = stored(event.message)
        directory = self._programme.directory
        try:
            message = parse(signed.payload)
            known, name = directory.key(signed.key_id), parse_key_id(signed.key_id)
            listed = known is not None and known[0].valid(event.at)
            if known is None or not listed or name.use is not KeyUse.MESSAGES or name.unit != message.unit:
                raise UntrustedLogError(position, f"{signed.key_id} was no key of its author")
            verify(signed, known[1], PayloadType.CLOUDEVENT, roots=self._roots)
        except ContractsError as error:
            raise UntrustedLogError(position, error.problem) from error
        return message

    def _erased(self, event: MessageAccepted, position: int) -> Message:
        """What outlived an erasure, which must stand in the log. Nobody may open it, and whoever asked is verified when the log was read so far."""
        try:
            said = said_in(event)
            entry = support_path.candidate_entry(SupportPath(event.key), said, position, at=event.at)
            if not any(one.covers(entry) for one in self._erasures.get(event.key, ())):
                self._erasures[event.key] = _erasures(self._log.load([event.key]).get(event.key, ()))
        except (ContractsError, ValueError, LookupError, AssertionError) as error:
            raise UntrustedLogError(position, "an erased entry that says nothing") from error
        if not any(one.covers(entry) for one in self._erasures[event.key]):
            raise UntrustedLogError(position, "its signed bytes are missing and nobody had it erased")
        return said

    def _notice(self, event: MessageAccepted, message: Message, position: int) -> None:
        facts = message.facts
        try:
            if isinstance(facts, TrustListPublished) and self._is_next(facts):
                self._programme = self._programme.after_trust_list(facts, event.at)
            elif isinstance(facts, SettingsChanged) and facts.version > self._programme.settings.version:
                self._programme = self._programme.after_settings(facts)
        except ContractsError as error:
            raise UntrustedLogError(position, error.problem) from error

    def _is_next(self, facts: TrustListPublished) -> bool:
        return not self._programme.in_log or facts.version > self._programme.directory.version

    def circumstances(self, event: Event, position: int) -> Circumstances:
        """What a decision rested on when an event was recorded; the trust list is the newest."""
        return Circumstances(self._programme.directory, self._programme.settings, event.at, position)


def _erasures(entries: Iterable[LogEntry]) -> Sequence[Erasure]:
    """What a client's events have had erased."""
    found = []
    for entry in entries:
        event = entry.event
        if isinstance(event, MessageAccepted) and event.outline is None:
            asked = said_in(event)
            if isinstance(asked.facts, (ErasureRequested, RetentionEnded)):
                found.append(support_path.erasure_of(asked, asked.facts, entry.position))
    return found


_NOBODY: Final = SupportPath(key=RecordKey(""))


def _is_notice(event: Event) -> bool:
    """A hub's or unit's message about no subject is a stream of its own and needs no state."""
    return isinstance(event, (MessageAccepted, MessageRefused)) and event.stream == "notice" and bool(event.stream_key)
