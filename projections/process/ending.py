"""Being told to end: by the service manager, or by Ctrl-C.

Invariant: whoever waits for `stop` ends in order, on every system; where a process is ended without being told, what is stored holds all the same.
"""

import asyncio
import signal


def set_when_told(stop: asyncio.Event) -> None:
    """Set `stop` at SIGINT and SIGTERM; on Windows, where the event loop cannot listen for them, by the interpreter's own handlers."""
    loop = asyncio.get_running_loop()
    for ending in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(ending, stop.set)
        except NotImplementedError:
            signal.signal(ending, lambda *_: loop.call_soon_threadsafe(stop.set))
