"""What was live at a hub at some moments, kept as it was then, to be compared with what an auditor replays as of these moments.

Invariant: a moment is kept when the clock is about to go on, so that everything of that moment has happened.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from contracts.envelope import parse
from contracts.messages.hub import DeliveryReported
from contracts.names import RecordKey, SubjectId, UnitId
from hub.audit.bundle import Bundle
from hub.audit.history import UnknownSubjectError
from hub.audit.replay import Replayed, replay
from hub.domain.decision import Circumstances
from hub.domain.events import MessageAccepted
from hub.domain.recipients import still_given
from hub.domain.support_path import SupportPath
from tests.simulation.exported import exported
from tests.simulation.programme import Simulation

COMPARED: Final = 6
"""Moments of one story, spread over it."""


@dataclass(frozen=True, slots=True)
class Moment:
    """As it was at the hub."""

    now: Circumstances
    paths: dict[SubjectId, SupportPath]
    reported: dict[tuple[UnitId, int], bool]


@dataclass
class Lived:
    """Moments of one story."""

    moments: list[Moment] = field(default_factory=list)
    _reported: dict[tuple[UnitId, int], bool] = field(default_factory=dict)
    _read: int = 0

    def remember(self, hub: Simulation, clients: Collection[SubjectId]) -> None:
        """Before the clock goes on."""
        for event in hub.shard.log[self._read :]:
            if isinstance(event, MessageAccepted) and b"delivery.reported" in event.message.payload:
                facts = parse(event.message.payload).facts
                assert isinstance(facts, DeliveryReported)
                self._reported |= {(one.unit, one.position): one.verdict == "given" for one in facts.deliveries}
        self._read = len(hub.shard.log)
        files = hub.intake._files.open([RecordKey(client) for client in clients])
        now = Circumstances(hub.intake.directory, hub.intake._programme.settings, hub.clock.at, 0)
        paths = {client: files[RecordKey(client)].path for client in clients}
        self.moments.append(Moment(now, paths, dict(self._reported)))

    def compare(self, hub: Simulation) -> int:
        """Replay some of the moments from an export of what the log has become since; returns how many."""
        step = max(1, len(self.moments) // COMPARED)
        chosen = self.moments[::step]
        with TemporaryDirectory() as folder:
            bundle = exported(hub, Path(folder) / "export")
            for moment in chosen:
                for client, path in moment.paths.items():
                    _same(_replayed(bundle, client, moment.now.at), path, moment)
        return len(chosen)


def _replayed(bundle: Bundle, client: SubjectId, at: datetime) -> Replayed | None:
    try:
        return replay(bundle, client, at)
    except UnknownSubjectError:
        return None


def _same(found: Replayed | None, path: SupportPath, moment: Moment) -> None:
    if found is None:
        assert not path.grounds
        assert not path.entries
        return
    at = moment.now.at
    assert found.trust_list == moment.now.directory.version
    assert dict(found.grounds) == {
        one: one.active(at) and any(at < opening.until for opening in one.openings) for one in path.grounds.values()
    }
    assert found.obligations == tuple(path.obligations.values())
    assert found.referrals == tuple(path.referrals.values())
    assert found.restrictions == path.restrictions
    assert {(one.merge_id, one.proposer, one.agreed) for one in found.same_person} == {
        (name, one.proposer, one.reviewer is not None and not one.split) for name, one in path.merges.items()
    }
    assert {one.message_id for one in found.entries} == set(path.entries)
    for entry in found.entries:
        live = path.entries[entry.message_id]
        assert (entry.author, entry.category, entry.occurred) == (live.author, live.category, live.occurred)
        given = {unit for (unit, position), _ in moment.reported.items() if position == live.position}
        assert {one.unit for one in entry.seen} == live.recipients | given
        for seen in entry.seen:
            assert seen.permitted_now is still_given(path, live, seen.unit, moment.now)
            assert seen.delivered is moment.reported.get((seen.unit, live.position), False)
            assert seen.ground_id is None or seen.ground_id in path.grounds
