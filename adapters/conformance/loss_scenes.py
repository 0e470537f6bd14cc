"""The broker loses everything while a message has no receipt and a slot is on its way.

Invariant: played last of all; whoever runs the kit has said that this broker may lose everything.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from adapters.conformance.feed_scenes import FeedScenes
from adapters.conformance.publishing_scenes import PublishingScenes
from adapters.conformance.scripted_hub import Answer, ScriptedHub, accept
from adapters.conformance.wire import Line

_AT_LEAST: Final = 60.0
"""Seconds: clients look into a broker's identity every ten, and connect again with pauses."""

Lose = Callable[[], Awaitable[object]]
"""Has the broker lose everything, and returns when it answers again, empty."""


class LossScenes:
    """Plays it."""

    def __init__(self, hub: ScriptedHub, publishing: PublishingScenes, feed: FeedScenes) -> None:
        self._hub = hub
        self._publishing = publishing
        self._feed = feed

    async def play(self, lose: Lose, line: Line) -> None:
        """Lose it, and see what comes again."""
        hub = self._hub
        with hub.policy(lambda one: None if one.name == "referral.sent" else accept(one)):
            waiting = await self._publishing.refer()
            if waiting is None:
                return
            lost = self._feed.referral()
            hub.feed.append(lost.message)
            hub.broker_lost()
            before = hub.times(waiting.id)
            await lose()
            await line.make_topics(hub.topics)
            await hub.lists(*hub.cast.lists)
            again = await hub.until(lambda: hub.times(waiting.id) > before, within=max(hub.patience, _AT_LEAST))
        hub.report.judge("LOSS-1", holds=again, else_=f"message {waiting.id} has no receipt, and did not come again")
        await hub.answer(waiting, Answer())
        await hub.head()
        came = await hub.until(lambda: self._feed.received(lost), within=max(hub.patience, _AT_LEAST))
        hub.report.judge("LOSS-2", holds=came, else_="the slot that the broker lost was not asked for, or not taken in")
