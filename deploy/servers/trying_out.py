"""A broker and a PostgreSQL to try things out by hand: `python -m deploy.servers.trying_out FOLDER`.

Both live until Ctrl-C or SIGTERM; FOLDER/env then tells a shell where they are, and goes when they end. The broker is the embedded one: it
forgets everything, the database does not.
"""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

import psycopg

from deploy.servers.embedded_broker import EmbeddedBroker
from deploy.servers.errors import ServerError
from deploy.servers.postgres import PostgresServer

DATABASE = "spojka"


@contextmanager
def servers(folder: Path) -> Iterator[Mapping[str, str]]:
    """Both, started; gives the hub's settings that name them. Raises `ServerError`."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        PostgresServer(folder / "postgres") as postgres,
        EmbeddedBroker(state=folder / "broker.json", log=folder / "broker.log") as broker,
    ):
        with suppress(psycopg.errors.DuplicateDatabase):  # of the time before
            postgres.create_database(DATABASE)
        yield {"SPOJKA_HUB_DATABASE": postgres.dsn(DATABASE), "SPOJKA_HUB_BOOTSTRAP": broker.bootstrap}


def main(arguments: list[str] | None = None) -> int:
    """Run until told to stop; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m deploy.servers.trying_out", description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="where the database and the logs lie")
    folder: Path = parser.parse_args(arguments).folder.absolute()
    stop = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        del number, frame
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    settings = folder / "env"
    try:
        with servers(folder) as where:
            lines = [f"export {name}={shlex.quote(value)}" for name, value in where.items()]
            settings.write_text("\n".join(lines) + "\n")
            print(f"Broker and database run. Let a shell know where: . {settings}\nCtrl-C ends both.", flush=True)
            stop.wait()
    except ServerError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        settings.unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
