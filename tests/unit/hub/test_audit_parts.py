"""A part of a log, and one client's rows of a whole one: both stand by themselves, and whatever was changed in them is found."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from contracts.ledger import policy as policies
from contracts.ledger import proof_file
from contracts.ledger.entry import leaf_of
from contracts.ledger.tiles import WIDTH
from contracts.merkle import HASH_LENGTH, ProofError
from contracts.messages.need import NeedAssessed
from contracts.names import GroundId, RecordKey, SubjectId, UnitId
from hub.audit import commands
from hub.audit.bundle import INDEX, MANIFEST, ROWS, Bundle, BundleError, Group, Row, row_of
from hub.audit.findings import FindingCode
from hub.audit.history import history_of
from hub.audit.proven_leaves import tile_of
from hub.audit.replay import replay
from hub.audit.verification import verify
from hub.domain.events import Given, MessageAccepted
from tests.simulation.ended_consent import SKILLS, consent_that_ended, paper_of
from tests.simulation.exported import POLICY, exported, exported_part, rows_of
from tests.simulation.programme import KAREL

if TYPE_CHECKING:
    from pathlib import Path

    from hub.audit.verification import Report
    from tests.simulation.programme import Simulation

TRUSTED = policies.parse(POLICY)
JANA = SubjectId("r1." + "j" * 26)


@pytest.fixture
def hub() -> Simulation:
    """Two clients, so that a part is less than the whole; the tree has more than one tile."""
    simulation = consent_that_ended()
    simulation.say("op", paper_of(GroundId(simulation.next_id())), subject=JANA)
    for _ in range(260):
        simulation.say("op", NeedAssessed(dimension="skills"), category=SKILLS, subject=JANA)
    simulation.relay_all()
    simulation.report_all()
    return simulation


def codes(report: Report) -> set[FindingCode]:
    return {one.code for one in report.findings}


def test_a_part_verifies_without_the_rest_and_says_the_same_of_its_client(hub: Simulation, tmp_path: Path) -> None:
    whole, part = exported(hub, tmp_path / "whole"), exported_part(hub, tmp_path / "part", [KAREL])
    report = verify(part, TRUSTED)
    assert report.findings == []
    assert report.part
    assert 0 < report.rows < len(hub.shard.log) - 200
    assert replay(part, KAREL, hub.clock.at) == replay(whole, KAREL, hub.clock.at)
    assert JANA not in (part.folder / ROWS).read_text()


def test_a_part_up_to_a_day_verifies_and_knows_nothing_later(hub: Simulation, tmp_path: Path) -> None:
    until = hub.shard.log[6].at
    part = exported_part(hub, tmp_path / "part", [KAREL], until)
    assert verify(part, TRUSTED).findings == []
    assert max(row.position for group in part.groups() for row in part.rows(group.place)) < len(hub.shard.log) - 200


def test_what_was_left_out_in_the_middle_of_a_part_is_missed(hub: Simulation, tmp_path: Path) -> None:
    part = exported_part(hub, tmp_path / "part", [KAREL])
    group = part.group(RecordKey(KAREL))
    assert group is not None
    begin, length = group.place
    lines = list(part.lines(group.place))
    raw, cut = (part.folder / ROWS).read_bytes(), b"".join(lines[:2] + lines[3:])
    (part.folder / ROWS).write_bytes(raw[:begin] + cut + raw[begin + length :])
    assert codes(verify(part, TRUSTED)) & {FindingCode.NUMBER, FindingCode.MISPLACED}


def changed(bundle: Bundle, place: int, row: Row) -> None:
    """Put another row in the place of one, of the same length, wherever it lies."""
    rows = bundle.folder / ROWS
    raw = rows.read_bytes()
    line = next(one for one in raw.splitlines(keepends=True) if b'"position":%d,' % place in one)
    assert len(line) == len(row.line)
    rows.write_bytes(raw.replace(line, row.line))


@pytest.mark.parametrize("of", ["whole", "part"])
def test_a_row_that_the_ledger_does_not_vouch_for_is_named(hub: Simulation, tmp_path: Path, of: str) -> None:
    bundle = exported(hub, tmp_path / of) if of == "whole" else exported_part(hub, tmp_path / of, [KAREL])
    row = rows_of(hub)[3]
    changed(bundle, 3, replace(row, state=row.state.replace(b"2026-02-09", b"2026-02-08", 1)))
    found = verify(bundle, TRUSTED).findings
    assert [one.position for one in found if one.code is FindingCode.ROOT_MISMATCH] == [3]
    with pytest.raises(ProofError, match="row at 3"):
        history_of(bundle, KAREL, TRUSTED)


@pytest.mark.parametrize("place", [3, -3], ids=["in a full tile", "in the last one"])
def test_a_tile_that_was_made_to_fit_a_changed_row_does_not_lead_to_the_root(
    hub: Simulation, tmp_path: Path, place: int
) -> None:
    rows = rows_of(hub)
    row = rows[place]
    part = exported_part(hub, tmp_path / "part", [KAREL, JANA])
    forged = replace(
        row, state=row.state.replace(b"2026-02-09", b"2026-02-08", 1).replace(b"2026-03-21", b"2026-03-20", 1)
    )
    changed(part, row.position, forged)
    tile = tile_of(0, row.position, len(rows))
    hashes = bytearray(part.tile(tile))
    begin = row.position % WIDTH * HASH_LENGTH
    hashes[begin : begin + HASH_LENGTH] = leaf_of(row.position, sha256(forged.state).digest())
    (part.folder / tile.path).write_bytes(hashes)
    assert FindingCode.ROOT_MISMATCH in codes(verify(part, TRUSTED))
    with pytest.raises(ProofError):
        history_of(part, JANA if place < 0 else KAREL, TRUSTED)


def test_one_clients_path_is_replayed_from_that_clients_rows_alone(hub: Simulation, tmp_path: Path) -> None:
    bundle = exported(hub, tmp_path / "whole")
    before = replay(bundle, KAREL, hub.clock.at, TRUSTED)
    group = bundle.group(RecordKey(KAREL))
    assert group is not None
    assert group.reports
    read = [group.place, *group.reports, *bundle.manifest.notices]
    raw = bytearray((bundle.folder / ROWS).read_bytes())
    kept = {at for begin, length in read for at in range(begin, begin + length)}
    for at in set(range(len(raw))) - kept:
        raw[at] = ord("x")
    (bundle.folder / ROWS).write_bytes(raw)
    assert len(kept) < len(raw) / 5
    assert replay(bundle, KAREL, hub.clock.at, TRUSTED) == before


def test_an_index_that_hides_a_report_or_a_row_is_found(hub: Simulation, tmp_path: Path) -> None:
    bundle = exported(hub, tmp_path / "whole")
    index, whole = bundle.folder / INDEX, list(bundle.groups())
    for hidden in (
        [replace(one, reports=()) for one in whole],
        [replace(one, rows=one.rows - 1) for one in whole],
        [one for one in whole if str(one.key) != KAREL],
        list(reversed(whole)),
    ):
        index.write_bytes(b"".join(one.line for one in hidden))
        assert FindingCode.INDEX in codes(verify(bundle, TRUSTED))


def test_a_manifest_that_hides_a_trust_list_is_found(hub: Simulation, tmp_path: Path) -> None:
    bundle = exported(hub, tmp_path / "whole")
    less = bundle.manifest.model_copy(update={"notices": bundle.manifest.notices[:1]})
    (bundle.folder / MANIFEST).write_text(less.model_dump_json(exclude_none=True))
    assert FindingCode.INDEX in codes(verify(Bundle.open(bundle.folder), TRUSTED))


def test_several_processes_find_what_one_finds(hub: Simulation, tmp_path: Path) -> None:
    bundle = exported(hub, tmp_path / "whole")
    row = rows_of(hub)[5]
    changed(bundle, 5, replace(row, state=row.state.replace(b"2026-02-09", b"2026-02-08", 1)))
    alone, together = (verify(bundle, TRUSTED, processes=number) for number in (1, 2))
    assert alone.findings
    assert alone == together


def test_every_key_is_found_in_an_index_of_any_length_and_no_other(hub: Simulation, tmp_path: Path) -> None:
    bundle = exported(hub, tmp_path / "whole")
    for many in (0, 1, 2, 3, 100, 1000):
        keys = [RecordKey(f"r1.{number:026d}") for number in range(0, 2 * many, 2)]
        groups = [Group(key, (0, 1), 1, ((1, 2),) * (number % 90)) for number, key in enumerate(keys)]
        (bundle.folder / INDEX).write_bytes(b"".join(one.line for one in groups))
        assert [bundle.group(key) for key in keys] == groups
        for number in range(-1, 2 * many + 1, max(2, many // 50 * 2)):
            assert bundle.group(RecordKey(f"r1.{number:026d}")) is None


def test_a_checkpoint_over_more_rows_than_there_can_be_is_refused(hub: Simulation, tmp_path: Path) -> None:
    bundle = exported(hub, tmp_path / "whole")
    (bundle.folder / ROWS).write_bytes(b"")
    with pytest.raises(BundleError):
        verify(bundle, TRUSTED)


def test_a_part_cannot_show_what_the_whole_extends(hub: Simulation, tmp_path: Path) -> None:
    hub.clock.at += timedelta(days=1)
    part = exported_part(hub, tmp_path / "part", [KAREL])
    with pytest.raises(BundleError, match="whole export"):
        verify(part, TRUSTED, seen=[part.note])


def test_a_violation_can_be_shown_to_others_with_its_row_and_proof(hub: Simulation, tmp_path: Path) -> None:
    leaked = next(
        place
        for place, event in enumerate(hub.shard.log)
        if isinstance(event, MessageAccepted) and b"need.assessed" in event.message.payload
    )
    event = hub.shard.log[leaked]
    assert isinstance(event, MessageAccepted)
    more = (*event.recipients, Given(unit=UnitId("md-claims")))
    hub.shard.log[leaked] = event.model_copy(update={"recipients": more})
    bundle = exported(hub, tmp_path / "export")
    (tmp_path / "policy").write_text(POLICY)
    words = ["verify", str(bundle.folder), "--policy", str(tmp_path / "policy"), "--evidence", str(tmp_path / "shown")]
    assert CliRunner().invoke(commands.app, words).exit_code == 1
    row = row_of((tmp_path / "shown" / f"{leaked}.row.json").read_bytes())
    assert b"md-claims" in row.state
    proof = proof_file.parse((tmp_path / "shown" / f"{leaked}.proof.txt").read_text())
    leaf = leaf_of(row.position, sha256(row.state).digest())
    assert proof.verify(leaf, TRUSTED).size == bundle.head.size
    with pytest.raises(ProofError):
        proof.verify(leaf_of(row.position, sha256(row.state + b" ").digest()), TRUSTED)
