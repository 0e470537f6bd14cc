"""The promises of the design, judged one by one, and the run counted: all from what was stored."""

from collections.abc import Mapping, Sequence
from typing import Final

from contracts.names import HUB
from deploy.story.promises import erasure, evidence, explained, no_sanctions, nothing_lost, offline, only_with_ground
from deploy.story.promises.finding import Promise
from deploy.story.stores import Stores
from hub.domain.events import MessageAccepted

_JUDGES: Final = (
    nothing_lost.judge,
    only_with_ground.judge,
    evidence.judge,
    erasure.judge,
    offline.judge,
    explained.judge,
    no_sanctions.judge,
)


def judged(stores: Stores) -> Sequence[Promise]:
    """Each promise with what was found about it."""
    return [judge(stores) for judge in _JUDGES]


def counted(stores: Stores) -> Mapping[str, int]:
    """`sent`: messages that left the units' outboxes; `accepted`, `refused`: of units, in the log; `delivered`: slots given."""
    own = [one for one in stores.hub.log if one.message is None or one.message.unit != HUB]
    accepted = sum(isinstance(one.event, MessageAccepted) for one in own)
    return {
        "sent": sum(len(unit.sent) for unit in stores.units.values()),
        "accepted": accepted,
        "refused": len(own) - accepted,
        "delivered": sum(not slot.withheld for slot in stores.hub.slots),
    }
