"""What can go wrong while the story is played."""

from pathlib import Path


class StoryError(Exception):
    """The root of this package's errors; the text says what to do."""


class CommandError(StoryError):
    """A command of the hub or an adapter failed."""

    def __init__(self, command: str, *, output: str) -> None:
        super().__init__(f"`{command}` failed:\n{output.strip()}")
        self.command = command


class RestlessError(StoryError):
    """The processes did not come to rest; `reason` is what was still under way."""

    def __init__(self, reason: str, *, seconds: float, logs: Path) -> None:
        super().__init__(f"Not at rest after {seconds:.0f} s: {reason}. The processes' own words are in {logs}.")
        self.reason = reason
