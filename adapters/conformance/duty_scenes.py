"""What the adapter under test owes: acknowledging its feed, answering an obligation.

Invariant: played last, since a unit that erased and acknowledged is another one than before.
"""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from adapters.conformance.acts import Acts
from adapters.conformance.cast import public_key_pair
from adapters.conformance.feed_scenes import FeedScenes
from adapters.conformance.fresh_ids import fresh_id
from adapters.conformance.inspection import Arrival
from adapters.conformance.scripted_feed import GROUND
from adapters.conformance.scripted_hub import ScriptedHub
from adapters.conformance.voice import Voice
from contracts.categories import Category
from contracts.envelope import parse_attributes
from contracts.messages.hub import ObligationOpened
from contracts.messages.need import NeedAssessed
from contracts.names import HUB, ObligationId
from contracts.signed_bytes import SignedBytes

_ENOUGH: Final = 500
_ENTRIES: Final = 3


class DutyScenes:
    """Plays them in order."""

    def __init__(self, hub: ScriptedHub, feed: FeedScenes, acts: Acts) -> None:
        self._hub = hub
        self._feed = feed
        self._acts = acts

    async def play(self) -> None:
        """Both."""
        await self.obligation()
        await self.acknowledgement()

    async def obligation(self) -> None:
        """The hub asks the unit to erase what no ground covers any more."""
        hub = self._hub
        entries = [self._entry() for _ in range(_ENTRIES)]
        names = sorted(parse_attributes(one.payload)[0].id for one in entries)
        duty = ObligationId(fresh_id(datetime.now(UTC)))
        facts = ObligationOpened(
            obligation_id=duty,
            unit=hub.cast.unit,
            ground_id=GROUND,
            because="withdrawn",
            entries=tuple(names),
            categories=(Category.HOUSING,),
            due=datetime.now(UTC) + timedelta(days=30),
        )
        voice = Voice(HUB, hub.cast.programme, public_key_pair(HUB))
        since = len(hub.arrivals)
        await hub.give(*entries, voice.say(facts, subject=self._feed.subject))
        await self._acts.do("answer-obligation", obligation_id=duty, statement="erased")
        if not await hub.until(lambda: hub.of("obligation.answered", since=since)):
            hub.report.broken("OBL-1", "the obligation was not answered")
            return
        answer = hub.of("obligation.answered", since=since)[0].facts
        digest = sha256("".join(f"{name}\n" for name in names).encode()).hexdigest()
        right = (answer.get("obligation_id"), answer.get("entries"), answer.get("digest")) == (duty, _ENTRIES, digest)
        hub.report.judge("OBL-1", holds=right, else_="the answer names another obligation, count or digest")

    async def acknowledgement(self) -> None:
        """As many slots as nobody should keep to himself."""
        hub = self._hub
        since = len(hub.arrivals)
        await hub.give(*[self._entry() for _ in range(_ENOUGH)])
        came = await hub.until(lambda: hub.of("feed.acknowledged", since=since))
        hub.report.judge("ACK-2", holds=came, else_=f"{_ENOUGH} slots were given, and nothing was acknowledged")
        for one in hub.of("feed.acknowledged"):
            self._right(one)

    def _right(self, arrival: Arrival) -> None:
        hub, facts = self._hub, arrival.facts
        if facts.get("generation") != hub.feed.generation:
            return  # that chain is past
        number = int(facts.get("feed_sequence", 0))
        links = {slot.delivery.sequence: slot.delivery.link for slot in hub.feed.slots}
        right = links.get(number) == facts.get("link")
        hub.report.judge("ACK-1", holds=right, else_=f"slot {number} was acknowledged with a link that it has not")

    def _entry(self) -> SignedBytes:
        facts = NeedAssessed(dimension=Category.HOUSING, level="high")
        return self._feed.partner.say(facts, subject=self._feed.subject, category=Category.HOUSING)
