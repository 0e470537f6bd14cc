"""Python's garbage collector in a process that keeps many states and drops many messages, hardly any of them in a circle."""

import gc
from typing import Final

_COLLECT: Final = (500_000, 50, 100)
"""Cached states are many and hold no cycles: at the default the collector walks them for a sixth of the writer's time.
More objects than a poll of the inbox becomes, so that none is walked while it is decided."""


def collect_seldom() -> None:
    """Call it once, when all modules are loaded."""
    gc.freeze()  # what was loaded at start stays: the collector need not walk it again
    gc.set_threshold(*_COLLECT)
