"""What an auditor would do with the run: take an export of the log as the ledger vouches for it, and verify it with nothing else.

Invariant: the export ends where the log ends, so that everything that the story did is in it.
"""

from pathlib import Path
from time import monotonic, sleep
from typing import Final

import psycopg
from typer.testing import CliRunner

from contracts.ledger import checkpoint, policy, signed_note
from deploy.story.errors import CommandError, StoryError
from deploy.story.premises import Premises
from hub.audit import commands
from hub.audit.bundle import Bundle
from hub.audit.verification import Report, verify

BUNDLE: Final = "audit-bundle"
POLICY: Final = "audit-policy.txt"
_PATIENCE: Final = 60.0
_LOOK: Final = 0.05


def audit(premises: Premises) -> Report:
    """Leave export and policy under `exports/`, and verify the one by the other. Raises `StoryError`, `CommandError`."""
    _wait_for_ledger(premises)
    bundle, trusted = premises.exports / BUNDLE, premises.exports / POLICY
    trusted.write_text(_command(premises, "policy"), encoding="utf-8")
    _command(premises, "export", str(bundle))
    return verify(Bundle.open(bundle), policy.parse(trusted.read_text(encoding="utf-8")))


def _wait_for_ledger(premises: Premises) -> None:
    """Until the last checkpoint vouches for all that is in the log: a moment, since the ledger follows at once."""
    latest = premises.folder / "hub" / "ledger" / "0" / "checkpoint"
    deadline = monotonic() + _PATIENCE
    while _vouched(latest) < _logged(premises.dsn):
        premises.check_alive()
        if monotonic() > deadline:
            raise StoryError("The ledger does not follow the log: see logs/hub.log.")
        sleep(_LOOK)


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
