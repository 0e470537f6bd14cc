"""One thread that forks every server.

The kernel ends a leashed process when the *thread* that forked it ends (prctl(2)), so servers that a short-lived worker
thread asks for are forked here, by a thread that lives exactly as long as this process.
"""

from __future__ import annotations

import queue
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import cache

Fork = Callable[[], "subprocess.Popen[bytes]"]
_Job = tuple[Fork, "Future[subprocess.Popen[bytes]]"]


def _serve(jobs: queue.SimpleQueue[_Job]) -> None:
    while True:
        fork, result = jobs.get()
        try:
            result.set_result(fork())
        except OSError as error:
            result.set_exception(error)


@cache
def _jobs() -> queue.SimpleQueue[_Job]:
    jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
    threading.Thread(target=_serve, args=(jobs,), name="spawner", daemon=True).start()
    return jobs


def spawn(fork: Fork) -> subprocess.Popen[bytes]:
    """Run `fork` in the thread that lives as long as this process; raises the OSError that it raises."""
    result: Future[subprocess.Popen[bytes]] = Future()
    _jobs().put((fork, result))
    return result.result()
