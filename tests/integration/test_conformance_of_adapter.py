"""Our own adapter passes the conformance kit, as a vendor's would: another process, its own commands."""

import asyncio
import json
import subprocess
from functools import partial
from pathlib import Path

from adapters.conformance.acts import Acts
from adapters.conformance.adapter_play import Stage, asked_of_adapters, play_hub
from adapters.conformance.cast import Cast
from adapters.conformance.report import Outcome, Report
from adapters.conformance.requirements import Side
from adapters.conformance.wire import KafkaLine
from contracts.admission import read_request
from contracts.names import ProgrammeId
from deploy.servers.embedded_broker import EmbeddedBroker
from tests.conformance.operated_hub import ROOT, command
from tests.conformance.own_adapter import enrolled, users

PROGRAMME = "conformance"


def test_our_own_adapter_passes_so_a_vendor_is_asked_for_nothing_that_we_do_not_do(
    tmp_path: Path, embedded_broker: EmbeddedBroker
) -> None:
    home = tmp_path / "adapter"
    settings = {"programme": PROGRAMME, "unit": "advice", "bootstrap": embedded_broker.bootstrap}
    with enrolled(home, **settings) as request, users(home, "advice") as acts:
        done = subprocess.run(
            command(
                "adapters.conformance.commands", "adapter", "--json", "--patience", "90",
                "--bootstrap", embedded_broker.bootstrap, "--programme", PROGRAMME,
                "--admission", str(request),
                "--act", acts,
            ),
            cwd=ROOT, capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    outcomes = {one["id"]: one["outcome"] for one in json.loads(done.stdout)["requirements"]}
    assert set(outcomes.values()) == {"held"}


async def test_our_own_adapter_goes_on_where_the_broker_lost_everything(
    tmp_path: Path, embedded_broker: EmbeddedBroker
) -> None:
    home, bootstrap = tmp_path / "adapter", f"file:{embedded_broker.state_file}"

    def lose() -> None:
        embedded_broker.kill()
        embedded_broker.start()

    settings = {"programme": PROGRAMME, "unit": "advice", "bootstrap": bootstrap}
    with enrolled(home, **settings) as request, users(home, "advice") as command_line:
        acts = Acts(command_line, lambda _: None)
        cast = Cast(ProgrammeId(PROGRAMME), 4, read_request(request.read_bytes()))
        report = Report(Side.ADAPTER, only=asked_of_adapters(cast, losing=True))
        await play_hub(Stage(KafkaLine(bootstrap), patience=90), cast, acts, report, partial(asyncio.to_thread, lose))
    assert {one.requirement.id: one.evidence for one in report.findings() if one.outcome is not Outcome.HELD} == {}
