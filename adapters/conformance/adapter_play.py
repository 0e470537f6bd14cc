"""The whole play against an adapter: admit it, have it publish, give it its feed, ask what it owes."""

from dataclasses import dataclass

from adapters.conformance.acts import Acts
from adapters.conformance.cast import Cast
from adapters.conformance.duty_scenes import DutyScenes
from adapters.conformance.feed_scenes import FeedScenes
from adapters.conformance.publishing_scenes import PublishingScenes
from adapters.conformance.report import Report
from adapters.conformance.scripted_hub import ScriptedHub
from adapters.conformance.wire import DIRECTORY, INBOX, feed_of, make_topics


@dataclass(frozen=True, slots=True)
class Stage:
    """Where it is played; `patience` is how long what must come may take, in seconds."""

    bootstrap: str
    patience: float = 20.0


async def play_hub(stage: Stage, cast: Cast, acts: Acts, report: Report) -> None:
    """Play a hub to the adapter under test, which is running already. Raises `ConformanceError` where nothing can be played."""
    await make_topics(stage.bootstrap, {INBOX: cast.partitions, DIRECTORY: 1, feed_of(cast.unit): 1})
    async with ScriptedHub(stage.bootstrap, cast, report, patience=stage.patience) as hub:
        await hub.lists(*cast.lists[:2])
        await hub.head(blind=True)
        await PublishingScenes(hub, acts).play()
        feed = FeedScenes(hub)
        await feed.play()
        await DutyScenes(hub, feed, acts).play()
        await hub.turn()
