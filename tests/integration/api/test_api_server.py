"""The API on a real port: alone or beside the running units, in clear on this machine only, and its guide by the letter."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import ssl
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from adapters.api.server import ApiServer
from adapters.process.unit_house import UnitHouse
from adapters.settings import SettingsError, load_settings
from deploy.servers.ports import answers, free_port
from tests.certified import certified
from tests.integration.api.api_rig import OP, Place, place_in
from tests.integration.kafka_rig import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from adapters.settings import AdapterSettings
    from deploy.servers.embedded_broker import EmbeddedBroker

GUIDE = Path(__file__).resolve().parents[3] / "adapters" / "api" / "README.md"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with place_in(tmp_path) as opened:
        yield opened


@asynccontextmanager
async def served(place: Place, **settings: object) -> AsyncIterator[ApiServer]:
    stop = asyncio.Event()
    asked: AdapterSettings = load_settings(place.home, **({"api_port": 0} | settings))
    server = ApiServer(asked, list(place.houses.values()))
    task = asyncio.create_task(server.run(stop))
    await until(lambda: answers(server.port))
    try:
        yield server
    finally:
        stop.set()
        await task


async def line(url: str, place: Place, trust: ssl.SSLContext | None = None) -> httpx.Response:
    async with httpx.AsyncClient(verify=trust or ssl.create_default_context()) as client:
        return await client.get(f"{url}/v1/units/op/line", headers=place.headers())


async def test_it_listens_on_this_machine_alone_unless_told_otherwise(place: Place) -> None:
    async with served(place) as server:
        assert server.host == "127.0.0.1"
        assert (await line(f"http://127.0.0.1:{server.port}", place)).json()["unit"] == "op"


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.10", "::", "adapter.example"])  # noqa: S104 - refused
def test_another_address_without_tls_is_refused_before_anything_starts(place: Place, host: str) -> None:
    with pytest.raises(SettingsError, match="in clear"):
        load_settings(place.home, api_port=0, api_host=host)


async def test_with_tls_it_speaks_nothing_but_tls(place: Place) -> None:
    certificate, key = certified(place.home)
    async with served(place, api_certificate=certificate, api_key=key) as server:
        trust = ssl.create_default_context(cafile=str(certificate))
        assert (await line(f"https://127.0.0.1:{server.port}", place, trust)).status_code == 200
        with pytest.raises(httpx.HTTPError):
            await line(f"http://127.0.0.1:{server.port}", place)


def test_a_key_that_others_may_read_is_refused(place: Place) -> None:
    certificate, key = certified(place.home)
    key.chmod(0o644)
    with pytest.raises(SettingsError, match="Others may read"):
        ApiServer(load_settings(place.home, api_port=0, api_certificate=certificate, api_key=key), [])


async def test_a_port_that_is_taken_is_told_in_words(place: Place) -> None:
    async with served(place) as server:
        with pytest.raises(SettingsError, match="cannot listen"):
            ApiServer(load_settings(place.home, api_port=server.port), [])


async def test_the_running_adapter_serves_it_and_sends_what_it_records(
    place: Place, embedded_broker: EmbeddedBroker
) -> None:
    port, health = free_port(), free_port()
    settings = (place.home / "adapter.toml").read_text().replace("localhost:1", f"file:{embedded_broker.state_file}")
    (place.home / "adapter.toml").write_text(f"{settings}api_port = {port}\nhealth_port = {health}\n")
    process = await asyncio.to_thread(start, place, "run")
    try:
        await until(lambda: process.poll() is not None or answers(port))
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            headers = place.headers() | {"Idempotency-Key": "from-the-network"}
            body = {"client": "case-1", "given_name": "Karel"}
            answer = await client.post("/v1/units/op/clients", headers=headers, json=body)
            assert answer.status_code == 201
        async with httpx.AsyncClient() as client:
            metrics = (await client.get(f"http://127.0.0.1:{health}/metrics")).text
        assert (
            'spojka_adapter_api_requests_total{method="POST",route="/v1/units/{unit}/clients",status="201"} 1.0'
            in metrics
        )
    finally:
        process.terminate()
        _, logged = await asyncio.to_thread(process.communicate, timeout=20)
    assert process.returncode == 0, logged
    assert "case-1" not in logged
    assert "api served" in logged


def start(place: Place, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", "from adapters.commands import main; main()", *words, "--home", str(place.home)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


async def test_the_guide_works_as_it_is_written(place: Place) -> None:
    """Its settings, then its commands one after the other, as an IT person types them."""
    settings, commands = (blocks(language) for language in ("toml", "sh"))
    port = free_port()
    told = "\n".join(settings[:1]).replace("8464", str(port))
    (place.home / "adapter.toml").write_text(
        (place.home / "adapter.toml").read_text() + told + f"\nhealth_port = {free_port()}\n"
    )
    tools = place.home / "tools"
    tools.mkdir()
    tool = tools / "spojka-adapter"
    tool.write_text(f'#!/bin/sh\nexec {sys.executable} -c "from adapters.commands import main; main()" "$@"\n')
    tool.chmod(0o755)
    process = await asyncio.to_thread(start, place, "api")
    environment = os.environ | {"PATH": f"{tools}:{os.environ['PATH']}", "SPOJKA_ADAPTER_HOME": str(place.home)}
    script = "set -eu\n" + "\n".join(commands).replace("8464", str(port))
    try:
        await until(lambda: process.poll() is not None or answers(port))
        shell = shutil.which("bash") or "sh"
        done = await asyncio.to_thread(
            subprocess.run,
            [shell, "-c", script],
            env=environment,
            capture_output=True,
            text=True,
            cwd=place.home,
            check=False,
        )
    finally:
        process.terminate()
        await asyncio.to_thread(process.communicate, timeout=20)
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"state":"waiting"' in done.stdout
    assert '"code":"no-token"' in done.stdout
    house = UnitHouse.open(place.settings, OP)
    with house.store.read() as tx:
        assert [client for client, _ in tx.clients.all()] == ["2026/117"]
    house.close()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
