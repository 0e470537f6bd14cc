"""The whole play against an adapter: admit it, have it publish, give it its feed, ask what it owes."""

from dataclasses import dataclass

from adapters.conformance.acts import Acts
from adapters.conformance.cast import Cast
from adapters.conformance.duty_scenes import DutyScenes
from adapters.conformance.feed_scenes import FeedScenes
from adapters.conformance.loss_scenes import Lose, LossScenes
from adapters.conformance.publishing_scenes import PublishingScenes
from adapters.conformance.report import Report
from adapters.conformance.requirements import ONLY_WHEN_LOSING, Side, of_side
from adapters.conformance.scripted_hub import ScriptedHub
from adapters.conformance.wire import Line


@dataclass(frozen=True, slots=True)
class Stage:
    """Where it is played; `patience` is how long what must come may take, in seconds."""

    line: Line
    patience: float = 20.0


async def play_hub(stage: Stage, cast: Cast, acts: Acts, report: Report, lose: Lose | None = None) -> None:
    """Play a hub to the adapter under test, which is running already. Raises `ConformanceError` where nothing can be played."""
    hub = ScriptedHub(stage.line, cast, report, patience=stage.patience)
    await stage.line.make_topics(hub.topics)
    async with hub:
        await hub.lists(*cast.lists[:2])
        await hub.head(blind=True)
        publishing, feed = PublishingScenes(hub, acts), FeedScenes(hub)
        await publishing.play()
        await feed.play()
        await DutyScenes(hub, feed, acts).play()
        if lose is not None:
            await LossScenes(hub, publishing, feed).play(lose, stage.line)
        await hub.turn()


def asked_of_adapters(*, losing: bool) -> frozenset[str]:
    """The requirements that a play puts to the test."""
    return frozenset(one.id for one in of_side(Side.ADAPTER) if losing or one.id not in ONLY_WHEN_LOSING)
