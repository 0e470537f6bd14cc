"""Whoever reads the auditor's answers by a program finds every field on the page about them, and no other."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from typer.testing import CliRunner

import hub.audit
from contracts.categories import Category, Purpose
from contracts.messages.access import RecordAccessed, RecordAudited
from contracts.messages.processing import ProcessingRestricted
from contracts.messages.subject import SubjectMerged
from contracts.names import ActorId, MergeId, UnitId
from hub.audit import commands
from hub.audit.watching import AlarmKind
from tests.simulation.exported import POLICY, exported, rows_of
from tests.simulation.programme import KAREL
from tests.unit.hub.test_story_recipients import played

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE: Final = Path(hub.audit.__path__[0]) / "answers.md"
AT, BEFORE = "2026-12-30", "2026-01-01"


def documented(command: str) -> set[str]:
    """The fields that the page names for a command."""
    part = PAGE.read_text(encoding="utf-8").partition(f"\n## {command}\n")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in part.splitlines() if line.startswith("| `")]
    return {field for row in rows for field in re.findall(r"`([^`]+)`", row)}


def fields(value: Any, path: str = "") -> Iterator[str]:  # noqa: ANN401 - JSON
    match value:
        case dict():
            for name, one in value.items():
                yield f"{path}{name}"
                yield from fields(one, f"{path}{name}.")
        case list():
            for one in value:
                yield from fields(one, f"{path.removesuffix('.')}[]." if path else "")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The story of Děčín with something of everything that an answer can hold; in `broken` a row is missing."""
    made, hub = tmp_path_factory.mktemp("answers"), played().hub
    looked = {"reader": ActorId("clerk/c1"), "reader_unit": UnitId("md"), "purpose_of_access": Purpose.SUPPORT}
    hub.say("md", RecordAccessed.model_validate({**looked, "outcome": "read", "categories": (Category.HOUSING,)}))
    hub.say("md", ProcessingRestricted(categories=(Category.HOUSING,)))
    hub.say(
        "op", SubjectMerged(merge_id=MergeId(hub.next_id()), method="asked-client", tell=(UnitId("op"), UnitId("up")))
    )
    audited = RecordAudited(reader=ActorId("auditor/a1"), purpose_of_audit="routine", shown="path", until=hub.clock.at)
    _, signed = hub.programme.voice.say(audited, name="audit/1", at=hub.clock.at, subject=KAREL)
    hub.take([hub.record(signed, KAREL)])
    exported(hub, made / "export")
    exported(hub, made / "broken", rows_of(hub)[:-1])
    (made / "policy").write_text(POLICY)
    return made


def told(folder: Path, command: str, *words: str, of: str = "export") -> Any:  # noqa: ANN401 - JSON
    done = CliRunner().invoke(commands.app, [command, str(folder / of), *words, "--json"])
    assert done.exit_code == (1 if of == "broken" else 0), (done.output, done.exception)
    return json.loads(done.stdout)


def test_verify(folder: Path) -> None:
    policy = ("--policy", str(folder / "policy"))
    found = [told(folder, "verify", *policy), told(folder, "verify", *policy, of="broken")]
    assert {one for answer in found for one in fields(answer)} == documented("verify")


def test_replay(folder: Path) -> None:
    assert set(fields(told(folder, "replay", "--subject", KAREL, "--at", AT))) == documented("replay")


def test_accesses(folder: Path) -> None:
    assert set(fields(told(folder, "accesses"))) == documented("accesses")


def test_diff(folder: Path) -> None:
    assert set(fields(told(folder, "diff", "--from", BEFORE, "--to", AT))) == documented("diff")


def test_watch_names_every_alarm() -> None:
    assert documented("watch") == {"at", "origin", "size", "alarm", "problem", "unreachable"}
    assert all(f"`{kind}`" in PAGE.read_text(encoding="utf-8") for kind in AlarmKind)
