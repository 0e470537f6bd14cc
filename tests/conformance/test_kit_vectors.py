"""`spojka-conformance vectors` finds who reads or signs otherwise, and passes who does as the contracts."""

import json
import subprocess
import sys

import pytest

from adapters.conformance.report import Outcome, Report
from adapters.conformance.requirements import Side
from adapters.conformance.vector_cases import adapter_cases, hub_cases
from adapters.conformance.vectors import ask_all
from tests.conformance.operated_hub import ROOT, command

KIT = "adapters.conformance.commands"
LENIENT = """
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    answer = {"unsupported": True}
    if asked["ask"] == "json":
        import base64
        try:
            good = isinstance(json.loads(base64.b64decode(asked["value"])), dict)
        except (ValueError, RecursionError):
            good = False
        answer = {"verdict": "good" if good else "refused"}
    print(json.dumps({"case": asked["case"], **answer}), flush=True)
"""


def outcomes(report: Report) -> dict[str, Outcome]:
    return {one.requirement.id: one.outcome for one in report.findings()}


@pytest.mark.parametrize("part", ["adapter", "hub"])
def test_what_our_own_contracts_answer_is_right_in_every_case(part: str) -> None:
    answering = command(KIT, "answer")
    done = subprocess.run(
        command(KIT, "vectors", "--json", "--part", part, "--", *answering),
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    found = json.loads(done.stdout)["requirements"]
    seen = {one["id"] for one in found if one["outcome"] == "held"}
    assert [one for one in found if one["outcome"] == "broken"] == []
    assert done.returncode == 0, done.stderr
    assert seen == (
        {f"VEC-{n}" for n in (1, 2, 3, 4, 7, 8, 9, 10)} if part == "adapter" else {f"VEC-{n}" for n in (1, 4, 5, 6)}
    )


def test_a_lenient_json_reader_is_found_before_its_vendor_ever_sees_a_broker() -> None:
    report = Report(Side.BYTES)
    ask_all([sys.executable, "-c", LENIENT], adapter_cases(), report)
    found = outcomes(report)
    assert found["VEC-4"] is Outcome.BROKEN
    assert set(found.values()) == {Outcome.BROKEN, Outcome.NOT_SEEN}


def test_every_question_is_asked_with_a_right_answer_that_its_requirement_owns() -> None:
    assert {one.requirement for one in (*adapter_cases(), *hub_cases())} == {f"VEC-{n}" for n in range(1, 11)}


def test_the_question_in_the_guide_has_the_answer_that_stands_there() -> None:
    guide = (ROOT / "adapters" / "conformance" / "README.md").read_text()
    question, answer = guide.partition("```json\n")[2].partition("```")[0].splitlines()
    done = subprocess.run(
        command(KIT, "answer"), cwd=ROOT, input=question + "\n", capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == json.loads(answer)
