"""What the adapter under test seals, deposits and seals anew in a programme that is not on trial.

Invariants: every record is judged as it comes (`SealedInspection`); a scene has its users say something and waits for it. The act texts are drawn, so
that one of them in clear can be nothing else.
"""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from adapters.conformance.acts import Acts
from adapters.conformance.cast import PARTNER
from adapters.conformance.errors import ConformanceError
from adapters.conformance.feed_scenes import FeedScenes, Referral
from adapters.conformance.inspection import Arrival
from adapters.conformance.scripted_hub import Answer, ScriptedHub, accept
from adapters.conformance.sealed_inspection import Deposited, SealedInspection
from contracts.categories import Category
from contracts.codes import RefusalCode
from contracts.grants import Grant, to_unit
from contracts.messages.consent import ConsentExtended

CLIENT: Final = "kit-client-2"
_HOUSING: Final = "housing"
_HEALTH: Final = "health"


class SealingScenes:
    """Plays them in order."""

    def __init__(self, hub: ScriptedHub, acts: Acts, feed: FeedScenes) -> None:
        if hub.sealing is None:
            raise ValueError("content is sealed only where the programme is not on trial")
        self._hub = hub
        self._acts = acts
        self._feed = feed
        self._report = hub.report
        self._sealing: SealedInspection = hub.sealing

    async def play(self) -> None:
        """All of them."""
        await self.consent()
        await self.entries()
        await self.narrowed()
        await self.given()

    async def consent(self) -> None:
        """The first message of all, with its evidence sealed."""
        hub = self._hub
        until = (datetime.now(UTC) + timedelta(days=90)).replace(microsecond=0).isoformat()
        shared = [_HOUSING, _HEALTH, "identity"]
        await self._acts.do("take-consent", client=CLIENT, recipient=PARTNER, categories=shared, until=until)
        if not await hub.until(lambda: hub.of("consent.given")):
            raise ConformanceError(
                "no consent.given came",
                advice="Is the adapter running with the kit's first list (--sealed), this broker and this --act?",
            )

    async def entries(self) -> None:
        """One of an ordinary category, one of a special one."""
        for category in (_HOUSING, _HEALTH):
            await self._recorded(category)

    async def narrowed(self) -> None:
        """The client takes a part back: the next entry is sealed under new keys, whose first deposit does not reach the key service."""
        hub = self._hub
        before = self._used(_HOUSING)
        (consent,) = hub.of("consent.given")[-1:]
        refused: list[Arrival] = []

        def policy(one: Arrival) -> Answer:
            if one.name != "key.deposited" or refused or one.facts.get("scope") != _HOUSING:
                return accept(one)
            refused.append(one)
            return Answer(RefusalCode.KEY_MISSING)

        with hub.policy(policy):
            named = consent.facts.get("consent_id")
            await self._acts.do(
                "narrow-consent", client=CLIENT, consent_id=named, recipient=PARTNER, categories=[_HOUSING, _HEALTH]
            )
            found = await self._recorded(_HOUSING)
            if found is not None:
                self._turned("KEY-5", before, found, "after a consent was narrowed")
            await self._newer_list(refused)

    async def given(self) -> None:
        """Two referrals about a client of the partner's, between which the partner extends the client's consent."""
        hub = self._hub
        await self._feed.opening()
        first = await self._accepted()
        extended = self._feed.partner.say(self._extended(), subject=self._feed.subject)
        await hub.give(extended)
        second = await self._accepted()
        if first is not None and second is not None:
            self._turned("KEY-6", first, second, "after a consent was extended that its feed brought")

    async def _newer_list(self, refused: Sequence[Arrival]) -> None:
        """It brings another deposit key: the content key that was refused goes to that one, in a new message."""
        hub, cast = self._hub, self._hub.cast
        old, new = (one.key_id for one in cast.deposit_keys)
        self._sealing.in_force = frozenset({old, new})
        await hub.lists(cast.lists[2])
        for one in refused:
            came = await hub.until(partial(self._again, one))
            what = f"deposit {one.id} was refused key-missing, and its key was not deposited again under a newer list"
            self._report.judge("KEY-4", holds=came, else_=what)
            self._sealing.in_force = frozenset({new})

    def _again(self, refused: Arrival) -> list[Arrival]:
        key = refused.facts.get("key_id")
        return [one for one in self._hub.of("key.deposited") if one.facts.get("key_id") == key and one.id != refused.id]

    async def _recorded(self, category: str) -> Arrival | None:
        """Have an entry written down; None where it did not come."""
        hub, text = self._hub, self._secret()
        since = len(hub.arrivals)
        await self._acts.do("record", client=CLIENT, category=category, text=text)
        return await self._came("need.assessed", since, text)

    async def _accepted(self) -> str | None:
        """Give a referral and have it accepted; the key under which the answer is sealed."""
        hub, text = self._hub, self._secret()
        referral: Referral = self._feed.referral()
        await hub.give(referral.message)
        if not await self._feed.is_received(referral):
            self._report.broken("FEED-1", "a referral was not received")
            return None
        since = len(hub.arrivals)
        await self._acts.do("accept-referral", referral_id=referral.id, category=_HOUSING, text=text)
        found = await self._came("referral.accepted", since, text)
        return None if found is None else self._sealing.under.get(found.id)

    async def _came(self, name: str, since: int, text: str) -> Arrival | None:
        hub = self._hub
        if not await hub.until(lambda: hub.of(name, since=since)):
            self._report.broken("SEAL-5", f"no {name} came with the text that was to be written down")
            return None
        found = hub.of(name, since=since)[0]
        content = self._sealing.contents.get(found.id)
        if content is not None:
            there = text in str(content)
            self._report.judge("SEAL-5", holds=there, else_=f"message {found.id} does not have the text that was given")
        return found

    def _turned(self, requirement: str, before: str | None, found: Arrival | str, when: str) -> None:
        """Whether a new key with a higher epoch is in use."""
        now = found if isinstance(found, str) else self._sealing.under.get(found.id)
        old, new = (self._sealing.deposits.get(one) if one else None for one in (before, now))
        if old is None or new is None:
            return  # said already
        self._report.judge(
            requirement,
            holds=_later(old, new),
            else_=f"{when} the next entry is sealed under a key of epoch {new.label.epoch}, as before",
        )

    def _used(self, scope: str) -> str | None:
        """The key that the last message of a scope was sealed under."""
        used = [kid for kid in self._sealing.under.values() if self._sealing.deposits[kid].label.scope == scope]
        return used[-1] if used else None

    def _secret(self) -> str:
        text = f"kit {secrets.token_hex(8)}"
        self._sealing.secrets.append(text)
        return text

    def _extended(self) -> ConsentExtended:
        own = self._hub.cast.unit
        grant = Grant(
            sources=(PARTNER, own),
            recipient=to_unit(own),
            categories=(Category.SKILLS,),
            until=datetime.now(UTC) + timedelta(days=60),
        )
        return ConsentExtended(
            consent_id=self._feed.consent_id, recipient=grant.recipient, grants=(grant,), evidence_hash="0" * 64
        )


def _later(old: Deposited, new: Deposited) -> bool:
    return new.key != old.key and new.label.epoch > old.label.epoch
