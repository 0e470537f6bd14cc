"""What an auditor would do with the run: take an export of the log as the ledger vouches for it, and verify it with nothing else.

Invariant: the export ends where the log ends, so that everything that the story did is in it.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from time import monotonic, sleep
from typing import Final

import psycopg
from typer.testing import CliRunner

from adapters.process.unit_house import UnitHouse
from contracts.ledger import checkpoint, policy, signed_note
from deploy.story.errors import CommandError, StoryError
from deploy.story.premises import Premises
from hub.application.announcing import WITNESSED
from hub.audit import commands
from hub.audit.bundle import Bundle
from hub.audit.verification import Report, verify

BUNDLE: Final = "audit-bundle"
POLICY: Final = "audit-policy.txt"
_PATIENCE: Final = 60.0
_LOOK: Final = 0.05
"""Seconds between two looks at what other processes write: none of them tells."""


def audit(premises: Premises, houses: Iterable[UnitHouse]) -> Report:
    """Leave export and policy under `exports/`, and verify the one by the other. Raises `StoryError`, `CommandError`."""
    _wait_for_ledger(premises)
    _wait_for_proofs(premises, list(houses))
    bundle, trusted = premises.exports / BUNDLE, premises.exports / POLICY
    trusted.write_text(_command(premises, "policy"), encoding="utf-8")
    _command(premises, "export", str(bundle))
    return verify(Bundle.open(bundle), policy.parse(trusted.read_text(encoding="utf-8")))


def _wait_for_ledger(premises: Premises) -> None:
    """Until the units have witnessed a checkpoint that vouches for all that is in the log: a moment, since ledger and units follow at once."""
    latest = premises.folder / "hub" / "ledger" / "0" / WITNESSED
    deadline = monotonic() + _PATIENCE
    while _vouched(latest) < _logged(premises.dsn):
        premises.check_alive()
        if monotonic() > deadline:
            raise StoryError("The ledger does not follow the log, or its witnesses do not follow it: see logs/hub.log.")
        sleep(_LOOK)


def _wait_for_proofs(premises: Premises, houses: Sequence[UnitHouse]) -> None:
    """Until every unit has proven what it sent."""
    deadline = monotonic() + _PATIENCE
    while any(_unproven(house) for house in houses):
        premises.check_alive()
        if monotonic() > deadline:
            raise StoryError("A unit cannot prove what it sent: see the logs of the adapters.")
        sleep(_LOOK)


def _unproven(house: UnitHouse) -> int:
    with house.store.read() as tx:
        return tx.proofs.counts()[1]


def _vouched(latest: Path) -> int:
    if not latest.exists():
        return 0
    return checkpoint.parse(signed_note.parse(latest.read_text(encoding="utf-8")).text).size


def _logged(dsn: str) -> int:
    with psycopg.connect(dsn, options="-c search_path=shard_0") as connection:
        row = connection.execute("SELECT position FROM head").fetchone()
    return 0 if row is None else int(row[0])


def _command(premises: Premises, *arguments: str) -> str:
    done = CliRunner().invoke(commands.app, list(arguments), env=dict(premises.hub_environment))
    if done.exit_code != 0:
        raise CommandError(f"spojka-audit {' '.join(arguments)}", output=f"{done.output}\n{done.exception}")
    return done.stdout
