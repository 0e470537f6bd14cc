"""That a unit signed for another history stays in sight until somebody says that it was looked into, whatever is started anew meanwhile."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from contracts.ledger.announcement import Sighting
from contracts.ledger.checkpoint import Checkpoint
from contracts.names import UnitId
from hub.infrastructure.ledger_alarms import FOLDER, LedgerAlarmError, LedgerAlarms
from tests.simulated_hub import NOON

if TYPE_CHECKING:
    from pathlib import Path

OP, UP = UnitId("op"), UnitId("up")


def sighting(unit: UnitId, size: int) -> Sighting:
    """Another history of so many entries."""
    return Sighting.about(Checkpoint("spojka/decin/0", size, bytes([size]) * 32), unit=unit, cosignature="— signed")


def test_an_alarm_outlives_the_process_that_raised_it_and_counts_until_it_is_acknowledged(tmp_path: Path) -> None:
    assert LedgerAlarms(tmp_path, 0).ring(sighting(OP, 7), at=NOON)
    alarms = LedgerAlarms(tmp_path, 0)
    (one,) = alarms.open()
    assert (one.number, one.unit, one.raised.sighting) == (1, OP, sighting(OP, 7)), "with what the unit signed"
    assert LedgerAlarms(tmp_path, 1).open() == [], "another shard's ledger is another matter"
    alarms.acknowledge(1, by="Jana Nová", why="restored from the backup of Monday", at=NOON)
    assert alarms.open() == []
    (kept,) = LedgerAlarms(tmp_path, 0).all()
    assert kept.acknowledged is not None
    assert (kept.acknowledged.by, kept.acknowledged.at) == ("Jana Nová", NOON), "who looked stays on record"


def test_a_unit_rings_once_while_nobody_looked_and_again_for_what_is_new(tmp_path: Path) -> None:
    alarms = LedgerAlarms(tmp_path, 0)
    rang = [alarms.ring(one, at=NOON) for one in (sighting(OP, 7), sighting(OP, 8), sighting(UP, 7))]
    assert rang == [True, False, True]
    alarms.acknowledge(1, by="J", why="w", at=NOON)
    assert not alarms.ring(sighting(OP, 7), at=NOON + timedelta(days=1)), "the topic is read again after a restart"
    assert alarms.ring(sighting(OP, 9), at=NOON)
    assert [one.number for one in alarms.open()] == [2, 3]


def test_what_is_not_open_cannot_be_acknowledged_and_nothing_is_written_over(tmp_path: Path) -> None:
    alarms = LedgerAlarms(tmp_path, 0)
    alarms.ring(sighting(OP, 7), at=NOON)
    alarms.acknowledge(1, by="first", why="w", at=NOON)
    for number in (1, 2):
        with pytest.raises(LedgerAlarmError):
            alarms.acknowledge(number, by="second", why="w", at=NOON)
    (one,) = alarms.all()
    assert one.acknowledged is not None
    assert one.acknowledged.by == "first"


def test_evidence_that_was_damaged_is_said_to_be_and_not_passed_over(tmp_path: Path) -> None:
    alarms = LedgerAlarms(tmp_path, 0)
    alarms.ring(sighting(OP, 7), at=NOON)
    (tmp_path / FOLDER / "0" / "1" / "raised.json").write_text("{}")
    with pytest.raises(LedgerAlarmError):
        alarms.open()
