"""Ports for servers that cannot choose one by themselves.

Below the range from which the kernel gives ports to outgoing connections: otherwise a client that reconnects to a
killed server's port may be given that very port as its own and keep the server from coming back.
"""

from __future__ import annotations

import random
import socket

LOOPBACK = "127.0.0.1"
_FIRST, _LAST = 20_000, 32_000
_choice = random.SystemRandom()


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of the loopback address right now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A random port on the loopback address that nobody listens on."""
    while True:
        port = _choice.randrange(_FIRST, _LAST)
        if is_free(port):
            return port


def answers(port: int) -> bool:
    """Whether somebody listens on this port of the loopback address."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0
