"""`spojka-audit`: what an auditor types.

Everything but `export`, `policy`, `serve` and `token`, which are the operator's, needs nothing but the export and the policy file: no database, no
network, no settings; `watch` reads a ledger's files. `hub.audit.cli.screen` has the exit codes.
"""

import sys

import typer

from contracts.errors import ContractsError
from hub.application.ports import HubError
from hub.audit.cli import auditors
from hub.audit.cli.exporting import export, policy
from hub.audit.cli.looking import accesses_of, diff, replay
from hub.audit.cli.screen import CODES, VIOLATED, WRONG_USAGE
from hub.audit.cli.verifying import verify
from hub.audit.cli.watching import watch
from hub.audit.moments import MomentError

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback(epilog=CODES)
def spojka_audit() -> None:
    """Check what a hub decided, without trusting whoever runs it."""


app.command("export", epilog=CODES)(export)
app.command("policy", epilog=CODES)(policy)
app.command("verify", epilog=CODES)(verify)
app.command("replay", epilog=CODES)(replay)
app.command("accesses", epilog=CODES)(accesses_of)
app.command("diff", epilog=CODES)(diff)
app.command("watch", epilog=CODES)(watch)
app.command("serve", epilog=CODES)(auditors.serve)
app.add_typer(auditors.app, name="token")


def main() -> None:
    """The entry point of `spojka-audit`."""
    try:
        app()
    except MomentError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(WRONG_USAGE)
    except (HubError, ContractsError) as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(VIOLATED)
