"""`watch`: following a running ledger."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Annotated

import typer

from hub.audit.cli.screen import UNREACHABLE, VIOLATED, AsJson, PolicyFile, out, read_policy
from hub.audit.watching import UnreachableError, Watch, WatchAlarmError, fetch_from


def watch(  # noqa: PLR0913 - what an auditor may name
    ledger: Annotated[str, typer.Argument(help="Folder or web address of one shard's ledger.")],
    *,
    policy: PolicyFile,
    kept: Annotated[
        Path, typer.Option("--keep", help="File for the checkpoint seen last: keep it for ever.", dir_okay=False)
    ],
    every: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks.")] = 60.0,
    once: Annotated[
        bool, typer.Option("--once", help="Look once; exit code 3 where the ledger cannot be read.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Follow a ledger's checkpoints, and end with exit code 1 at once when one does not extend what was seen before."""
    following, size, waiting = Watch(fetch_from(ledger), read_policy(policy), kept), -1, Event()
    while True:
        try:
            found = following.look()
            if found.size != size:
                size = found.size
                _tell({"at": _now(), "origin": found.origin, "size": found.size}, as_json=as_json)
        except WatchAlarmError as alarm:
            _tell({"at": _now(), "alarm": alarm.kind.value, "problem": str(alarm)}, as_json=as_json)
            raise typer.Exit(VIOLATED) from alarm
        except UnreachableError as error:
            _tell({"at": _now(), "unreachable": str(error)}, as_json=as_json)
            if once:
                raise typer.Exit(UNREACHABLE) from error
        if once or waiting.wait(every):
            return


def _tell(what: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(what, ensure_ascii=False) + "\n")
        sys.stdout.flush()
        return
    out.print(
        "  ".join(str(value) for name, value in what.items() if name != "alarm"),
        markup=False,
        soft_wrap=True,
        style="red" if "alarm" in what else None,
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
