"""Every command of a program, from its command tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    Command = Any
    """Click's, whose types have no public name in Typer."""


def leaves(app: typer.Typer) -> dict[str, Command]:
    """All that can be typed, by its words: `report give`."""
    return {" ".join(path): command for path, command in _below(typer.main.get_command(app), ())}


def prints_for_machines(command: Command) -> bool:
    """Whether it has `--json`: what has it shows something that was kept."""
    return any("--json" in parameter.opts for parameter in command.params)


def names_in(text: str) -> frozenset[str]:
    """Commands as they are listed: with commas between, over several lines."""
    return frozenset(" ".join(one.split()) for one in text.split(","))


def _below(command: Command, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Command]]:
    if not hasattr(command, "list_commands"):
        yield path, command
        return
    context = command.make_context(path[-1] if path else "", [], resilient_parsing=True)
    for name in command.list_commands(context):
        _, below, _ = command.resolve_command(context, [name])
        yield from _below(below, (*path, name))
