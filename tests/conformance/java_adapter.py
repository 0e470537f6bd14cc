"""The small adapter in Java, built and started by tests. It is a folder of sources; Kafka's own client library is all that it needs."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.servers import debian
from deploy.servers.java import java
from deploy.servers.kafka_jars import kafka_jars

SOURCES = Path(__file__).resolve().parent / "java-adapter"
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class JavaAdapter:
    """The compiled classes, ready to run."""

    classes: Path

    @classmethod
    def build(cls, folder: Path) -> "JavaAdapter":
        """Compile, with the module that is in most Javas even where `javac` is not; raises MissingComponentError where there is none."""
        modules = subprocess.run([java(), "--list-modules"], capture_output=True, text=True, check=True).stdout
        if "jdk.compiler" not in modules:
            debian.install("A Java compiler", package="default-jdk-headless")
        files = [str(one) for one in sorted(SOURCES.glob("*.java"))]
        (client,) = kafka_jars().glob("kafka-clients-*.jar")
        compiler = [str(java()), "-m", "jdk.compiler/com.sun.tools.javac.Main", "-Xlint:all", "-Werror"]
        done = subprocess.run(
            [*compiler, "-d", str(folder), "-cp", str(client), *files], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return cls(folder)

    def command(self, *arguments: str) -> list[str]:
        """How it is started."""
        quiet = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Xmx128m"]
        return [str(java()), *quiet, "-cp", f"{self.classes}:{kafka_jars()}/*", "Adapter", *arguments]

    def enrol(self, home: Path, *, programme: str, unit: str) -> str:
        """Make the unit; returns its request for admission."""
        named = (
            "--home",
            str(home),
            "--programme",
            programme,
            "--unit",
            unit,
            "--institution",
            "vendor",
            "--name",
            "Vendor",
        )
        return subprocess.run(self.command("enrol", *named), capture_output=True, text=True, check=True).stdout

    @contextmanager
    def running(self, home: Path, bootstrap: str, *, defect: str | None = None) -> Iterator[None]:
        """Run it."""
        planted = () if defect is None else ("--defect", defect)
        with (home / "log").open("wb") as log:
            process = subprocess.Popen(
                self.command("run", "--home", str(home), "--bootstrap", bootstrap, *planted),
                stdout=log,
                stderr=log,
                env=os.environ.copy(),
            )
            try:
                yield
                assert process.poll() is None, (home / "log").read_text()[-3000:]
            finally:
                process.terminate()
                process.wait(20)


def act(home: Path) -> str:
    """The shell command by which the kit leaves a wish: the file is whole or not there."""
    return f"{sys.executable} -m tests.conformance.leave_wish {home}"
