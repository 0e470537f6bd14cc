"""Running every decision of a log again, with the hub's own pure rules.

Invariants: nothing of the log is believed: keys come from trust lists whose chain begins at a root key, states from folding what was verified; a
decision must rest on what stood in the log when it was made, and give the message to exactly those to whom it was given. Refusals hold no content, so
of them only numbers, basis and times are checked.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from contracts.admission import AdmissionError, read_first_list
from contracts.codes import RefusalCode
from contracts.envelope import Message, MessageError, parse
from contracts.errors import ContractsError
from contracts.gate import GATE_VERSION
from contracts.keys import KeyUse, SignatureError, parse_key_id
from contracts.messages.hub import DeliveryReported, SettingsChanged, TrustListPublished
from contracts.names import HUB, RecordKey
from contracts.pae import PayloadType
from contracts.signed_bytes import BatchProof, BatchRoots, SignedBytes, verify
from contracts.trust_list import Directory, TrustListError, read_envelope
from hub.application.case_files import CaseFile, advance
from hub.application.ports import LogEntry
from hub.application.programme import as_told, notice_name
from hub.audit import places
from hub.audit.consequences import Consequences, Deliveries
from hub.audit.findings import Finding, FindingCode
from hub.domain.deciding import decide, programme_fault
from hub.domain.decision import Accepted, Circumstances, Refused
from hub.domain.events import Event, MessageAccepted, MessageRefused, StoredMessage
from hub.domain.naming import deterministic_id
from hub.domain.settings import DEFAULT, DecisionSettings, changed
from hub.domain.support_path import SupportPath

_ODD = (ContractsError, LookupError, ValueError, TypeError, AssertionError)
"""What pure rules raise for a log that no hub wrote."""


@dataclass(slots=True)
class Reexecution:
    """The state of a log as far as it was run again. Give it every event in order."""

    first_list: bytes
    directory: Directory | None = None
    settings: DecisionSettings = DEFAULT
    at: datetime | None = None
    counts: dict[str, int] = field(default_factory=lambda: {"accepted": 0, "refused": 0, "deliveries": 0})
    _files: dict[RecordKey, CaseFile] = field(default_factory=dict)
    _ids: places.Ids = field(default_factory=places.Ids)
    _roots: BatchRoots = field(default_factory=BatchRoots)
    _follows: Consequences = field(init=False)
    _deliveries: Deliveries = field(init=False)

    def __post_init__(self) -> None:
        """What looks at the states looks at these."""
        self._follows, self._deliveries = Consequences(self._ids, self._path), Deliveries(self._path)

    def _path(self, key: RecordKey) -> SupportPath:
        return (self._files.get(key) or CaseFile.empty(key)).path

    def take(self, event: Event, position: int) -> Iterator[Finding]:
        """Everything that is wrong with one event; the state goes on behind it either way."""
        if self.at is not None and event.at < self.at:
            yield Finding(FindingCode.TIME_RAN_BACK, position, f"{event.at.isoformat()} after {self.at.isoformat()}")
        self.at = event.at
        case = self._files.get(event.key) or CaseFile.empty(event.key)
        yield from places.of_stream(case, event, position)
        if isinstance(event, MessageRefused):
            self.counts["refused"] += 1
            yield from self._refused(case, event, position)
        elif isinstance(event, MessageAccepted):
            self.counts["accepted"] += 1
            self.counts["deliveries"] += len(event.recipients)
            yield from _unbroken(self._accepted(case, event, position), position)
        if places.is_notice(event):
            return
        try:
            self._files[event.key] = advance(case, LogEntry(position, event))
        except _ODD as error:
            yield Finding(
                FindingCode.NOT_PERMITTED, position, f"does not follow from what came before: {type(error).__name__}"
            )
        if self.directory is not None:
            self._follows.settled(event.key, Circumstances(self.directory, self.settings, event.at, position))

    def _refused(self, case: CaseFile, event: MessageRefused, position: int) -> Iterator[Finding]:
        came = self._ids.came(event.source, event.message_id)
        if came and event.code not in (RefusalCode.ID_REUSED, RefusalCode.WRONG_PROGRAMME):
            yield Finding(FindingCode.REPEATED, position, f"{event.message_id} was decided before")
        yield from places.of_refused(case, event, position, came=came)
        if self.directory is not None:
            now = Circumstances(self.directory, self.settings, event.at, position)
            yield from self._follows.before(None, None, now)
            yield from self._basis(case, event, self.directory.version, position)

    def _basis(
        self, case: CaseFile, event: MessageAccepted | MessageRefused, listed: int, position: int
    ) -> Iterator[Finding]:
        found, basis = event.basis, case.path.grounds_position
        if (found.gate, found.grounds_position, found.settings) != (GATE_VERSION, basis, self.settings.version):
            yield Finding(FindingCode.WRONG_BASIS, position, f"gate {found.gate}, grounds {found.grounds_position}")
        elif listed and found.trust_list != listed:
            yield Finding(FindingCode.WRONG_BASIS, position, f"trust list {found.trust_list}, not {listed}")

    def _accepted(self, case: CaseFile, event: MessageAccepted, position: int) -> Iterator[Finding]:
        try:
            message = parse(event.message.payload)
        except (MessageError, ContractsError):
            yield Finding(FindingCode.NOT_PERMITTED, position, "the message is none")
            return
        if isinstance(message.facts, TrustListPublished) and self.directory is None:
            yield from self._first(message.facts, position)
        if self.directory is None:
            yield Finding(FindingCode.UNTRUSTED_LIST, position, "something was decided before there was a trust list")
            return
        now = Circumstances(self.directory, self.settings, event.at, position)
        yield from self._follows.before(event, message, now)
        if self._ids.came(message.source, message.id):
            yield Finding(FindingCode.REPEATED, position, f"{message.id} was decided before")
        yield from places.of_accepted(event, message, self.directory.listed, position)
        fault = _signature_fault(event.message, message, self.directory, event.at, self._roots)
        if fault is not None:
            yield Finding(FindingCode.BAD_SIGNATURE, position, fault)
        if message.unit != HUB and message.sequence != case.path.last_sequence(message.source) + 1:
            expected = case.path.last_sequence(message.source) + 1
            yield Finding(FindingCode.NUMBER, position, f"{message.sequence} where {expected} is next")
        yield from self._decision(case, event, message, position)
        self._deliveries.decided(event, message.unit, position)
        if isinstance(message.facts, DeliveryReported):
            yield from self._deliveries.reported(message.facts, position)
        yield from self._follow(message, event.at, position)

    def _decision(self, case: CaseFile, event: MessageAccepted, message: Message, position: int) -> Iterator[Finding]:
        assert self.directory is not None  # noqa: S101 - the caller looked
        listed = 0 if self._is_first(message) else self.directory.version
        yield from self._basis(case, event, listed, position)
        now = Circumstances(self.directory, self.settings, event.at, position)
        decision = (
            programme_fault(message.programme, now) or self._notice_fault(message) or decide(case.path, message, now)
        )
        if isinstance(decision, Accepted):
            self._follows.after(event.key, decision, now)
        if isinstance(decision, Refused):
            yield Finding(FindingCode.NOT_PERMITTED, position, decision.code)
        elif set(decision.recipients) != set(event.recipients) or set(decision.backfills) != set(event.backfills):
            should = ", ".join(sorted(one.unit for one in decision.recipients)) or "nobody"
            were = ", ".join(sorted(one.unit for one in event.recipients)) or "nobody"
            yield Finding(FindingCode.OTHER_RECIPIENTS, position, f"given to {were}, by the rules to {should}")

    def _notice_fault(self, message: Message) -> Refused | None:
        """What `Programme.fault` refuses, but for the chain of lists, which `_follow` checks."""
        facts = message.facts
        if not isinstance(facts, (TrustListPublished, SettingsChanged)):
            return None
        named = message.id == deterministic_id(f"{message.programme}/{notice_name(facts)}")
        follows = isinstance(facts, TrustListPublished) or facts.version == self.settings.version + 1
        return None if named and follows else Refused(RefusalCode.INVALID_DATA)

    def _is_first(self, message: Message) -> bool:
        return isinstance(message.facts, TrustListPublished) and message.facts.version == 1

    def _first(self, facts: TrustListPublished, position: int) -> Iterator[Finding]:
        try:
            directory, _ = read_first_list(self.first_list)
        except AdmissionError as error:
            yield Finding(FindingCode.UNTRUSTED_LIST, position, error.problem)
            return
        if {facts.digest, as_told(facts.document.encode()).digest} != {as_told(self.first_list).digest}:
            yield Finding(
                FindingCode.UNTRUSTED_LIST, position, "the log begins with another list than the export names"
            )
        self.directory = directory

    def _follow(self, message: Message, at: datetime, position: int) -> Iterator[Finding]:
        match message.facts:
            case TrustListPublished(version=1):
                return
            case TrustListPublished() as facts:
                try:
                    self.directory = read_envelope(facts.document.encode(), before=self.directory, roots={}, at=at)
                except (TrustListError, ContractsError) as error:
                    yield Finding(FindingCode.UNTRUSTED_LIST, position, error.problem)
            case SettingsChanged() as facts:
                self.settings = changed(facts)
            case _:
                return


def _unbroken(findings: Iterator[Finding], position: int) -> Iterator[Finding]:
    """What the rules cannot even judge is a finding too."""
    try:
        yield from findings
    except _ODD as error:
        yield Finding(FindingCode.NOT_PERMITTED, position, f"cannot be run again: {type(error).__name__}")


def _signature_fault(
    stored: StoredMessage, message: Message, directory: Directory, at: datetime, roots: BatchRoots
) -> str | None:
    known, name = directory.key(stored.key_id), parse_key_id(stored.key_id)
    if known is None or name.use is not KeyUse.MESSAGES or not known[0].valid(at):
        return f"{stored.key_id} was no valid key for messages"
    if name.unit != message.unit:
        return f"{stored.key_id} does not speak for {message.unit}"
    if message.unit != HUB and not directory.party(message.unit, at).admitted:
        return f"{message.unit} was not admitted"
    try:
        verify(_signed(stored), known[1], PayloadType.CLOUDEVENT, roots=roots)
    except SignatureError as error:
        return error.problem
    return None


def _signed(stored: StoredMessage) -> SignedBytes:
    proof = stored.proof
    batch = None if proof is None else BatchProof(size=proof.size, index=proof.index, path=proof.path)
    return SignedBytes(payload=stored.payload, key_id=stored.key_id, signature=stored.signature, proof=batch)
