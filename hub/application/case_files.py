"""The states that the writer works on: a bounded memory of support paths with their streams, loaded from the log when absent.

Invariants: what a failed commit touched is forgotten; a take-over forgets everything; a path in memory equals the fold of its events in the log.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple, Protocol
from uuid import UUID

from contracts.envelope import Message
from contracts.names import RecordKey
from hub.application.ports import LogEntry
from hub.domain import support_path
from hub.domain.events import MessageAccepted, MessageRefused
from hub.domain.outlines import said_in
from hub.domain.support_path import SupportPath

KEPT: Final = 20_000
"""Paths kept in memory; beyond it the one used longest ago goes."""

StreamName = tuple[str, str]
"""Kind and key of a stream within one record key: `("referral", <id>)`."""


class CaseFile(NamedTuple):
    """One record key's state and the streams that its events are written to, each with its last version."""

    path: SupportPath
    streams: Mapping[StreamName, tuple[UUID, int]]
    fault: str | None = None
    """Why the events of this key could not be folded; whatever comes for it is parked."""

    @classmethod
    def empty(cls, key: RecordKey) -> "CaseFile":
        """Before anything was recorded."""
        return cls(SupportPath(key=key), {})


class Loader(Protocol):
    """The part of a store that this needs."""

    def load(self, keys: Sequence[RecordKey]) -> Mapping[RecordKey, Sequence[LogEntry]]:
        """All events of these record keys in log order."""


def fold(key: RecordKey, entries: Iterable[LogEntry]) -> CaseFile:
    """The state that a key's events give."""
    case = CaseFile.empty(key)
    for entry in entries:
        case = advance(case, entry)
    return case


def advance(case: CaseFile, entry: LogEntry, message: Message | None = None) -> CaseFile:
    """The state after one more event; `message`: what it holds, where that was parsed already."""
    event = entry.event
    if isinstance(event, MessageAccepted):
        said = said_in(event) if message is None else message
        path = support_path.evolve(case.path, event, said, entry.position)
    elif isinstance(event, MessageRefused):
        path = support_path.refuse(case.path, event)
    else:
        raise TypeError(f"the log holds an event of unknown kind {event.TOPIC} at {entry.position}")
    name = (event.stream, event.stream_key)
    streams = {**case.streams, name: (event.originator_id, event.originator_version)}
    return CaseFile(path, streams, case.fault)


def _folded(key: RecordKey, entries: Iterable[LogEntry]) -> CaseFile:
    """The same, but one client's odd history does not stop the others' messages."""
    try:
        return fold(key, entries)
    except Exception as fault:  # noqa: BLE001 - whatever it is, it concerns this key alone
        return CaseFile.empty(key)._replace(fault=type(fault).__name__)


class CaseFiles:
    """A bounded memory, the one used longest ago out first."""

    def __init__(self, loader: Loader, *, kept: int = KEPT) -> None:
        self._loader = loader
        self._kept = kept
        self._known: OrderedDict[RecordKey, CaseFile] = OrderedDict()

    def open(self, keys: Iterable[RecordKey]) -> dict[RecordKey, CaseFile]:
        """The files of these keys; absent ones are loaded in one round trip, unknown ones begin empty."""
        wanted = set(keys)
        found = {key: self._known[key] for key in wanted if key in self._known}
        missing = sorted(wanted - set(found))
        if missing:
            loaded = self._loader.load(missing)
            found |= {key: _folded(key, loaded.get(key, ())) for key in missing}
        return found

    def keep(self, files: Mapping[RecordKey, CaseFile]) -> None:
        """Remember what was committed."""
        for key, case in files.items():
            if case.fault is None:
                self._known[key] = case
                self._known.move_to_end(key)
        while len(self._known) > self._kept:
            self._known.popitem(last=False)

    def forget(self, keys: Iterable[RecordKey] | None = None) -> None:
        """Forget these keys, or (None) everything."""
        if keys is None:
            self._known.clear()
            return
        for key in keys:
            self._known.pop(key, None)
