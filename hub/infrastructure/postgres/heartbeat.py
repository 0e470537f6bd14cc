"""Beats beside the work, so that a long decision does not look like a dead process.

Invariants: a beat is tried every `every` seconds until the holder is fenced; an unreachable database is tried again, since the lock may
still be there.
"""

from collections.abc import Callable
from threading import Event, Thread
from types import TracebackType
from typing import Self

from hub.application.ports import FencedError, HubError


class Heartbeat:
    """Calls `beat` on a thread of its own while the context is open; `error` is what the last beat met, or None."""

    def __init__(self, beat: Callable[[], None], *, every: float) -> None:
        self._beat = beat
        self._every = every
        self._stop = Event()
        self._thread = Thread(target=self._run, name="heartbeat", daemon=True)
        self.error: HubError | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._every):
            try:
                self._beat()
                self.error = None
            except HubError as error:
                self.error = error
                if isinstance(error, FencedError):
                    return
