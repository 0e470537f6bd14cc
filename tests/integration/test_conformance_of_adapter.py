"""Our own adapter passes the conformance kit, as a vendor's would: another process, its own commands."""

import asyncio
import json
import subprocess
import sys
from functools import partial
from pathlib import Path

from adapters.conformance.acts import Acts
from adapters.conformance.adapter_play import Stage, play_hub
from adapters.conformance.cast import Cast
from adapters.conformance.report import Outcome, Report
from adapters.conformance.requirements import Side
from adapters.conformance.wire import KafkaLine
from contracts.admission import read_request
from contracts.names import ProgrammeId
from deploy.servers.embedded_broker import EmbeddedBroker
from tests.conformance.operated_hub import ROOT, command
from tests.conformance.own_adapter import enrolled

PROGRAMME = "conformance"


def test_our_own_adapter_passes_so_a_vendor_is_asked_for_nothing_that_we_do_not_do(
    tmp_path: Path, embedded_broker: EmbeddedBroker
) -> None:
    home = tmp_path / "adapter"
    with enrolled(home, programme=PROGRAMME, unit="advice", bootstrap=embedded_broker.bootstrap):
        done = subprocess.run(
            command(
                "adapters.conformance.commands", "adapter", "--json", "--patience", "90",
                "--bootstrap", embedded_broker.bootstrap, "--programme", PROGRAMME,
                "--admission", str(home / "request.json"),
                "--act", f"{sys.executable} -m tests.conformance.own_adapter_act {home} advice",
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
    report = Report(Side.ADAPTER)

    def lose() -> None:
        embedded_broker.kill()
        embedded_broker.start()

    with enrolled(home, programme=PROGRAMME, unit="advice", bootstrap=bootstrap):
        request = read_request((home / "request.json").read_bytes())
        acts = Acts(f"{sys.executable} -m tests.conformance.own_adapter_act {home} advice", lambda _: None)
        cast = Cast(ProgrammeId(PROGRAMME), 4, request)
        await play_hub(Stage(KafkaLine(bootstrap), patience=90), cast, acts, report, partial(asyncio.to_thread, lose))
    assert {one.requirement.id: one.evidence for one in report.findings() if one.outcome is not Outcome.HELD} == {}
