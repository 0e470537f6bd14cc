"""Runs one command that cannot outlive the process which asked for it: `leash.py PARENT UID GID -- COMMAND …`.

A small program rather than a function between fork and exec, because Python code there can deadlock in a process with
threads. The process id stays the same from this program to the command. UID -1 keeps the user; another one is taken on
before the leash, because the kernel takes the leash off at every change of user (prctl(2), PR_SET_PDEATHSIG).
On systems other than Linux the leash is left to the parent's clean-up at exit.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def become(uid: int, gid: int) -> None:
    """Give up root for good: groups first, since only root may."""
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)


def die_with(parent: int) -> None:
    """Have the kernel end this process when its parent ends; ends at once if that has happened already."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            sys.exit("the process that asked for this command has ended")


def main(arguments: list[str]) -> None:
    """Become the user, put on the leash, turn into the command."""
    parent, uid, gid, _, *command = arguments
    become(int(uid), int(gid))
    die_with(int(parent))
    os.execvp(command[0], command)  # noqa: S606 (turning into the command is the point)


if __name__ == "__main__":
    main(sys.argv[1:])
