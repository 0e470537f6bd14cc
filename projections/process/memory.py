"""How a process that runs for months keeps its memory together."""

import ctypes
import sys
from typing import Final

_ARENA_MAX: Final = -8
"""`M_ARENA_MAX` of glibc's malloc.h."""


def share_one_heap() -> None:
    """Have all threads take memory from one heap: call it before the first thread starts.

    glibc gives threads heaps of their own, up to eight a core, and each keeps what it once needed; a sixth of an adapter's memory was that. Where
    there is no glibc, nothing happens.
    """
    if sys.platform == "linux":
        adjust = getattr(ctypes.CDLL(None), "mallopt", None)
        if adjust is not None:
            adjust(_ARENA_MAX, 1)
