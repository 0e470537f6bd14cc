"""What the adapter under test makes of its feed: right slots, missing ones, and each kind of wrong one.

What it takes in is seen by `referral.received`: every message that matters here is a referral of its own.

Invariant: a scene breaks the requirement that it is about, or none; a wrong slot is followed by a head that tells of the true one, so that an adapter
which left the wrong one asks, and every adapter has the same chain again afterwards.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from adapters.conformance.cast import LATE, PARTNER, public_key_pair
from adapters.conformance.fresh_ids import fresh_id, telling_subject
from adapters.conformance.inspection import Arrival
from adapters.conformance.scripted_feed import GROUND
from adapters.conformance.scripted_hub import ScriptedHub
from adapters.conformance.voice import Voice
from contracts.categories import Category
from contracts.grants import Grant, to_unit
from contracts.messages.consent import ConsentGiven
from contracts.messages.referral import ReferralSent
from contracts.names import GroundId, ReferralId, SubjectId, UnitId
from contracts.pae import PayloadType
from contracts.signed_bytes import SignedBytes, sign_one

_CATEGORY: Final = Category.HOUSING
_DAYS: Final = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Referral:
    """A referral to the unit under test."""

    id: ReferralId
    message: SignedBytes


class FeedScenes:
    """Plays them in order."""

    def __init__(self, hub: ScriptedHub) -> None:
        self._hub = hub
        self._report = hub.report
        self._subject: SubjectId = telling_subject(hub.cast.partitions)
        self._partner = Voice(PARTNER, hub.cast.programme, public_key_pair(PARTNER))
        self._late = Voice(LATE, hub.cast.programme, public_key_pair(LATE))

    @property
    def partner(self) -> Voice:
        """The unit that shares with the unit under test."""
        return self._partner

    @property
    def subject(self) -> SubjectId:
        """The client whom they share."""
        return self._subject

    @property
    def consent_id(self) -> GroundId:
        """The consent under which they share."""
        return GROUND

    async def play(self) -> None:
        """All of them, those that leave the chain in doubt just before it begins anew."""
        for scene in (
            self.opening, self.repeated, self.gap, self.head_ahead, self.forged, self.forked, self.other_beside,
            self.bad_author, self.withheld, self.duplicate_member, self.shared_tree, self.new_lists,
            self.misaddressed,
            self.future,
        ):  # fmt: skip
            await scene()

    async def opening(self) -> None:
        """A consent, and a referral under it."""
        self._partner_consent = self._consent(self._partner)
        await self._hub.give(self._partner_consent, self._consent(self._late))
        await self._gives("FEED-1", "the first referral was not received")
        for one in self._hub.of("referral.received"):
            right = str(one.key) == str(self._subject)
            self._report.judge("FEED-1", holds=right, else_="referral.received is not about the delivery's subject")

    async def repeated(self) -> None:
        """The same slot twice, and once more."""
        hub = self._hub
        referral = self.referral()
        slot = hub.feed.append(referral.message)
        await hub.put(*[hub.feed.record(slot)] * 3)
        await self.is_received(referral)
        await self._gives("FEED-2", "nothing was received behind a repeated slot")
        times = len({one.id for one in self.received(referral)})
        self._report.judge("FEED-2", holds=times <= 1, else_=f"a slot that came thrice was received {times} times")

    async def gap(self) -> None:
        """A slot is lost; the next one shows it."""
        hub = self._hub
        lost, behind = self.referral(), self.referral()
        first = hub.feed.append(lost.message)
        second = hub.feed.append(behind.message)
        with hub.without_replays():
            await hub.put(hub.feed.record(second))
            asked = await self._asked(first.delivery.sequence)
            early = bool(self.received(behind))
        self._report.judge(
            "FEED-3", holds=asked, else_=f"slot {first.delivery.sequence} is missing and was not asked for"
        )
        self._report.judge(
            "FEED-4", holds=not early, else_="a referral behind a gap was received before the gap was filled"
        )
        await hub.put(*hub.feed.replay(first.delivery.sequence))
        for one in (lost, behind):
            await self.is_received(one)

    async def head_ahead(self) -> None:
        """A slot is lost; a head shows it."""
        await self._true_slot_behind("FEED-3", lambda _referral: [], "a lost slot")

    async def forged(self) -> None:
        """The slot with signatures that are not the hub's."""
        hub = self._hub
        await self._true_slot_behind(
            "TRU-1", lambda one: hub.feed.forged(hub.feed.next_slot(one.message)), "a slot that the hub did not sign"
        )

    async def forked(self) -> None:
        """The slot with a link that does not follow."""
        hub = self._hub
        await self._true_slot_behind(
            "FEED-5",
            lambda one: [hub.feed.forked(hub.feed.next_slot(one.message))],
            "a slot whose link does not follow",
        )

    async def other_beside(self) -> None:
        """The slot with another message beside it."""
        hub, other = self._hub, self.referral()
        true = self.referral()
        slot = hub.feed.next_slot(true.message)
        await self._wrong_then_true(
            "FEED-8", [hub.feed.beside(slot, other.message)], true, suspect=other, what="another message"
        )

    async def misaddressed(self) -> None:
        """A slot of another unit; then the hub comes back from a backup with a higher generation."""
        hub = self._hub
        await self._true_slot_behind(
            "FEED-6", lambda one: [hub.feed.misaddressed(one.message)], "a slot of another unit", last=True
        )
        hub.feed.restored()
        referral = self.referral()
        await hub.give(self._partner_consent, referral.message)
        received = await self.is_received(referral)
        self._report.judge("FEED-13", holds=received, else_="nothing was received of the new generation")

    async def bad_author(self) -> None:
        """A message that its author did not sign."""
        referral = self.referral()
        signature = referral.message.signature
        forged = SignedBytes(
            referral.message.payload, referral.message.key_id, bytes([signature[0] ^ 1]) + signature[1:]
        )
        await self._passed_over("FEED-7", forged, referral, "a message without its author's signature")

    async def duplicate_member(self) -> None:
        """A message that two readers may read differently."""
        referral = self.referral()
        twice = referral.message.payload.replace(b'"kind":"referral"', b'"kind":"transfer","kind":"referral"', 1)
        await self._passed_over("FEED-11", self._partner.sign(twice), referral, "a message with a duplicate member")

    async def withheld(self) -> None:
        """A slot without its message."""
        hub = self._hub
        await hub.put(hub.feed.record(hub.feed.append(self.referral().message, withheld=True)))
        await self._gives("FEED-9", "nothing was received behind a withheld slot")

    async def future(self) -> None:
        """A type that nobody knows yet."""
        plain = self.referral().message.payload.replace(b"referral.sent.v1", b"bridge.crossed.v7")
        await self._hub.give(sign_one(plain, self._partner.key, PayloadType.CLOUDEVENT))
        await self._gives("FEED-10", "nothing was received behind a message of an unknown type")
        if self._report.is_broken("FEED-10"):
            self._hub.feed.restored()  # the only way past a slot that it does not take
            await self._hub.give(self._partner_consent)

    async def shared_tree(self) -> None:
        """Slots under a tree signature: one whose proof is another leaf's, one in order."""
        hub = self._hub
        await self._true_slot_behind(
            "FEED-12",
            lambda one: [hub.feed.in_tree(hub.feed.next_slot(one.message), right=False)],
            "a slot with another's proof",
        )
        referral = self.referral()
        await hub.put(hub.feed.in_tree(hub.feed.append(referral.message), right=True))
        received = await self.is_received(referral)
        self._report.judge("FEED-12", holds=received, else_="a slot under a shared tree signature was not taken in")
        if not received:
            await hub.put(*hub.feed.replay(len(hub.feed.slots)))

    async def new_lists(self) -> None:
        """A list by a stranger's key and one that skips a version; then the one that follows."""
        hub, cast = self._hub, self._hub.cast
        await hub.lists(cast.false_list, cast.lists[3])
        await self._gives("FEED-1", "a referral was not received")
        early = self.referral(self._late)
        await hub.give(early.message)
        await self._gives("FEED-7", "nothing was received behind a message whose author's key is unknown")
        await self._gives("FEED-1", "a referral was not received")
        taken = bool(self.received(early))
        if not self._report.is_broken("FEED-7"):  # whoever asks for no signature believes everybody
            what = "a list that does not follow was taken: whom it admits was believed"
            self._report.judge("TRU-2", holds=not taken, else_=what)
        await hub.lists(cast.lists[2])
        await hub.until(lambda: self.received(early), within=hub.patience / 4)
        believed = self.referral(self._late)
        await hub.give(believed.message)
        received = await self.is_received(believed)
        self._report.judge("TRU-3", holds=received, else_="a unit that the new list admits is not believed")

    async def _true_slot_behind(
        self, requirement: str, wrong: Callable[[Referral], list[bytes]], what: str, *, last: bool = False
    ) -> None:
        referral = self.referral()
        await self._wrong_then_true(requirement, wrong(referral), referral, suspect=referral, what=what, last=last)

    async def _wrong_then_true(  # noqa: PLR0913 - all but three by keyword
        self, requirement: str, wrong: list[bytes], true: Referral, *, suspect: Referral, what: str, last: bool = False
    ) -> None:
        """Wrong records where `true` belongs, a head that tells of it, then the true slot."""
        hub = self._hub
        slot = hub.feed.next_slot(true.message)
        with hub.without_replays():
            await hub.put(*wrong)
            await hub.head(ahead=slot)
            since = len(hub.arrivals)
            asked = await self._asked(slot.delivery.sequence, or_=lambda: self.received(suspect), since=since)
        taken = bool(self.received(suspect))
        if wrong:
            self._report.judge(requirement, holds=not taken, else_=f"{what} was taken in")
        if not taken:
            self._report.judge(
                "FEED-3", holds=asked, else_=f"a head told of slot {slot.delivery.sequence}, and it was not asked for"
            )
        await hub.put(hub.feed.record(hub.feed.append(true.message)))
        if not last or not taken:
            await self.is_received(true)

    async def _passed_over(self, requirement: str, message: SignedBytes, suspect: Referral, what: str) -> None:
        """A slot that is right with a message that must not be acted upon; the chain goes on behind it."""
        await self._hub.give(message)
        await self._gives(requirement, f"nothing was received behind {what}")
        taken = bool(self.received(suspect))
        self._report.judge(requirement, holds=not taken, else_=f"{what} was acted upon")

    async def _gives(self, requirement: str, else_: str) -> None:
        """A referral in order: whether it is received."""
        referral = self.referral()
        await self._hub.give(referral.message)
        self._report.judge(requirement, holds=await self.is_received(referral), else_=else_)

    async def is_received(self, referral: Referral) -> bool:
        """Whether the unit under test says that it received it."""
        return await self._hub.until(lambda: self.received(referral))

    def received(self, referral: Referral) -> list[Arrival]:
        """What the unit under test said of receiving it."""
        return [one for one in self._hub.of("referral.received") if one.facts.get("referral_id") == referral.id]

    async def _asked(self, number: int, *, or_: Callable[[], object] = lambda: False, since: int = 0) -> bool:
        def asked() -> bool:
            found = self._hub.of("feed.replay-requested", since=since)
            return any(one.facts.get("from_sequence") == number for one in found)

        brief = self._hub.patience / 8 if self._report.is_broken("FEED-3") else None  # nobody waits twice for the same
        await self._hub.until(lambda: asked() or or_(), within=brief)
        return asked()

    def _consent(self, voice: Voice) -> SignedBytes:
        own = self._hub.cast.unit
        grant = Grant(
            sources=(voice.unit, own),
            recipient=to_unit(own),
            categories=(_CATEGORY, Category.IDENTITY),
            until=datetime.now(UTC) + _DAYS,
        )
        facts = ConsentGiven(
            consent_id=GROUND if voice is self._partner else GroundId(fresh_id(datetime.now(UTC))),
            recipient=grant.recipient,
            grants=(grant,),
            paper=("consent",),
            notice_version="1",
            evidence_hash="0" * 64,
            method="signed-paper",
        )
        return voice.say(facts, subject=self._subject)

    def referral(self, voice: Voice | None = None) -> Referral:
        """A fresh referral to the unit under test, by the partner unless another voice is named."""
        name = ReferralId(fresh_id(datetime.now(UTC)))
        target: UnitId = self._hub.cast.unit
        facts = ReferralSent(referral_id=name, kind="referral", target=target, answer_due=datetime.now(UTC) + _DAYS)
        return Referral(name, (voice or self._partner).say(facts, subject=self._subject, category=_CATEGORY))
