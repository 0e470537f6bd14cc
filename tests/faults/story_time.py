"""A story's clock that runs: a minute a second, so that what happens every minute is seen in a test."""

from datetime import datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from time import monotonic
from typing import Self

_TICK_SECONDS = 0.25


class RunningStory:
    """Writes the story's time into a file while the context is open; readers see one instant or the next, never half."""

    def __init__(self, path: Path, *, since: datetime, speed: float = 60.0) -> None:
        self._path = path
        self._since = since
        self._speed = speed
        self._stop = Event()
        self._began = monotonic()
        self._thread = Thread(target=self._run, name="story", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def now(self) -> datetime:
        """The story's instant."""
        return self._since + timedelta(seconds=(monotonic() - self._began) * self._speed)

    def _run(self) -> None:
        fresh = self._path.with_name(f"{self._path.name}.next")
        while not self._stop.is_set():
            fresh.write_text(self.now().isoformat(), encoding="ascii")
            fresh.replace(self._path)
            self._stop.wait(_TICK_SECONDS)
