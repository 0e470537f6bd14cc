"""A hub as its operator runs it, by `spojka-hub` alone, in a programme made for one test."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from tenacity import Retrying, TryAgain, stop_after_delay, wait_fixed

ROOT = Path(__file__).resolve().parents[2]


def command(module: str, *arguments: str) -> list[str]:
    """One of our console scripts, as the checkout has it."""
    return [sys.executable, "-c", f"from {module} import main; main()", *arguments]


def run(*arguments: str, environment: dict[str, str] | None = None) -> str:
    """Run to its end; returns what it printed."""
    done = subprocess.run(
        arguments, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@dataclass(frozen=True)
class OperatedHub:
    """Its home, database and broker."""

    home: Path
    database: str
    bootstrap: str
    programme: str = "conformance"

    @property
    def environment(self) -> dict[str, str]:
        """What its processes read."""
        return os.environ | {
            "SPOJKA_HUB_HOME": str(self.home),
            "SPOJKA_HUB_DATABASE": self.database,
            "SPOJKA_HUB_BOOTSTRAP": self.bootstrap,
            "SPOJKA_HUB_PORT": "0",
        }

    def hub(self, *arguments: str) -> str:
        """Run one of the operator's commands."""
        return run(*command("hub.entrypoints.commands", *arguments), environment=self.environment)

    @property
    def newest_list(self) -> Path:
        """The newest trust list."""
        return max(
            self.home.glob("trust-list-*.dsse.json"), key=lambda path: int(path.name.split("-")[2].split(".")[0])
        )

    def create(self, *, trial: bool = True) -> None:
        """Keys and first list, of a programme on trial unless it is told otherwise."""
        self.hub("init", "--programme", self.programme, "--partitions", "4", *(("--trial",) if trial else ()))

    def admit(self, *requests: Path) -> None:
        """Admit units."""
        for request in requests:
            self.hub("trust-list", "admit", str(request))

    def _await_lists(self) -> None:
        lists = len(list(self.home.glob("trust-list-*.dsse.json")))
        for attempt in Retrying(stop=stop_after_delay(60), wait=wait_fixed(0.05)):
            with attempt, psycopg.connect(self.database, options="-c search_path=shard_0") as connection:
                ((position,),) = connection.execute(b"SELECT position FROM head").fetchall()
                if position < lists:
                    raise TryAgain

    @contextmanager
    def running(self) -> Iterator[None]:
        """All roles, with every list in the log: a unit's message that came before the list that admits it would be nobody's."""
        with (self.home / "log").open("wb") as log:
            process = subprocess.Popen(
                command("hub.entrypoints.commands", "run"), cwd=ROOT, env=self.environment, stdout=log, stderr=log
            )
            try:
                self.hub("trust-list", "publish")
                self._await_lists()
                yield
                assert process.poll() is None, (self.home / "log").read_text()[-3000:]
            finally:
                process.terminate()
                process.wait(20)


@dataclass(frozen=True)
class OperatedKeys:
    """The key service of a hub, by `spojka-keys` alone: a home and a database of its own."""

    home: Path
    database: str
    hub: OperatedHub

    @property
    def environment(self) -> dict[str, str]:
        """What it reads."""
        return os.environ | {
            "SPOJKA_KEYS_HOME": str(self.home),
            "SPOJKA_KEYS_DATABASE": self.database,
            "SPOJKA_KEYS_LOG": self.hub.database,
            "SPOJKA_KEYS_BOOTSTRAP": self.hub.bootstrap,
            "SPOJKA_KEYS_PORT": "0",
        }

    def create(self) -> None:
        """Its keys, admitted by the hub's operator."""
        self.home.mkdir()
        shutil.copy(self.hub.home / "keys" / "log-kek.json", self.home)
        (self.home / "trust-list-1.dsse.json").write_bytes((self.hub.home / "trust-list-1.dsse.json").read_bytes())
        run(*command("hub.entrypoints.keys.commands", "init"), environment=self.environment)
        self.hub.hub("trust-list", "add-key-service", str(self.home / "key-service.json"))

    @contextmanager
    def running(self) -> Iterator[None]:
        """Beside the hub, which must run."""
        with (self.home / "log").open("wb") as log:
            started = command("hub.entrypoints.keys.commands", "run")
            process = subprocess.Popen(started, cwd=ROOT, env=self.environment, stdout=log, stderr=log)
            try:
                yield
                assert process.poll() is None, (self.home / "log").read_text()[-3000:]
            finally:
                process.terminate()
                process.wait(20)
