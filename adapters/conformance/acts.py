"""What the kit asks the adapter under test to do, since only its own users can make it speak.

Invariant: an act is one JSON object on the standard input of the vendor's command, or words to a person who does it by hand; only what is asked to be
shown is answered, by one JSON object on its standard output.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any, Final

from adapters.conformance.errors import ConformanceError

_SECONDS: Final = 120.0


class Acts:
    """Has things done: by `command` (a shell command), or by the person who reads what is `told`."""

    def __init__(self, command: str | None, told: Callable[[str], None]) -> None:
        self._command = command
        self._told = told

    @property
    def by_hand(self) -> bool:
        """Whether a person must be waited for."""
        return self._command is None

    async def do(self, action: str, **details: object) -> None:
        """Have one thing done. Raises `ConformanceError` where the command fails."""
        wish = json.dumps({"action": action} | details)
        if self._command is None:
            self._told(f"Please do this in the adapter now: {wish}")
            return
        await shell(self._command, wish)

    async def ask(self, action: str, **details: object) -> dict[str, Any]:
        """Have something looked at: one JSON object on the command's standard output. Raises `ConformanceError`."""
        if self._command is None:
            raise ConformanceError(f"nobody can tell what {action} shows", advice="Name a command by --act.")
        answer = await shell(self._command, json.dumps({"action": action} | details))
        try:
            return dict(json.loads(answer))
        except (ValueError, TypeError) as error:
            raise ConformanceError(
                f"{self._command} did not answer {action} by one JSON object", advice="Print it, and nothing else."
            ) from error


async def shell(command: str, wish: str = "") -> bytes:
    """Run a shell command with this on its standard input, to its end; returns what it printed. Raises `ConformanceError` where it fails."""
    process = await asyncio.create_subprocess_shell(
        command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        shown, said = await asyncio.wait_for(process.communicate(wish.encode() + b"\n"), timeout=_SECONDS)
    except TimeoutError:
        process.kill()
        raise ConformanceError(f"{command} did not end", advice="Let it return once it is done.") from None
    if process.returncode != 0:
        told = said.decode(errors="replace")[-500:]
        raise ConformanceError(f"{command} failed on {wish}: {told}", advice="Try it by hand with the same input.")
    return shown
