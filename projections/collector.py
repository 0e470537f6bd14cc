"""Python's cycle collector, paused while many messages are alive at once.

A chunk of parsed messages makes it search again and again for garbage that is not there yet: a quarter of a rebuild's time. Messages hold no cycles,
so nothing piles up meanwhile; reference counting goes on.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """No search for cycles until the block ends; left as it was found, whatever happens in the block."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
