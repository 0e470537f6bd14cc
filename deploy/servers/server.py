"""What every server here can do, so that one test can treat all alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Server(ABC):
    """A server that answers when `start()` returns and is gone when `stop()` or `kill()` returns.

    As a context manager it is started on entry and stopped on exit.
    """

    @abstractmethod
    def start(self) -> None:
        """Start and wait until it answers, unless it is running; raises MissingComponentError or ServerStartError."""

    @abstractmethod
    def stop(self) -> None:
        """End in an orderly way; nothing to do when it has ended."""

    @abstractmethod
    def kill(self) -> None:
        """End at once, as a power cut would (SIGKILL)."""

    @abstractmethod
    def pause(self) -> None:
        """Hang: keep connections and locks, answer nothing (SIGSTOP)."""

    @abstractmethod
    def resume(self) -> None:
        """Go on after `pause()`."""

    def restart(self) -> None:
        """Stop, if it is running, and start again."""
        self.stop()
        self.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
