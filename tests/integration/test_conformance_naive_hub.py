"""A hub that takes and gives everything is found, requirement by requirement: the kit does not only praise."""

from pathlib import Path

from adapters.conformance import hub_units
from adapters.conformance.adapter_play import Stage
from adapters.conformance.hub_play import play_units
from adapters.conformance.report import Outcome, Report
from adapters.conformance.requirements import Side
from adapters.conformance.wire import KafkaLine
from contracts.envelope import parse_attributes
from contracts.errors import ContractsError
from contracts.kafka_record import from_record
from contracts.names import ProgrammeId, UnitId, unit_of
from deploy.servers.embedded_broker import EmbeddedBroker
from projections.kafka.positions import RawRecord
from tests.integration.scripted_hub import ScriptedHub
from tests.simulated_hub import PROGRAMME, SimulatedHub


class NaiveHub(ScriptedHub):
    """Accepts whatever reads as an envelope, whoever signed it, as often as it comes, and gives it to every other unit."""

    async def _take(self, record: RawRecord) -> None:
        try:
            signed = from_record(record.value, record.headers)
            unit = unit_of(parse_attributes(signed.payload)[0].source)
        except ContractsError:
            return
        if unit in self.feeds:
            await self.publish(f"feed.{unit}", self.feeds[unit].receipt(signed))
        for other in self.feeds:
            if other != unit:
                await self.deliver(other, signed)


async def test_a_hub_that_takes_everything_is_told_what_it_breaks(
    tmp_path: Path, embedded_broker: EmbeddedBroker
) -> None:
    hub_units.make(tmp_path, ProgrammeId(PROGRAMME))
    keys = hub_units.load(tmp_path)
    signer = SimulatedHub(units=tuple(map(UnitId, keys)), unit_keys=dict(keys))
    report = Report(Side.HUB)
    async with NaiveHub(embedded_broker, signer):
        await play_units(Stage(KafkaLine(embedded_broker.bootstrap), patience=3), signer.directory, keys, report)
    broken = {one.requirement.id for one in report.findings() if one.outcome is Outcome.BROKEN}
    assert broken >= {
        "HUB-3",
        "HUB-4",
        "HUB-5",
        "HUB-6",
        "HUB-7",
        "HUB-9",
        "HUB-10",
        "HUB-11",
        "HUB-12",
        "HUB-14",
        "HUB-15",
    }
