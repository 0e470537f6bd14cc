"""What every decision rests on besides the client's path: trust list, settings, and how the hub speaks.

Invariants: trust lists and settings enter by messages in the log, version after version, under ids that follow from their versions, so that a new
writer finds the last of them. The configured list is the first: the writer enters it into its shard's log before it decides anything under it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol, Self

from contracts.codes import RefusalCode
from contracts.dsse import from_envelope
from contracts.envelope import Message, parse
from contracts.facts import Facts
from contracts.keys import VerifyingKey
from contracts.messages.hub import SettingsChanged, TrustListPublished
from contracts.names import KeyId, MessageId, ProgrammeId, Source
from contracts.trust_list import Directory, TrustList, TrustListError, read_envelope
from hub.application.hub_voice import HubVoice
from hub.application.ports import Indexed, LogEntry
from hub.domain.decision import Refused
from hub.domain.events import MessageAccepted
from hub.domain.naming import deterministic_id
from hub.domain.settings import DEFAULT, DecisionSettings, changed


class Record(Protocol):
    """The part of a store in which notices are looked up."""

    def find(self, ids: Sequence[tuple[Source, MessageId]]) -> Mapping[tuple[Source, MessageId], Indexed]:
        """Which of these messages came before."""

    def at(self, positions: Sequence[int]) -> Sequence[LogEntry]:
        """The events at these positions."""


@dataclass(frozen=True, slots=True)
class Programme:
    """Directory, settings and voice, as the next message is judged."""

    directory: Directory
    roots: Mapping[KeyId, VerifyingKey]
    voice: HubVoice
    settings: DecisionSettings = DEFAULT
    in_log: bool = False
    """False until the first trust list stands in the log: the directory is then the one of the configuration."""
    configured: TrustListPublished | None = None
    """The configured list as the hub tells it."""

    def fault(self, message: Message, at: datetime) -> Refused | None:
        """Why a trust list or settings cannot follow; None for all other messages."""
        facts = message.facts
        if not isinstance(facts, (TrustListPublished, SettingsChanged)):
            return None
        if message.id != deterministic_id(f"{self.directory.listed.programme}/{notice_name(facts)}"):
            return Refused(RefusalCode.INVALID_DATA, "the id of a trust list or of settings follows from its version")
        if isinstance(facts, SettingsChanged):
            return (
                None
                if facts.version == self.settings.version + 1
                else Refused(RefusalCode.INVALID_DATA, "settings follow one by one")
            )
        try:
            self.after_trust_list(facts, at)
        except TrustListError as error:
            return Refused(RefusalCode.UNTRUSTED_LIST, error.problem)
        return None

    def after_trust_list(self, facts: TrustListPublished, at: datetime) -> "Programme":
        """With this list. Raises `TrustListError` where it does not follow the one before."""
        before = self.directory if self.in_log else None
        directory = read_envelope(facts.document.encode(), before=before, roots=self.roots, at=at)
        return replace(self, directory=directory, in_log=True)

    def after_settings(self, facts: SettingsChanged) -> "Programme":
        """With these settings."""
        return replace(self, settings=changed(facts))

    def caught_up(self, record: Record) -> Self:
        """With every trust list and all settings that stand in the log; each was checked when it was accepted."""
        current = self
        after = {"trust-list": self.directory.version if self.in_log else 0, "settings": self.settings.version}
        for event, facts in _notices(record, self.voice.source, self.directory.listed.programme, after=after):
            if isinstance(facts, TrustListPublished):
                current = current.after_trust_list(facts, event.at)  # type: ignore[assignment] # replace keeps the class
            elif isinstance(facts, SettingsChanged):
                current = current.after_settings(facts)  # type: ignore[assignment] # replace keeps the class
        return current

    def list_to_enter(self, at: datetime) -> tuple[TrustListPublished, datetime] | None:
        """The configured list with the time that its message bears, while no list stands in the log: the same each time it is told."""
        if self.in_log or self.configured is None:
            return None
        return self.configured, min(self.directory.listed.issued_at, at)

    def documents(self, record: Record) -> list[str]:
        """The DSSE envelopes of every trust list in the log, in order."""
        notices = _notices(record, self.voice.source, self.directory.listed.programme, after={"trust-list": 0})
        return [facts.document for _, facts in notices if isinstance(facts, TrustListPublished)]


def as_told(envelope: bytes) -> TrustListPublished:
    """A signed list as the hub tells it. Raises `ContractsError`s and `ValidationError` for what is none."""
    signed, _ = from_envelope(envelope)
    version = TrustList.model_validate_json(signed.payload).version
    return TrustListPublished(version=version, digest=signed.digest.hex(), document=envelope.decode())


def notice_name(facts: TrustListPublished | SettingsChanged) -> str:
    """The name under which the hub says it, from which its id follows."""
    kind = "trust-list" if isinstance(facts, TrustListPublished) else "settings"
    return f"{kind}/{facts.version}"


def _notices(
    record: Record, source: Source, programme: ProgrammeId, *, after: Mapping[str, int]
) -> Iterator[tuple[MessageAccepted, Facts]]:
    for kind, last in after.items():
        version = last + 1
        while found := record.find([(source, deterministic_id(f"{programme}/{kind}/{version}"))]):
            (entry,) = record.at([next(iter(found.values())).position])
            event = entry.event
            if isinstance(event, MessageAccepted):
                yield event, parse(event.message.payload).facts
            version += 1
