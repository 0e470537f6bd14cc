"""After the play everything stays up: what to try next, until somebody ends it."""

import shlex
import signal
import sys
from pathlib import Path
from typing import Final

from contracts.names import SubjectId
from deploy.story.auditors_page import auditors_page
from deploy.story.places import INSTITUTION_OF, MD, OP, UP
from deploy.story.premises import Premises
from deploy.story.screens import Progress

_BIN: Final = Path(sys.executable).parent


def stay(premises: Premises, progress: Progress, *, karel: SubjectId) -> None:
    """Start the auditor's page, say what to try, and wait for Ctrl-C or SIGTERM."""
    with auditors_page(premises) as (address, token):
        progress.say(hints(premises, page=f"{address}clients/{karel}", token=token))
        signal.pause()


def hints(premises: Premises, *, page: str, token: str) -> str:
    """Commands that work as they stand, in another terminal."""
    adapter, hub = (shlex.quote(str(_BIN / name)) for name in ("spojka-adapter", "spojka-hub"))
    homes = {unit: shlex.quote(str(premises.home(INSTITUTION_OF[unit]))) for unit in (OP, UP, MD)}
    settings = " ".join(f"{name}={shlex.quote(value)}" for name, value in premises.hub_environment.items())
    return "\n".join(
        [
            "",
            "Everything is still running. Try, in another terminal:",
            f"  {adapter} timeline 2026-017 --actor counsellor/me --home {homes[OP]}",
            f"  {adapter} worklist --actor counsellor/me --home {homes[UP]}",
            f"  {adapter} health --unit md --home {homes[MD]}",
            f"  {adapter} client enrol 2027-001 --given-name Jana --home {homes[OP]}",
            f"  {adapter} outbox --home {homes[OP]}",
            f"  {settings} {hub} trust-list show",
            f"  {settings} {hub} dead-letters list",
            "For an auditor, in a browser:",
            f"  {page}",
            f"  token: {token}",
            f"Logs: {premises.logs}; the story's clock: {premises.clock.path}",
            "Ctrl-C stops everything.",
        ]
    )
