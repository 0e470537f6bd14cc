"""What the adapter under test publishes, and what it makes of receipts and refusals.

Invariant: a scene breaks the requirement that it is about, or none; it leaves hub and adapter in step for the next one.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from adapters.conformance.acts import Acts
from adapters.conformance.cast import PARTNER
from adapters.conformance.errors import ConformanceError
from adapters.conformance.inspection import Arrival
from adapters.conformance.scripted_hub import Answer, ScriptedHub, accept
from contracts.codes import RefusalCode

CLIENT: Final = "kit-client-1"
CATEGORY: Final = "housing"
_MANY: Final = 5
_SKIPPED: Final = 7


class PublishingScenes:
    """Plays them in order."""

    def __init__(self, hub: ScriptedHub, acts: Acts) -> None:
        self._hub = hub
        self._acts = acts
        self._report = hub.report

    async def play(self) -> None:
        """All of them."""
        await self.consent()
        await self.lost_receipts()
        await self.refusal()
        await self.many()
        await self.conflict()

    async def consent(self) -> None:
        """The first message of all."""
        hub = self._hub
        until = (datetime.now(UTC) + timedelta(days=90)).replace(microsecond=0).isoformat()
        await self._acts.do(
            "take-consent", client=CLIENT, recipient=PARTNER, categories=[CATEGORY, "identity"], until=until
        )
        if not await hub.until(lambda: hub.of("consent.given")):
            raise ConformanceError(
                "no consent.given came",
                advice="Is the adapter running with the kit's first list, this broker and this --act?",
            )

    async def lost_receipts(self) -> None:
        """A receipt that is lost, one that is forged, one about other bytes; then the true one, twice."""
        hub, report = self._hub, self._report
        with hub.policy(lambda one: None if one.name == "referral.sent" else accept(one)):
            first = await self.refer()
            if first is None:
                return
            resends = await self._passed(first)
            report.judge("RES-2", holds=resends, else_=f"a head passed message {first.id}, and it did not come again")
            if resends:
                await hub.put(hub.feed.forged_receipt(first, datetime.now(UTC)))
                again = await self._passed(first)
                report.judge("TRU-1", holds=again, else_="a receipt with a forged signature was taken for the hub's")
            if resends and not report.is_broken("TRU-1"):
                await hub.put(hub.feed.receipt(first, datetime.now(UTC), digest=bytes(32)))
                again = await self._passed(first)
                report.judge("RCP-1", holds=again, else_="a receipt about other bytes was taken for an answer")
        newest = [one for one in hub.arrivals if one.id == first.id][-1]
        await hub.answer(newest, Answer())
        await hub.answer(newest, Answer())
        await self._quiet(newest)

    async def refusal(self) -> None:
        """A refusal uses up its number; what follows has the next."""
        hub, report = self._hub, self._report
        with hub.policy(lambda one: Answer(RefusalCode.INVALID_DATA) if one.name == "referral.sent" else accept(one)):
            refused = await self.refer()
        if refused is None:
            return
        following = await self.refer()
        if following is None:
            return
        again = following.sequence == refused.sequence
        report.judge("SEQ-2", holds=not again, else_=f"number {refused.sequence} was refused, and was used once more")
        report.judge("RCP-2", holds=True, else_="")
        await self._quiet(refused)

    async def many(self) -> None:
        """Several at once: whoever signs batches does it here."""
        hub = self._hub
        before = len(hub.arrivals)
        await self._acts.do("record-many", client=CLIENT, category=CATEGORY, count=_MANY)
        await hub.until(lambda: len({one.id for one in hub.arrivals[before:] if one.name == "need.assessed"}) >= _MANY)

    async def conflict(self) -> None:
        """The hub knows more of this unit than the unit: as after a restore."""
        hub, report = self._hub, self._report
        last = 0

        def policy(one: Arrival) -> Answer | None:
            nonlocal last
            if one.name != "referral.sent" or last:
                return accept(one)
            last = one.sequence + _SKIPPED
            hub.numbering.conflict(one, last=last)
            return Answer(RefusalCode.SEQUENCE_CONFLICT, last)

        with hub.policy(policy):
            first = await self.refer()
            if first is None:
                return
            since = len(hub.arrivals)
            moved = await hub.until(lambda: hub.of("referral.sent", since=since))
        if not report.judge("SEQ-3", holds=moved, else_="nothing came after sequence-conflict"):
            return
        found = hub.of("referral.sent", since=since)[0]
        right = found.id != first.id and found.sequence == last + 1
        report.judge(
            "SEQ-3", holds=right, else_=f"number {found.sequence} came after sequence-conflict with last {last}"
        )

    async def refer(self) -> Arrival | None:
        """Have a referral sent; None where none came."""
        hub = self._hub
        since = len(hub.arrivals)
        due = (datetime.now(UTC) + timedelta(days=14)).replace(microsecond=0).isoformat()
        await self._acts.do("refer", client=CLIENT, target=PARTNER, category=CATEGORY, answer_due=due)
        known = {one.id for one in hub.arrivals[:since]}

        def fresh() -> list[Arrival]:
            return [one for one in hub.of("referral.sent", since=since) if one.id not in known]

        if not await hub.until(fresh):
            self._report.broken("RCP-2", "no referral came any more")
            return None
        return fresh()[0]

    async def _passed(self, arrival: Arrival) -> bool:
        """Tell by a head that the message was read; whether it then comes again."""
        hub = self._hub
        before = hub.times(arrival.id)
        await hub.head()
        return await hub.until(lambda: hub.times(arrival.id) > before)

    async def _quiet(self, arrival: Arrival) -> None:
        """What was answered does not come again, even when a head says that it was read."""
        hub = self._hub
        await hub.turn()
        before = hub.times(arrival.id)
        await hub.head()
        since = len(hub.arrivals)
        await self._acts.do("record-many", client=CLIENT, category=CATEGORY, count=1)
        await hub.until(lambda: hub.of("need.assessed", since=since))
        came = hub.times(arrival.id) - before
        self._report.judge("RES-3", holds=came == 0, else_=f"message {arrival.id} came again after its receipt")
