"""The ledger beside a running hub: whatever is killed, its checkpoint vouches for the log, and an auditor's export verifies offline."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.ledger import checkpoint, signed_note
from contracts.names import MessageId
from deploy.servers.embedded_broker import EmbeddedBroker
from tests.integration.hub_rig import FeedEnd, HubRig
from tests.integration.kafka_rig import until
from tests.integration.test_two_shards import said
from tests.simulation.programme import KAREL

_AUDIT = "from hub.audit.commands import main; main()"


@pytest.fixture
def rig(tmp_path: Path, quick_database: str, embedded_broker: EmbeddedBroker) -> Iterator[HubRig]:
    with HubRig(tmp_path, quick_database, embedded_broker.bootstrap, roles=("intake", "dispatch", "ledger")) as rig:
        yield rig


def size(rig: HubRig) -> int:
    try:
        raw = (rig.folder / "hub" / "ledger" / "0" / "checkpoint").read_text(encoding="utf-8")
    except FileNotFoundError:
        return 0
    return checkpoint.parse(signed_note.parse(raw).text).size


def position(rig: HubRig) -> int:
    ((found,),) = rig.log("SELECT position FROM head")
    return int(str(found))


def audit(rig: HubRig, *words: str) -> subprocess.CompletedProcess[str]:
    environment = rig.environment if words[0] != "verify" else {"PATH": os.environ["PATH"]}
    command = [sys.executable, "-c", _AUDIT, *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


async def speak(rig: HubRig) -> None:
    messages = said(rig.simulation, KAREL)
    await rig.send([rig.outgoing(signed, KAREL) for _, signed in messages])
    async with FeedEnd(rig, "op") as op:
        await op.receipts_of([name for name, _ in messages])


async def test_a_ledger_that_is_killed_goes_on_and_another_one_stands_by(rig: HubRig) -> None:
    rig.start("ledger", name="second")
    await speak(rig)
    rig.kill("ledger")
    rig.start("ledger")
    await speak(rig)
    rig.kill("second")
    await speak(rig)
    await until(lambda: size(rig) == position(rig) > 9)
    assert rig.stop("ledger") == 0


def parts_stand_alone(rig: HubRig, folder: Path, policy: Path) -> None:
    """Of one client and of one day, cut out of the database, proven by the ledger's own tiles."""
    day = str(rig.log("SELECT max(at)::date FROM log")[0][0])
    for name, words in {"client": ["--subject", KAREL], "day": ["--from", day, "--to", "2999-01-01"]}.items():
        part = folder / name
        exported = audit(rig, "export", str(part), *words)
        assert exported.returncode == 0, exported.stderr
        verified = audit(rig, "verify", str(part), "--policy", str(policy), "--json")
        assert verified.returncode == 0, verified.stdout + verified.stderr
        assert json.loads(verified.stdout)["part"] is True
        asked = ["--subject", KAREL, "--at", "2998-01-01", "--policy", str(policy), "--json"]
        assert json.loads(audit(rig, "replay", str(part), *asked).stdout)["entries"]
    nothing = audit(rig, "export", str(folder / "nothing"), "--to", "2001-01-01")
    assert (nothing.returncode, "Nothing of this was recorded" in nothing.stderr) == (1, True)


async def test_an_export_verifies_without_the_hub_and_not_after_one_flipped_byte(rig: HubRig, tmp_path: Path) -> None:
    await speak(rig)
    await until(lambda: size(rig) == position(rig))
    policy, bundle = tmp_path / "policy.txt", tmp_path / "export"
    policy.write_text((await asyncio.to_thread(audit, rig, "policy")).stdout)
    exported = await asyncio.to_thread(audit, rig, "export", str(bundle))
    assert exported.returncode == 0, exported.stderr
    verified = await asyncio.to_thread(audit, rig, "verify", str(bundle), "--policy", str(policy), "--json")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    told = json.loads(verified.stdout)
    assert (told["rows"], told["findings"]) == (told["size"], [])
    await asyncio.to_thread(parts_stand_alone, rig, tmp_path, policy)
    rows = bundle / "log.jsonl"
    raw = bytearray(rows.read_bytes())
    raw[len(raw) // 2] ^= 1
    rows.write_bytes(bytes(raw))
    assert (await asyncio.to_thread(audit, rig, "verify", str(bundle), "--policy", str(policy))).returncode != 0


async def test_nothing_is_given_while_the_ledger_is_behind_and_nothing_decided_at_the_hard_limit(
    tmp_path: Path, quick_database: str, embedded_broker: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPOJKA_HUB_LEDGER_DISPATCH_SECONDS", "1")
    monkeypatch.setenv("SPOJKA_HUB_LEDGER_INTAKE_SECONDS", "6")
    with HubRig(tmp_path, quick_database, embedded_broker.bootstrap, roles=("intake", "dispatch", "ledger")) as rig:
        await speak(rig)
        await until(lambda: size(rig) == position(rig))
        rig.pause("ledger")
        before = position(rig)
        first = await sent(rig)
        await until(lambda: position(rig) > before)
        await until(lambda: "ledger.behind" in (rig.folder / "dispatch.log").read_text())
        decided = position(rig)
        second = await sent(rig)
        await until(lambda: position(rig) > decided)
        await until(lambda: "ledger.behind" in (rig.folder / "intake.log").read_text())
        stopped = position(rig)
        third = await sent(rig)
        async with FeedEnd(rig, "op") as op:
            await until(lambda: first[0] in op.receipts() or len(op.records) > 0)
            assert second[0] not in op.receipts(), "dispatch gives nothing of what came later"
            assert position(rig) == stopped, "what is on the inbox waits there"
            rig.resume("ledger")
            await op.receipts_of([*first, *second, *third])


async def sent(rig: HubRig) -> list[MessageId]:
    """A consent and two entries on their way."""
    messages = said(rig.simulation, KAREL)
    await rig.send([rig.outgoing(signed, KAREL) for _, signed in messages])
    return [name for name, _ in messages]


async def test_a_database_that_was_changed_behind_its_ledger_stops_the_ledger_with_an_alarm(rig: HubRig) -> None:
    await speak(rig)
    await until(lambda: size(rig) == position(rig))
    rig.stop("ledger")
    last = (
        size(rig) - 1
    )  # the log may have gone on since: what the ledger vouches for last is changed, not what came behind it
    rig.log(f"UPDATE log SET state = state || '\\x20' WHERE position = {last} RETURNING 1")  # noqa: S608 - a number of ours
    rig.start("ledger")
    process = rig.processes.pop("ledger")
    assert await asyncio.to_thread(process.wait, 120) != 0
    assert "does not hold what its ledger says" in (rig.folder / "ledger.log").read_text()
