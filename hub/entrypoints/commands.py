"""`spojka-hub`: what the operator of a programme types.

Exit codes: 0 done; 1 something is wrong, said on standard error with what to do; 2 wrong usage. A command's module is loaded only when it is called,
so that help comes at once.
"""

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

_COMMANDS: Final = {
    "init": ("programme:init", "Make the keys of a new programme and its first trust list."),
    "migrate": ("programme:migrate", "Create or upgrade the tables of every shard."),
    "run": ("running:run", "Run the hub for one shard until it is told to stop."),
    "settings": ("programme:settings", "Every setting of the processes with its default."),
    "settings-change": ("settings_change:settings_change", "Change what decides something, on every shard."),
    "trust-list": ("trust_list:app", "Institutions, units, keys, roles, mandates."),
    "transport": ("transport:app", "Certificates; users and permissions at the brokers and the database."),
    "rotate-kek": (
        "log_kek:rotate_kek",
        "Wrap every key of the log under a new key-encryption key, while the hub runs.",
    ),
    "restore": ("restore:app", "After a restore from a backup: before anything is given again."),
    "dead-letters": ("dead_letters:app", "Records that spoke for nobody."),
    "parked": ("parked:app", "Messages that met an unexpected fault of the hub."),
    "ledger": ("ledger_alarms:app", "Units that signed for another history than the ledger's."),
    "access": ("evidence:access", "Who looked at a client's data, and who was given what."),
    "obligations": ("evidence:list_obligations", "Which unit must erase what, and what is overdue."),
    "projections": ("read_models:app", "How fresh the hub's read models are; building one anew."),
    "metrics": ("telemetry:list_metrics", "Every metric with what it means."),
}
"""Where each command lives in `hub.entrypoints.cli`, and what help says of it."""


class _Lazy(TyperGroup):
    """Lists commands without loading them. Untyped where Typer's types have no public name that lasts over its versions."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401 - see above
        """All names, in the order in which help shows them."""
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401 - see above
        """A command as help shows it."""
        del ctx
        found = _COMMANDS.get(cmd_name)
        return None if found is None else TyperCommand(cmd_name, help=found[1])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - see above
        """The command that is called, loaded."""
        name, _, rest = super().resolve_command(ctx, args)
        return (name, _loaded(str(name)), rest) if name in _COMMANDS else (name, _, rest)


def _loaded(name: str) -> Any:  # noqa: ANN401 - as above
    module, member = _COMMANDS[name][0].split(":")
    found = getattr(import_module(f"hub.entrypoints.cli.{module}"), member)
    command = typer.main.get_command(found if isinstance(found, typer.Typer) else _single(found))
    command.name = name
    return command


def _single(function: Callable[..., None]) -> typer.Typer:
    single = typer.Typer(add_completion=False)
    single.command()(function)
    return single


app = typer.Typer(cls=_Lazy, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def spojka_hub() -> None:
    """The hub of a Spojka programme."""


def main() -> None:
    """The entry point of `spojka-hub`: errors of ours end with their advice, not with a traceback."""
    try:
        app()
    except Exception as error:
        if getattr(error, "advice", None) is None:
            raise
        sys.stderr.write(f"{error}\n")
        sys.exit(1)
