"""What the log says about one record key, with all that is needed to understand it: from an export, or from a hub's own store.

Invariant: entries are in the order of the log, all of them and nobody else's; trust lists, settings and reports of deliveries are those of the log.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from contracts.envelope import parse
from contracts.ledger.entry import leaf_of
from contracts.ledger.policy import Policy
from contracts.merkle import ProofError
from contracts.messages.hub import DeliveryReported, SettingsChanged, TrustListPublished
from contracts.names import RecordKey, SubjectId
from hub.application.ports import HubError, LogEntry
from hub.audit.bundle import Bundle, Place, Row
from hub.audit.bundle_writing import is_hub_key
from hub.audit.proven_leaves import ProvenLeaves
from hub.audit.reports import Reports
from hub.audit.stored_events import entry_of
from hub.audit.timeline import Timeline
from hub.domain.events import MessageAccepted


class UnknownSubjectError(HubError):
    """Nothing about this subject stood in the log by then."""


@dataclass(frozen=True, slots=True)
class History:
    """One record key's part of a log."""

    key: RecordKey
    entries: Sequence[LogEntry]
    timeline: Timeline
    reports: Reports

    @classmethod
    def of(cls, key: RecordKey, entries: Sequence[LogEntry], notices: Iterable[LogEntry]) -> "History":
        """From events; `notices` are the hub's own about no subject, in order: trust lists, settings, reports of deliveries."""
        timeline, reports = told_by(notices)
        return cls(key, entries, timeline, reports)


def told_by(notices: Iterable[LogEntry]) -> tuple[Timeline, Reports]:
    """What the hub's messages about no subject tell: lists and settings, and what was delivered."""
    timeline, reports = Timeline(), Reports()
    for entry in notices:
        event = entry.event
        if not isinstance(event, MessageAccepted):
            continue
        match parse(event.message.payload).facts:
            case TrustListPublished() | SettingsChanged() as facts:
                list(timeline.follow(facts, position=entry.position, at=event.at))
            case DeliveryReported() as facts:
                reports.add(facts, position=entry.position, at=event.at)
    return timeline, reports


def history_of(bundle: Bundle, subject: SubjectId, policy: Policy | None = None) -> History:
    """One subject's history, read from its own rows alone; with a policy, each of them proven to stand in the ledger that the policy accepts.

    Raises `UnknownSubjectError`, `BundleError`, `StoredEventError`; `NoteError` and `ProofError` for what is not proven.
    """
    group = bundle.group(RecordKey(subject))
    if group is None:
        raise UnknownSubjectError(f"The export says nothing about {subject}.", advice="Check subject and shard.")
    proven = None if policy is None else proven_by(bundle, policy)
    notices = _entries(bundle, [*bundle.manifest.notices, *group.reports], proven)
    return History.of(group.key, _entries(bundle, [group.place], proven), sorted(notices, key=lambda one: one.position))


def histories_of(bundle: Bundle, *, progress: Callable[[int], None] = lambda _rows: None) -> Iterator[History]:
    """Everybody's history, one after the other. Raises `BundleError`, `StoredEventError`."""
    hub = [group.place for group in bundle.groups() if is_hub_key(group.key)]
    timeline, reports = told_by(_entries(bundle, hub, None))
    rows = 0
    for group in bundle.groups():
        rows += group.rows
        if not is_hub_key(group.key):
            yield History(group.key, _entries(bundle, [group.place], None), timeline, reports)
        progress(rows)


def proven_by(bundle: Bundle, policy: Policy) -> ProvenLeaves:
    """The ledger's leaves, if the policy accepts its checkpoint. Raises `NoteError`, `ProofError`."""
    proven = ProvenLeaves(policy.accept(bundle.note), bundle.tile)
    proven.check()
    return proven


def _entries(bundle: Bundle, places: Iterable[Place], proven: ProvenLeaves | None) -> list[LogEntry]:
    return [entry_of(row) for place in places for row in _proven(bundle.rows(place), proven)]


def _proven(rows: Iterable[Row], proven: ProvenLeaves | None) -> Iterator[Row]:
    for row in rows:
        if proven is not None and proven.leaf(row.position) != leaf_of(row.position, sha256(row.state).digest()):
            raise ProofError(f"the row at {row.position} is not what the ledger vouches for")
        yield row
