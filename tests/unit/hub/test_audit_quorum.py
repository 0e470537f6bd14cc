"""An auditor whose policy names witnesses reads who of them is missing, unknown or signed something else, with what shows it and the exit code."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import pytest
from typer.testing import CliRunner

from contracts.ledger import signed_note
from contracts.ledger.signed_note import Note, NoteSigner, SignatureType
from hub.audit import commands
from tests.simulation.exported import SIGNER, exported, note_over, rows_of
from tests.unit.hub.test_story_recipients import played

if TYPE_CHECKING:
    from pathlib import Path


def witness(name: str, number: int) -> NoteSigner:
    return NoteSigner(f"{SIGNER.name}/witness/{name}", bytes([number]) * 32, SignatureType.COSIGNATURE)


OP, UP, VZ, OUTSIDE = (witness(name, number) for number, name in enumerate(("op", "up", "vz", "outside"), 0x20))
STRANGER: Final = witness("stranger", 0x30)
POLICY: Final = f"""log {SIGNER.key.text}
witness op {OP.key.text}
witness up {UP.key.text}
witness vz {VZ.key.text}
witness outside {OUTSIDE.key.text}
group units 2 op up vz
group both all units outside
quorum both
"""
CODE: Final = "checkpoint-not-accepted"


@dataclass
class Auditor:
    """An export under one checkpoint, whoever witnessed it."""

    folder: Path
    note: Note

    def hands_over(self, *signers: NoteSigner, broken: NoteSigner | None = None) -> str:
        """The checkpoint as the export has it: signed by these; `broken` signed another text."""
        signed = [one.sign(self.note.text, at=1_767_225_600) for one in signers]
        if broken is not None:
            signed.append(broken.sign(self.note.text.replace("\n", " \n", 1), at=1_767_225_600))
        document = self.note.with_signatures(signed).document
        (self.folder / "export" / "checkpoint").write_text(document)
        return document

    def verify(self, *more: str, code: int) -> str:
        typed = ["verify", str(self.folder / "export"), "--policy", str(self.folder / "policy"), *more]
        result = CliRunner().invoke(commands.app, typed)
        assert result.exit_code == code, (result.output, result.exception)
        return " ".join(result.output.split())

    def found(self) -> tuple[dict[str, object], list[str]]:
        """The one finding, and which witnesses count."""
        document = json.loads(self.verify("--json", code=1))
        assert not document["holds"]
        (finding,) = document["findings"]
        return finding, document["witnesses"]


@pytest.fixture(scope="module")
def auditor(tmp_path_factory: pytest.TempPathFactory) -> Auditor:
    folder, hub = tmp_path_factory.mktemp("auditor"), played().hub
    exported(hub, folder / "export")
    (folder / "policy").write_text(POLICY)
    return Auditor(folder, signed_note.parse(note_over(rows_of(hub)).decode()))


def test_a_quorum_that_is_met_is_told_with_the_names_of_the_witnesses(auditor: Auditor) -> None:
    auditor.hands_over(OP, VZ, OUTSIDE, STRANGER)
    document = json.loads(auditor.verify("--json", code=0))
    assert (document["holds"], document["findings"]) == (True, [])
    assert document["witnesses"] == ["op", "outside", "vz"]
    assert "Witnesses: op, outside, vz. " in auditor.verify(code=0)


def test_too_few_cosignatures_are_told_with_who_signed_and_how_many_are_asked_for(auditor: Auditor) -> None:
    auditor.hands_over(UP, OUTSIDE)
    finding, witnesses = auditor.found()
    assert finding["code"] == CODE
    assert "units asks for 2 of op, up, vz, there is up" in str(finding["detail"])
    assert witnesses == ["outside", "up"]


def test_a_majority_of_the_operators_own_units_is_not_enough_without_one_from_outside(auditor: Auditor) -> None:
    auditor.hands_over(OP, UP, VZ)
    finding, witnesses = auditor.found()
    assert "both asks for 2 of units, outside, there is units" in str(finding["detail"])
    assert witnesses == ["op", "up", "vz"]


def test_a_witness_that_the_policy_does_not_know_counts_for_nothing_and_is_named(auditor: Auditor) -> None:
    auditor.hands_over(OP, STRANGER, OUTSIDE)
    finding, witnesses = auditor.found()
    assert "units asks for 2 of op, up, vz, there is op" in str(finding["detail"])
    assert f"whom this policy does not know: {STRANGER.name}" in str(finding["detail"])
    assert witnesses == ["op", "outside"]


def test_a_known_name_with_another_key_counts_for_nothing(auditor: Auditor) -> None:
    auditor.hands_over(OP, replace(VZ, seed=b"\x31" * 32), OUTSIDE)
    finding, witnesses = auditor.found()
    assert f"whom this policy does not know: {VZ.name}" in str(finding["detail"])
    assert witnesses == ["op", "outside"]


def test_one_bad_cosignature_among_enough_good_ones_rejects_the_checkpoint_and_is_named(auditor: Auditor) -> None:
    auditor.hands_over(OP, UP, OUTSIDE, broken=VZ)
    finding, witnesses = auditor.found()
    assert finding["code"] == CODE
    assert finding["detail"] == f"the signature of {VZ.name} does not hold"
    assert witnesses == []


def test_a_checkpoint_that_nobody_witnessed_is_told_so(auditor: Auditor) -> None:
    auditor.hands_over()
    finding, witnesses = auditor.found()
    assert "there is none" in str(finding["detail"])
    assert witnesses == []


def test_people_read_the_same_and_the_checkpoint_is_handed_on_as_the_proof(auditor: Auditor) -> None:
    document = auditor.hands_over(UP, OUTSIDE)
    evidence = auditor.folder / "evidence"
    said = auditor.verify("--evidence", str(evidence), code=1)
    assert CODE in said
    assert "Witnesses: outside, up." in said
    assert [one.name for one in evidence.iterdir()] == ["checkpoint"]
    assert (evidence / "checkpoint").read_text() == document
