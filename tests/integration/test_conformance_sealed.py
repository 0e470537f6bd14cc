"""Where content is sealed: each mistake that is planted in a sealing adapter is found under its requirement. Ours are judged
on a secured broker and with all their processes elsewhere; what is here is in memory.
"""

import pytest

from adapters.conformance.adapter_play import Stage, asked_of_adapters, play_hub
from adapters.conformance.cast import Cast
from adapters.conformance.hub_play import asked_of_hubs, play_units
from adapters.conformance.hub_units import UNITS
from adapters.conformance.report import Outcome, Report
from adapters.conformance.requirements import HUB_ONLY_WHEN_SEALED, ONLY_OF_WITNESSES, ONLY_WHEN_SEALED, Side
from contracts.names import ProgrammeId
from tests.conformance.memory_hub import DEFECTS as HUB_DEFECTS
from tests.conformance.memory_hub import MemoryHub
from tests.conformance.memory_line import MemoryLine
from tests.conformance.sealing_actor import DEFECTS, SealingActor

PROGRAMME = "conformance"


async def judged(defect: str | None) -> Report:
    """The kit's report on the small adapter of the tests, in memory."""
    line = MemoryLine()
    actor = SealingActor(line, Cast(ProgrammeId(PROGRAMME), 4, sealed=True).first_list, defect=defect)
    cast = Cast(ProgrammeId(PROGRAMME), 4, actor.request, sealed=True)
    report = Report(Side.ADAPTER, only=asked_of_adapters(cast, losing=False))
    async with actor:
        await play_hub(Stage(line, patience=0.5), cast, actor.acts, report)
    return report


def outcomes(report: Report, outcome: Outcome) -> dict[str, tuple[str, ...]]:
    return {one.requirement.id: one.evidence for one in report.findings() if one.outcome is outcome}


async def test_a_small_adapter_made_of_the_contracts_alone_passes_and_everything_is_seen() -> None:
    report = await judged(None)
    assert outcomes(report, Outcome.BROKEN) == {}
    assert outcomes(report, Outcome.NOT_SEEN) == {}


@pytest.mark.parametrize(("defect", "requirement"), DEFECTS.items())
async def test_a_planted_mistake_is_found_under_its_requirement_and_under_no_other(
    defect: str, requirement: str
) -> None:
    found = outcomes(await judged(defect), Outcome.BROKEN)
    assert list(found) == [requirement], found


def test_every_requirement_of_sealing_and_witnessing_has_a_mistake_that_is_found() -> None:
    assert set(DEFECTS.values()) == ONLY_WHEN_SEALED | ONLY_OF_WITNESSES


async def judged_hub(defect: str | None) -> Report:
    """The kit's report on our hub and key service, in memory."""
    line = MemoryLine()
    hub = MemoryHub(line, defect=defect)
    keys = {unit: hub.units[unit].key for unit in UNITS}
    opening = {unit: hub.encryption[unit] for unit in UNITS}
    report = Report(Side.HUB, only=asked_of_hubs(hub.directory))
    async with hub:
        await play_units(Stage(line, patience=0.5), hub.directory, keys, report, opening)
    return report


async def test_our_hubs_rules_pass_the_sealed_play_and_everything_but_a_head_is_seen() -> None:
    report = await judged_hub(None)
    assert outcomes(report, Outcome.BROKEN) == {}
    assert set(outcomes(report, Outcome.NOT_SEEN)) <= {"HUB-16"}


@pytest.mark.parametrize(("defect", "requirement"), HUB_DEFECTS.items())
async def test_a_mistake_of_a_key_service_is_found_under_its_requirement_and_under_no_other(
    defect: str, requirement: str
) -> None:
    found = outcomes(await judged_hub(defect), Outcome.BROKEN)
    assert list(found) == [requirement], found


def test_every_requirement_of_a_sealing_hub_has_a_mistake_that_is_found() -> None:
    assert set(HUB_DEFECTS.values()) == HUB_ONLY_WHEN_SEALED
