"""`spojka-adapter`: the command line.

Invariants: a command's module is imported only when it is called, so that each starts quickly and `import --dry-run` needs no configuration; an
error of ours shows its problem and advice, never a traceback, and ends with 1.
"""

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

import typer
from pydantic import ValidationError
from typer.core import TyperGroup

_COMMANDS: Final = {
    "run": "adapters.running:run",
    "api": "adapters.running:api",
    "token": "adapters.cli.tokens:app",
    "webhook": "adapters.cli.webhooks:app",
    "init": "adapters.cli.appliance:init",
    "doctor": "adapters.cli.appliance:doctor",
    "backup": "adapters.cli.appliance:backup",
    "restore": "adapters.cli.appliance:restore",
    "service": "adapters.cli.appliance:service",
    "lock": "adapters.cli.locking:lock",
    "views-key": "adapters.cli.locking:views_key",
    "enrol": "adapters.cli.setting_up:enrol",
    "init-unit": "adapters.cli.setting_up:enrol",
    "new-key": "adapters.cli.setting_up:new_key",
    "settings": "adapters.cli.setting_up:settings",
    "health": "adapters.cli.upkeep:health",
    "import": "adapters.connectors.import_command:import_folder",
    "export": "adapters.cli.exports:app",
    "consent": "adapters.cli.consents:app",
    "refer": "adapters.cli.referrals:refer",
    "answer": "adapters.cli.moves:app",
    "copy": "adapters.cli.copies:copy",
    "report": "adapters.cli.reports:app",
    "partner": "adapters.cli.partners:app",
    "answer-page": "adapters.cli.partners:answer_page",
    "worklist": "adapters.cli.referrals:worklist",
    "timeline": "adapters.cli.paths:timeline",
    "emergency": "adapters.cli.emergencies:app",
    "client": "adapters.cli.clients:app",
    "outbox": "adapters.cli.upkeep:outbox",
    "send-again": "adapters.cli.sending_again:send_again_since",
    "map": "adapters.cli.mappings:app",
    "quarantine": "adapters.cli.quarantine:app",
    "sheet": "adapters.cli.sheets:app",
    "obligations": "adapters.cli.obligations:app",
    "erasure": "adapters.cli.erasures:app",
    "alarm": "adapters.cli.alarms:app",
    "proof": "adapters.cli.proofs:app",
}
"""Where each command lives."""


class _Lazy(TyperGroup):
    """Finds a command when it is asked for. Untyped where Typer's types have no public name that lasts over its versions."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401 - see above
        """All names, in the order in which help shows them."""
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401 - see above
        """Import a command's module."""
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        module, name = _COMMANDS[cmd_name].split(":")
        found = getattr(import_module(module), name)
        app = found if isinstance(found, typer.Typer) else _single(found)
        command = typer.main.get_command(app)
        command.name = cmd_name
        return command


def _single(function: Callable[..., None]) -> typer.Typer:
    app = typer.Typer(add_completion=False)
    app.command()(function)
    return app


app = typer.Typer(cls=_Lazy, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def spojka_adapter() -> None:
    """Connect a unit with a support-path hub: record, refer, answer, look."""


def main() -> None:
    """The entry point of `spojka-adapter`."""
    try:
        app()
    except Exception as error:
        told = _told(error)
        if told is None:
            raise
        sys.stderr.write(told + "\n")
        sys.exit(1)


def _told(error: Exception) -> str | None:
    """Problem and advice of our own errors, the faults of what was typed (without the input); None for what is a bug."""
    problem, advice = getattr(error, "problem", None), getattr(error, "advice", None)
    if problem is not None and advice is not None:
        return f"{problem}\n{advice}"
    if isinstance(error, ValidationError):
        faults = error.errors(include_url=False, include_input=False, include_context=False)
        return "\n".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in faults)
    return None
