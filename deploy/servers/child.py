"""A server's process, with all that it forks.

- It dies with this process: on Linux by the kernel's hand even after SIGKILL (see leash), elsewhere at a normal exit.
- Signals reach the whole tree: PostgreSQL's backends leave their parent's process group, so a group would not do.
- After `kill()` and `stop()` no process of the tree is left.
- Output goes to one log file; errors quote its end.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import subprocess
import sys
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import TypeVar

import psutil

from deploy.servers import leash
from deploy.servers.errors import NotRunningError, ServerStartError
from deploy.servers.spawner import spawn

Ready = TypeVar("Ready")
_POLL_SECONDS = 0.02
_TAIL_LINES = 20


@dataclass(frozen=True, kw_only=True)
class Owner:
    """The user that a process runs as when this one is root."""

    name: str
    uid: int
    gid: int


class Child:
    """One process and its offspring, started and ended together."""

    def __init__(self, name: str, *, log: Path) -> None:
        self.name = name
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None
        _children.add(self)

    @property
    def running(self) -> bool:
        """Whether the process has been started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process id; raises NotRunningError."""
        if self._process is None or not self.running:
            raise NotRunningError(self.name)
        return self._process.pid

    def start(
        self,
        command: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str] | None = None,
        owner: Owner | None = None,
        inherit: Sequence[int] = (),
    ) -> None:
        """Start `command` in `folder` on a leash, as `owner`, with the open files `inherit`; raises OSError."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        uid, gid = (owner.uid, owner.gid) if owner else (-1, -1)
        leashed = [sys.executable, "-I", "-S", leash.__file__, str(os.getpid()), str(uid), str(gid), "--", *command]
        with self.log.open("ab") as log:
            self._process = spawn(
                lambda: subprocess.Popen(
                    leashed,
                    cwd=folder,
                    env={**os.environ, **(environment or {})},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    pass_fds=inherit,
                )
            )

    def wait_until(self, ready: Callable[[], Ready | None], *, within: float) -> Ready:
        """The first answer of `ready` that is not None, asked again every 20 ms for `within` seconds.

        Raises ServerStartError as soon as the process has ended, or when the time is up.
        """
        deadline = monotonic() + within
        while (answer := ready()) is None:
            if self._ended_within(_POLL_SECONDS):
                raise self.failure("ended while starting")
            if monotonic() > deadline:
                raise self.failure(f"was not ready within {within:.0f} s")
        return answer

    def wait_for_end(self, *, within: float) -> int:
        """The exit status, once the process has ended by itself; raises ServerStartError when the time is up."""
        if self._process is None:
            raise NotRunningError(self.name)
        if not self._ended_within(within):
            raise self.failure(f"had not ended after {within:.0f} s")
        return self._process.returncode

    def kill(self) -> None:
        """End the whole tree with SIGKILL, as a power cut would; nothing to do when it has ended."""
        if self._process is not None and self.running:
            self._process.send_signal(signal.SIGSTOP)  # so that it forks no more while its offspring is listed
            tree = self._tree()
            for process in reversed(tree):
                _ask(process.kill)
            self._process.wait()
            _wait_for_end(tree)

    def stop(self, *, by: signal.Signals = signal.SIGTERM, within: float = 20) -> None:
        """Ask the process to end, wait, and kill what is left after `within` seconds."""
        try:
            self.resume()
            tree = self._tree()
        except NotRunningError:  # or it ended this very moment, having been asked to before
            return
        self._signal(by)
        if not self._ended_within(within):
            self.kill()
        for process in tree:
            _ask(process.kill)
        _wait_for_end(tree)

    def ask_to_end(self) -> None:
        """SIGTERM, without waiting; nothing to do when it has ended."""
        with contextlib.suppress(NotRunningError):
            self.resume()
            self._signal(signal.SIGTERM)

    def pause(self) -> None:
        """Hang: the process keeps its connections and locks and answers nothing (SIGSTOP); every thread of it stands when this returns."""
        tree = self._tree()
        for process in tree:
            _ask(process.suspend)
        while not all(_stands(process) for process in tree):
            sleep(_POLL_SECONDS / 10)

    def resume(self) -> None:
        """Go on after `pause()` (SIGCONT)."""
        for process in reversed(self._tree()):
            _ask(process.resume)

    def failure(self, problem: str) -> ServerStartError:
        """The error that says `problem` and quotes the end of the log."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return ServerStartError(self.name, problem=problem, log=self.log, tail="\n".join(lines[-_TAIL_LINES:]))

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def _ended_within(self, seconds: float) -> bool:
        if self._process is None:
            return True
        try:
            self._process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _tree(self) -> list[psutil.Process]:
        try:
            root = psutil.Process(self.pid)
            return [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess as error:
            raise NotRunningError(self.name) from error


_children: weakref.WeakSet[Child] = weakref.WeakSet()


def _ask(action: Callable[[], None]) -> None:
    try:
        action()
    except psutil.NoSuchProcess:
        return


def _stands(process: psutil.Process) -> bool:
    """Whether the signal has reached all threads: on a busy machine some go on, and answer, after `kill` returned."""
    states = [_thread_state(stat) for stat in Path(f"/proc/{process.pid}/task").glob("*/stat")]
    if states:
        return all(state in {"T", "t", "Z", "X", ""} for state in states)
    return _ended(process) or process.status() == psutil.STATUS_STOPPED  # no such folder: not Linux


def _thread_state(stat: Path) -> str:
    """The letter behind the name in parentheses (proc_pid_stat(5)), or nothing where the thread has ended."""
    try:
        return stat.read_text().rpartition(") ")[2][:1]
    except OSError:
        return ""


def _ended(process: psutil.Process) -> bool:
    # An orphan that init has not yet collected holds nothing any more.
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _wait_for_end(tree: list[psutil.Process]) -> None:
    while not all(_ended(process) for process in tree):
        sleep(_POLL_SECONDS / 10)


@atexit.register
def _kill_all() -> None:
    for child in list(_children):
        child.kill()
