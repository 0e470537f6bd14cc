"""A broker in memory that speaks Kafka's protocol: librdkafka's mock cluster in a process of its own.

- Keeps at most 5 MiB per partition and drops the older rest without an error; forgets everything when it ends.
- Every start has a new port and a new cluster id: clients read `bootstrap` again and build themselves anew.
- Topics come into being when first asked for, with 4 partitions. Admin calls, consumer groups of several members,
  transactions, TLS and passwords do not work: use `KafkaBroker` for these.

By hand: `python -m deploy.servers.embedded_broker --state FILE`; FILE is JSON `{"bootstrap", "cluster", "pid"}`,
written whole or not at all once the broker answers.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from confluent_kafka.admin import AdminClient

from deploy.servers.child import Child
from deploy.servers.server import Server

PARTITIONS = 4
_REPOSITORY = Path(__file__).resolve().parents[2]
_START_SECONDS = 20.0


@dataclass(frozen=True, kw_only=True)
class BrokerState:
    """Where a running embedded broker is to be found."""

    bootstrap: str
    cluster: str
    pid: int

    def write(self, path: Path) -> None:
        """Put this into `path` so that a reader sees all of it or the state before."""
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"{path.name}.{self.pid}")
        fresh.write_text(json.dumps(asdict(self)))
        fresh.replace(path)

    @classmethod
    def read(cls, path: Path) -> BrokerState | None:
        """What `path` says, or None when there is no such file."""
        try:
            return cls(**json.loads(path.read_text()))
        except FileNotFoundError:
            return None


class EmbeddedBroker(Server):
    """The embedded broker; `state` is the file with its address, `log` (else beside it) takes what it prints."""

    def __init__(self, *, state: Path | None = None, log: Path | None = None) -> None:
        if state is None:
            self._scratch = tempfile.TemporaryDirectory(prefix="spojka-broker-", ignore_cleanup_errors=True)
            state = Path(self._scratch.name) / "broker.json"
        self.state_file = state
        self._child = Child("The embedded broker", log=log or state.with_suffix(".log"))
        self._state: BrokerState | None = None

    @property
    def bootstrap(self) -> str:
        """`host:port` for clients; another one after each start. Raises NotRunningError."""
        return self._running().bootstrap

    @property
    def cluster(self) -> str:
        """The cluster id; another one after each start, since its data are others. Raises NotRunningError."""
        return self._running().cluster

    def start(self) -> None:
        """Start with no data and wait for the address (0.3 s)."""
        if self._child.running:
            return
        self.state_file.unlink(missing_ok=True)
        command = [sys.executable, "-m", "deploy.servers.embedded_broker", "--state", str(self.state_file.resolve())]
        self._child.start(command, folder=_REPOSITORY)
        self._state = self._child.wait_until(lambda: BrokerState.read(self.state_file), within=_START_SECONDS)

    def stop(self) -> None:
        """End; data are lost."""
        self._child.stop()

    def kill(self) -> None:
        """End at once; data are lost."""
        self._child.kill()

    def pause(self) -> None:
        """Hang with open connections."""
        self._child.pause()

    def resume(self) -> None:
        """Go on after `pause()`."""
        self._child.resume()

    def _running(self) -> BrokerState:
        if self._state is None or self._state.pid != self._child.pid:
            raise self._child.failure("has not been started")
        return self._state


def serve(state: Path) -> None:
    """Be the broker until SIGINT or SIGTERM."""
    endings = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, endings)  # before librdkafka's threads, which inherit it
    cluster = AdminClient({"test.mock.num.brokers": 1, "log_level": 4})
    metadata = cluster.list_topics(timeout=_START_SECONDS)
    addresses = ",".join(f"{broker.host}:{broker.port}" for broker in metadata.brokers.values())
    BrokerState(bootstrap=addresses, cluster=str(metadata.cluster_id), pid=os.getpid()).write(state)
    signal.sigwait(endings)
    state.unlink(missing_ok=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m deploy.servers.embedded_broker", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="file that tells others the address")
    serve(parser.parse_args().state)
