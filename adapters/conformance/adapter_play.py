"""The whole play against an adapter: admit it, have it publish, give it its feed, ask what it owes."""

from dataclasses import dataclass

from adapters.conformance.acts import Acts
from adapters.conformance.cast import Cast
from adapters.conformance.duty_scenes import DutyScenes
from adapters.conformance.errors import ConformanceError
from adapters.conformance.feed_scenes import FeedScenes
from adapters.conformance.loss_scenes import Lose, LossScenes
from adapters.conformance.opening_scenes import OpeningScenes
from adapters.conformance.publishing_scenes import PublishingScenes
from adapters.conformance.report import Report
from adapters.conformance.requirements import (
    ALSO_WHEN_SEALED,
    ONLY_OF_WITNESSES,
    ONLY_WHEN_LOSING,
    ONLY_WHEN_SEALED,
    Side,
    of_side,
)
from adapters.conformance.scripted_hub import ScriptedHub
from adapters.conformance.sealing_scenes import SealingScenes
from adapters.conformance.wire import Line
from adapters.conformance.witness_scenes import WitnessScenes


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
        if cast.sealed:
            await _sealed(hub, acts)
        else:
            await _clear(stage, hub, acts, lose)
        await hub.turn()


async def _clear(stage: Stage, hub: ScriptedHub, acts: Acts, lose: Lose | None) -> None:
    """A programme on trial: everything but sealing."""
    publishing, feed = PublishingScenes(hub, acts), FeedScenes(hub)
    await publishing.play()
    await feed.play()
    await DutyScenes(hub, feed, acts).play()
    if lose is not None:
        await LossScenes(hub, publishing, feed).play(lose, stage.line)


async def _sealed(hub: ScriptedHub, acts: Acts) -> None:
    """One that is not: sealing, keys, witnessing."""
    to = hub.cast.encryption_key
    if to is None:
        raise ConformanceError(
            "the request for admission offers no encryption key",
            advice="Offer one: contracts/sealing.md, keys of a unit.",
        )
    feed, witness = FeedScenes(hub), WitnessScenes(hub)
    await SealingScenes(hub, acts, feed).play()
    await witness.show()
    await OpeningScenes(hub, acts, feed, to).play()
    witness.judge()


def asked_of_adapters(cast: Cast, *, losing: bool) -> frozenset[str]:
    """The requirements that a play puts to the test."""
    every = frozenset(one.id for one in of_side(Side.ADAPTER))
    if cast.sealed:
        witnessing = ONLY_OF_WITNESSES if cast.witness_key is not None else frozenset[str]()
        return ONLY_WHEN_SEALED | ALSO_WHEN_SEALED | witnessing
    return every - ONLY_WHEN_SEALED - ONLY_OF_WITNESSES - (frozenset[str]() if losing else ONLY_WHEN_LOSING)
