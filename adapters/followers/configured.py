"""Which followers a unit has, by its settings.

Invariant: the one list from which the running adapter starts them.
"""

from collections.abc import Sequence

from adapters.followers.at_work import FollowersAtWork
from adapters.followers.export_follower import ErasedFromExports, KeptExport
from adapters.followers.follower import Follower
from adapters.followers.local_views import LocalViewsKept
from adapters.followers.webhooks.sending import WebhooksSending
from adapters.process.companion import Companion
from adapters.process.unit_house import UnitHouse
from projections.process.clock import SystemClock


def followers_of(house: UnitHouse) -> Sequence[Follower]:
    """All followers of a unit."""
    kept = [one for one in house.settings.exports if one.unit == house.unit]
    return [ErasedFromExports(house), *(KeptExport(house, house.settings.home / one.to) for one in kept)]


def followers_at_work(house: UnitHouse) -> Sequence[Companion]:
    """What runs them beside their unit."""
    return [
        FollowersAtWork(house.store, followers_of(house), now=house.clock.now),
        LocalViewsKept(house),
        WebhooksSending(
            house.store,
            house.folder,
            unit=house.unit,
            now=SystemClock().now,
            content_allowed=house.settings.webhook_content,
            networks=house.settings.webhook_networks,
        ),
    ]
