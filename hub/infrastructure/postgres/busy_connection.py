"""A connection whose thread has something else to do while the server works.

Two threads that both run Python share one interpreter, and the one that waits for the server gets it back late, once for every answer. One thread
that looks up from its work gets every answer at once.

Invariants: the work is done between two steps of the driver, never within one; what goes wrong in it does not end the statement; without work this
is the driver's own wait.
"""

import select
from collections.abc import Callable, Generator
from typing import Any, Final, TypeVar

import psycopg
from psycopg.waiting import Ready, Wait

Meanwhile = Callable[[], bool]
"""Does a fraction of a millisecond's work; False where nothing is left to do. What it raises is not told: whoever needs the work does it again."""

_T = TypeVar("_T")
_ASKED: Final = {Wait.R: select.POLLIN, Wait.W: select.POLLOUT, Wait.RW: select.POLLIN | select.POLLOUT}
_WRITABLE: Final = select.POLLOUT
_READABLE: Final = ~select.POLLOUT
"""An error or a hang-up is found by reading."""


class BusyConnection(psycopg.Connection[tuple[Any, ...]]):
    """Calls `meanwhile` again and again while a statement waits for the server."""

    meanwhile: Meanwhile | None = None

    def wait(self, gen: Generator[Any, Any, _T], *args: Any, **kwargs: Any) -> _T:  # noqa: ANN401 - the driver's own
        """As the driver, with the work done where it would sleep."""
        if self.meanwhile is None:
            return super().wait(gen, *args, **kwargs)
        return super().wait(_filled(gen, self.pgconn.socket, self.meanwhile), *args, **kwargs)


def _filled(gen: Generator[Any, Any, _T], descriptor: int, work: Meanwhile) -> Generator[Any, Any, _T]:
    """The driver's generator, which says what it waits for and is sent what came; it waits only when there is no more work."""
    try:
        wanted = next(gen)
        while True:
            came = _come(descriptor, wanted)
            while not came and _done(work):
                came = _come(descriptor, wanted)
            wanted = gen.send(came or (yield wanted))
    except StopIteration as end:
        result: _T = end.value
        return result


def _done(work: Meanwhile) -> bool:
    try:
        return work()
    except Exception:  # noqa: BLE001 - whatever it is, the transaction in hand is not to be lost by it
        return False


def _come(descriptor: int, wanted: Wait) -> Ready:
    """What of this has come by now."""
    looked = select.poll()
    looked.register(descriptor, _ASKED[wanted])
    for _, events in looked.poll(0):
        return Ready((Ready.R if events & _READABLE else 0) | (Ready.W if events & _WRITABLE else 0))
    return Ready.NONE
