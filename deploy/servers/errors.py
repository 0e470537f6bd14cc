"""What can go wrong with a server; every error names the server and says what to do next."""

from __future__ import annotations

from pathlib import Path


class ServerError(Exception):
    """The root of all errors of `deploy.servers`."""


class MissingComponentError(ServerError):
    """This machine lacks a program that a server needs; `advice` says how to get it."""

    def __init__(self, component: str, *, advice: str) -> None:
        super().__init__(f"{component} is missing. {advice}")
        self.component = component
        self.advice = advice


class ServerStartError(ServerError):
    """A server ended, or was not ready in time; `tail` is the end of its log."""

    def __init__(self, name: str, *, problem: str, log: Path, tail: str) -> None:
        super().__init__(f"{name} {problem}. The end of {log}:\n{tail or '(empty)'}")
        self.name = name
        self.log = log
        self.tail = tail


class NotRunningError(ServerError):
    """A server was asked for something that only a running one can do."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is not running: call start() first, or restart() after kill()")
        self.name = name


class DamagedDownloadError(ServerError):
    """Files differ from their pinned checksums."""

    def __init__(self, folder: Path, *, names: list[str]) -> None:
        super().__init__(
            f"{len(names)} files in {folder} are missing or differ from their checksums: {', '.join(names[:5])}. "
            "Delete that folder and run again; if it comes back, do not use what was downloaded."
        )
        self.folder = folder
        self.names = names
