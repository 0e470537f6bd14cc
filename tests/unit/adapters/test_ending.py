"""A process that is told to end does so in order, on every system."""

import asyncio
import signal
from collections.abc import Callable, Iterator

import pytest

from projections.process.ending import set_when_told


class LikeWindows(asyncio.SelectorEventLoop):
    """An event loop that cannot listen for signals."""

    def add_signal_handler(self, sig: int, callback: Callable[..., object], *args: object) -> None:
        raise NotImplementedError


@pytest.fixture
def handlers() -> Iterator[None]:
    """What was there before is there again afterwards."""
    before = {ending: signal.getsignal(ending) for ending in (signal.SIGINT, signal.SIGTERM)}
    yield
    for ending, handler in before.items():
        signal.signal(ending, handler)


async def told(ending: signal.Signals) -> bool:
    stop = asyncio.Event()
    set_when_told(stop)
    signal.raise_signal(ending)
    async with asyncio.timeout(10):
        await stop.wait()
    return True


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("loop", [LikeWindows, asyncio.SelectorEventLoop])
def test_whoever_looks_after_a_windows_computer_can_stop_the_adapter_too(
    ending: signal.Signals, loop: type[asyncio.SelectorEventLoop]
) -> None:
    with asyncio.Runner(loop_factory=loop) as runner:
        assert runner.run(told(ending))
