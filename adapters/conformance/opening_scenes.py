"""What the adapter under test opens, what it must not open, and what is left after it erased.

Invariants: a referral behind whatever is to be judged shows that all before it was read; then everything is looked at in one act, `show`. A wrong
record would open for whoever does not look at the one thing that is wrong with it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from adapters.conformance.acts import Acts
from adapters.conformance.cast import OTHER, public_key_pair
from adapters.conformance.feed_scenes import FeedScenes
from adapters.conformance.fresh_ids import fresh_id
from adapters.conformance.scripted_feed import GROUND
from adapters.conformance.scripted_hub import ScriptedHub
from adapters.conformance.scripted_keys import Entry, ScriptedKeys
from adapters.conformance.voice import Voice
from contracts.categories import Category
from contracts.keys import KeyUse
from contracts.messages.hub import ObligationOpened
from contracts.names import HUB, MessageId, ObligationId
from contracts.sealing.suites import SealingKey

_DAYS: Final = timedelta(days=30)
Shown = Mapping[MessageId, Mapping[str, Any] | None]


class OpeningScenes:
    """Plays them in order."""

    def __init__(self, hub: ScriptedHub, acts: Acts, feed: FeedScenes, to: SealingKey) -> None:
        self._hub = hub
        self._acts = acts
        self._feed = feed
        self._report = hub.report
        self._keys = ScriptedKeys(hub.cast, feed.partner, feed.subject, to)

    async def play(self) -> None:
        """All of them."""
        held = await self.right()
        await self.wrong()
        if not self._report.is_broken("OPEN-7"):  # whoever stands still learns of no obligation
            await self.erased(held)

    async def right(self) -> list[Entry]:
        """Keys that come before their entry, behind it, and for one message alone; returns what hangs on one content key."""
        hub, keys = self._hub, self._keys
        early, late, single = keys.entry(), keys.entry(), keys.entry(Category.HEALTH)
        beside = keys.entry(key=early.key)
        await hub.put(keys.release(early))
        await hub.give(early.message, beside.message, late.message, single.message)
        await self._read()
        await hub.put(keys.release(late), keys.release(single, message_id=single.id))
        await self._read()
        shown = await self._show([early, beside, late, single])
        for one, requirement, what in (
            (early, "OPEN-1", "an entry whose key came before it does not open"),
            (beside, "OPEN-1", "another entry under the same key does not open"),
            (late, "OPEN-2", "an entry whose key came behind it does not open"),
            (single, "OPEN-3", "an entry does not open by the key of its message"),
        ):
            self._report.judge(requirement, holds=_opened(shown, one), else_=what)
        return [early, beside]

    async def wrong(self) -> None:
        """Releases that are not to be taken, and content that is not to be opened."""
        hub, keys = self._hub, self._keys
        forged, astray = keys.entry(), keys.entry()
        named, header, tag = keys.under_anothers_key(), keys.with_another_header(), keys.tampered()
        await hub.give(*[one.message for one in (forged, astray, named, header, tag)])
        await hub.put(
            keys.release(forged, use=KeyUse.DELIVERIES),
            keys.release(astray, recipient=OTHER),
            *[keys.release(one) for one in (named, header, tag)],
        )
        await self._read()
        shown = await self._show([forged, astray, named, header, tag])
        for one, requirement, what in (
            (forged, "OPEN-4", "a key was taken that is not signed by a key of the hub's for releases"),
            (astray, "OPEN-4", "a key was taken that was released to another unit"),
            (named, "OPEN-5", "a content key was taken that is not the one which its id names"),
            (header, "OPEN-6", "content was opened whose header holds more than alg, enc and kid"),
            (tag, "OPEN-6", "content was opened whose tag does not hold"),
        ):
            self._report.judge(requirement, holds=not _opened(shown, one), else_=what)

    async def erased(self, held: Sequence[Entry]) -> None:
        """All entries under one content key must be erased: neither they nor the key are there afterwards."""
        hub = self._hub
        duty = ObligationId(fresh_id(datetime.now(UTC)))
        facts = ObligationOpened(
            obligation_id=duty,
            unit=hub.cast.unit,
            ground_id=GROUND,
            because="withdrawn",
            entries=tuple(sorted(one.id for one in held)),
            categories=(Category.HOUSING,),
            due=datetime.now(UTC) + _DAYS,
        )
        since = len(hub.arrivals)
        await hub.give(Voice(HUB, hub.cast.programme, public_key_pair(HUB)).say(facts, subject=self._feed.subject))
        await self._acts.do("answer-obligation", obligation_id=duty, statement="erased")
        if not await hub.until(lambda: hub.of("obligation.answered", since=since)):
            self._report.broken("ERASE-1", "the obligation was not answered")
            return
        behind = self._keys.entry(key=held[0].key)
        await hub.give(behind.message)
        await self._read()
        shown = await self._show([*held, behind])
        left = [one for one in held if _opened(shown, one)]
        self._report.judge("ERASE-1", holds=not left, else_="what was to be erased is still shown")
        kept = _opened(shown, behind)
        self._report.judge(
            "ERASE-2", holds=not kept, else_="a key is still there that opened nothing but what was erased"
        )

    async def _read(self) -> None:
        """A referral: once it is received, all before it was read."""
        referral = self._feed.referral()
        await self._hub.give(referral.message)
        if not await self._feed.is_received(referral):
            self._report.broken("OPEN-7", "nothing was received behind keys or content that do not hold")
        else:
            self._report.held("OPEN-7")

    async def _show(self, entries: Iterable[Entry]) -> Shown:
        return await self._acts.ask("show", message_ids=[one.id for one in entries])  # type: ignore[return-value] # judged where it is used


def _opened(shown: Shown, entry: Entry) -> bool:
    content = shown.get(entry.id)
    return isinstance(content, Mapping) and content.get("finding") == entry.text
