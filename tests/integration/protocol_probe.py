"""Kafka's own client code as a probe: any request of the protocol, sent as one user. See `denial-probe/Probe.java`."""

import json
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from deploy.servers import debian
from deploy.servers.java import java
from deploy.servers.kafka_jars import kafka_jars
from projections.kafka.sign_in import SignIn
from tests.integration.protocol_attempts import Attempt

_SOURCE = Path(__file__).resolve().parent / "denial-probe" / "Probe.java"
_TOO_LONG = 120


@dataclass(frozen=True)
class Answer:
    """What the broker said to one request."""

    errors: frozenset[str]
    document: Any

    @property
    def denied(self) -> bool:
        """For want of a permission, and for nothing else."""
        found = self.errors - {"NONE"}
        return bool(found) and all(one.endswith("_AUTHORIZATION_FAILED") for one in found)


@dataclass(frozen=True)
class Probe:
    """The compiled class, ready to run."""

    classes: Path

    @classmethod
    def build(cls, folder: Path) -> Self:
        """Compile."""
        modules = subprocess.run([java(), "--list-modules"], capture_output=True, text=True, check=True).stdout
        if "jdk.compiler" not in modules:
            debian.install("A Java compiler", package="default-jdk-headless")
        jars = [jar for name in ("kafka-clients", "jackson") for jar in kafka_jars().glob(f"{name}-*.jar")]
        compiler = [str(java()), "-m", "jdk.compiler/com.sun.tools.javac.Main", "-Xlint:all", "-Werror"]
        done = subprocess.run(
            [*compiler, "-d", str(folder), "-cp", ":".join(map(str, jars)), str(_SOURCE)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return cls(folder)

    def ask(
        self, bootstrap: str, sign_in: SignIn, trusted: Path, attempts: Iterable[Attempt]
    ) -> tuple[frozenset[str], list[Answer]]:
        """The broker's APIs, and its answers in order."""
        settings = self.classes / f"{sign_in.user}.properties"
        login = "org.apache.kafka.common.security.scram.ScramLoginModule required"
        settings.write_text(
            "security.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-512\nssl.truststore.type=PEM\n"
            f"ssl.truststore.location={trusted}\n"
            f'sasl.jaas.config={login} username="{sign_in.user}" password="{sign_in.password}";\n'
        )
        quick = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx128m"]
        command = [str(java()), *quick, "-cp", f"{self.classes}:{kafka_jars()}/*", "Probe", str(settings)]
        done = subprocess.run(
            [*command, *bootstrap.split(":")],
            input="\n".join(json.dumps(one.document()) for one in attempts),
            capture_output=True,
            text=True,
            timeout=_TOO_LONG,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        apis, *answers = map(json.loads, done.stdout.splitlines())
        return frozenset(apis), [Answer(frozenset(one["errors"]), one.get("answer")) for one in answers]
