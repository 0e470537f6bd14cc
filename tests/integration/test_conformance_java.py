"""An adapter in another language, made from the published contracts alone, passes the kit on real Kafka; each mistake planted in it is found.

The same adapter then works with our real hub, and with our own adapter at the other end.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from adapters.conformance.acts import Acts
from adapters.conformance.adapter_play import Stage, asked_of_adapters, play_hub
from adapters.conformance.cast import Cast
from adapters.conformance.report import Outcome, Report
from adapters.conformance.requirements import Side
from adapters.conformance.vector_cases import adapter_cases
from adapters.conformance.vectors import ask_all
from adapters.conformance.wire import KafkaLine
from adapters.process.unit_house import UnitHouse
from adapters.settings import load_settings
from contracts.admission import read_request
from contracts.names import ProgrammeId, UnitId
from deploy.servers.errors import MissingComponentError
from deploy.servers.kafka_broker import KafkaBroker
from projections.worklist import incoming, outgoing
from tests.conformance.java_adapter import JavaAdapter, act
from tests.conformance.operated_hub import ROOT, OperatedHub, command, run
from tests.integration.kafka_rig import until

PROGRAMME = "conformance"
LATE = "2036-01-01T00:00:00+00:00"
SHARED = ["housing", "identity"]
PLANTED = {
    "wrong-pae": "SIG-1",
    "reserialised": "SIG-2",
    "wrong-proof": "SIG-3",
    "crc32-partitioner": "REC-2",
    "derived-ids": "ENV-4",
    "number-reused": "SEQ-2",
    "resend-new-bytes": "RES-1",
    "hub-signature-unchecked": "TRU-1",
    "no-replay": "FEED-3",
    "link-ignored": "FEED-5",
    "duplicate-members": "FEED-11",
    "author-unchecked": "FEED-7",
}
"""What the issue names, and the requirement under which each is found."""
MORE = {
    "never-resends": "RES-2",
    "receipt-digest-ignored": "RCP-1",
    "hub-proof-unchecked": "FEED-12",
    "any-list": "TRU-2",
    "recipient-ignored": "FEED-6",
    "digest-ignored": "FEED-8",
    "stops-at-unknown": "FEED-10",
    "repeats-counted": "FEED-2",
    "gap-ignored": "FEED-4",
    "wrong-acknowledgement": "ACK-1",
}


@pytest.fixture(scope="session")
def java_adapter(tmp_path_factory: pytest.TempPathFactory) -> JavaAdapter:
    try:
        return JavaAdapter.build(tmp_path_factory.mktemp("java") / "classes")
    except MissingComponentError as missing:
        pytest.skip(str(missing))


async def judged(java: JavaAdapter, broker: KafkaBroker, home: Path, *, defect: str | None, patience: float) -> Report:
    """The kit's report; only whoever has no defect is put to the loss of the broker."""
    request = read_request(java.enrol(home, programme=PROGRAMME, unit="vendor").encode())
    cast = Cast(ProgrammeId(PROGRAMME), 4, request)
    (home / "trust-list-1.dsse.json").write_bytes(cast.first_list)
    report = Report(Side.ADAPTER, only=asked_of_adapters(cast, losing=defect is None))
    with java.running(home, broker.bootstrap, defect=defect):
        lose = None if defect else partial(asyncio.to_thread, broker.wipe)
        await play_hub(
            Stage(KafkaLine(broker.bootstrap), patience), cast, Acts(act(home), lambda _: None), report, lose
        )
    return report


def broken(report: Report) -> list[str]:
    return [one.requirement.id for one in report.findings() if one.outcome is Outcome.BROKEN]


async def test_the_java_adapter_passes_so_the_published_contracts_are_enough(
    java_adapter: JavaAdapter, kafka_broker: KafkaBroker, tmp_path: Path
) -> None:
    report = await judged(java_adapter, kafka_broker, tmp_path / "home", defect=None, patience=90)
    assert {one.requirement.id: one.evidence for one in report.findings() if one.outcome is not Outcome.HELD} == {}
    assert report.exit_code() == 0


@pytest.mark.parametrize(
    ("defect", "requirement"), [*PLANTED.items(), *(pytest.param(*one, marks=pytest.mark.long) for one in MORE.items())]
)
async def test_a_planted_mistake_is_found_under_its_requirement_and_under_no_other(
    java_adapter: JavaAdapter, kafka_broker: KafkaBroker, tmp_path: Path, defect: str, requirement: str
) -> None:
    report = await judged(java_adapter, kafka_broker, tmp_path / "home", defect=defect, patience=12)
    assert broken(report) == [requirement], [one.evidence for one in report.findings() if one.outcome is Outcome.BROKEN]


@pytest.mark.parametrize(
    ("defect", "requirements"),
    [
        (None, []),
        ("wrong-pae", ["VEC-2"]),
        ("duplicate-members", ["VEC-4"]),
        ("any-list", ["VEC-8"]),
        ("link-ignored", []),
        ("jwe-header-unread", ["VEC-10"]),
    ],
)
def test_bytes_are_judged_without_a_broker(
    java_adapter: JavaAdapter, defect: str | None, requirements: list[str]
) -> None:
    planted = () if defect is None else ("--defect", defect)
    report = Report(Side.BYTES)
    ask_all(java_adapter.command("vectors", *planted), adapter_cases(), report)
    assert broken(report) == requirements
    seen = {one.requirement.id for one in report.findings() if one.outcome is not Outcome.NOT_SEEN}
    assert seen >= {"VEC-9", "VEC-10"}, "what is sealed opens with what is in every Java"


@contextmanager
def our_adapter(home: Path) -> Iterator[None]:
    """Ours, running for the unit `advice`, which the hub has admitted."""
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(command("adapters.commands", "run", "--home", str(home)), cwd=ROOT, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            process.wait(20)


def wish(command_line: str, **wanted: object) -> None:
    subprocess.run(command_line, shell=True, cwd=ROOT, input=json.dumps(wanted), text=True, check=True)  # noqa: S602 - as the kit does


async def test_both_adapters_refer_to_each_other_over_the_real_hub(
    java_adapter: JavaAdapter, kafka_broker: KafkaBroker, quick_database: str, tmp_path: Path
) -> None:
    hub = OperatedHub(tmp_path / "hub", quick_database, kafka_broker.bootstrap, programme="decin")
    hub.create()
    java_home, our_home = tmp_path / "java", tmp_path / "ours"
    (tmp_path / "java.json").write_text(java_adapter.enrol(java_home, programme="decin", unit="vendor"))
    our_home.mkdir()
    (our_home / "adapter.toml").write_text(f'programme = "decin"\nbootstrap = "{hub.bootstrap}"\nhealth_port = 0\n')
    named = ("--institution", "ngo", "--institution-name", "An NGO", "--name", "Advice", "--home", str(our_home))
    (tmp_path / "ours.json").write_text(run(*command("adapters.commands", "enrol", "advice", *named)))
    for home in (java_home, our_home):
        (home / "trust-list-1.dsse.json").write_bytes((hub.home / "trust-list-1.dsse.json").read_bytes())
    hub.admit(tmp_path / "java.json", tmp_path / "ours.json")
    ours = f"{sys.executable} -m tests.conformance.own_adapter_act {our_home} advice"
    with hub.running(), java_adapter.running(java_home, hub.bootstrap), our_adapter(our_home):
        house = UnitHouse.open(load_settings(our_home), UnitId("advice"))
        try:
            await until(lambda: (house.book.reload() or house.directory).version >= 3, within=120)
            for line, other in ((act(java_home), "advice"), (ours, "vendor")):
                told = {"client": f"client-for-{other}", "until": LATE, "answer_due": LATE}
                await asyncio.to_thread(wish, line, action="take-consent", recipient=other, categories=SHARED, **told)
                await asyncio.to_thread(wish, line, action="refer", target=other, category="housing", **told)
            await until(lambda: states(house) == (["received"], ["received"]), within=120)
        finally:
            house.close()
        await until(lambda: all_answered(java_home), within=120)


def states(house: UnitHouse) -> tuple[list[str], list[str]]:
    """Of the referral that came and of the one that went, as a worker at our unit sees them."""
    with house.overviews().look() as connection:
        came, went = incoming(connection, house.unit), outgoing(connection, house.unit)
    return [one.state for one in came], [one.state for one in went]


def all_answered(java_home: Path) -> bool:
    """Whether everything that the Java adapter sent has its receipt."""
    lines = [json.loads(line) for line in (java_home / "journal").read_text().splitlines()]
    sent, answered = ([one for one in lines if one["e"] == what] for what in ("out", "answered"))
    return 0 < len(sent) == len(answered)
