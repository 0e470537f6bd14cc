"""What a hub and its key service make of sealed content: deposits, releases to whom they belong, and the end of both.

Invariant: one client, one story; what must not come is judged once something has come that was asked for later.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from adapters.conformance.errors import ConformanceError
from adapters.conformance.fresh_ids import fresh_id, fresh_subject
from adapters.conformance.hub_units import OUTSIDER, SOURCE, TARGET
from adapters.conformance.on_paper import on_paper
from adapters.conformance.scripted_units import ScriptedUnits, Sent
from adapters.conformance.sealed_units import Scoped, Sealed, SealedUnits
from contracts.categories import Category
from contracts.codes import RefusalCode as Code
from contracts.grants import Grant, to_unit
from contracts.messages.consent import ConsentContent, ConsentWithdrawn
from contracts.messages.erasure import ErasureRequested
from contracts.messages.feed import ReplayRequested
from contracts.messages.need import NeedAssessed, NeedContent
from contracts.names import HUB, GroundId, UnitId
from contracts.sealing.content_key import PARTIES
from contracts.sealing.suites import OpeningKey, SealingKey

_HOUSING: Final = Category.HOUSING
_DAY: Final = timedelta(days=1)


class SealedHubScenes:
    """Plays them in order."""

    def __init__(self, units: ScriptedUnits, opening: Mapping[UnitId, OpeningKey]) -> None:
        self._units = units
        self._report = units.report
        self._sealed = SealedUnits(units, opening, fresh_subject())
        custodian = units.directory.sealing_key(HUB, datetime.now(UTC))
        if custodian is None:
            raise ConformanceError(
                "the trust list names no deposit key", advice="Admit the hub's key service, publish, try again."
            )
        self._custodian: SealingKey = custodian
        self._everything: list[Sealed] = []

    async def play(self) -> None:
        """All of them."""
        await self.deposits()
        await self.clear()
        await self.released()
        await self.history()
        await self.withdrawn()
        await self.erased()

    async def deposits(self) -> None:
        """A deposit whose key did not come, one that nobody can open, and one in order."""
        parties = self._sealed.key(SOURCE, PARTIES, 1)
        silent = await self._sealed.deposit(parties, self._custodian, beside=False)
        await self._expect("HUB-18", silent, Code.KEY_MISSING, "a deposit whose key did not come with it")
        stranger = OpeningKey.generate(HUB).sealing_key
        astray = await self._sealed.deposit(parties, stranger)
        await self._expect("HUB-18", astray, Code.KEY_MISSING, "a deposit to a key that no list names")
        await self._deposit(parties)
        self._parties = parties

    async def clear(self) -> None:
        """Content in clear."""
        self._consent = GroundId(fresh_id(datetime.now(UTC)))
        await self._given(self._consent, TARGET, since=3 * _DAY)
        spoken = self._units.voices[SOURCE].compose(
            _need(), subject=self._sealed.subject, category=_HOUSING, content=NeedContent(finding="in clear")
        )
        sent = await self._units.send(SOURCE, spoken)
        await self._expect("HUB-17", sent, Code.CLEAR_NOT_ALLOWED, "content in clear")

    async def released(self) -> None:
        """Two entries under one key: their recipient is given the key, and nobody else is."""
        self._first = await self._key(1)
        old = await self._entry(self._first, time=datetime.now(UTC) - 2 * _DAY)
        new = await self._entry(self._first)
        came = await self._units.until(lambda: self._opens(TARGET, self._first, [old, new]))
        what = "an entry was given, and no key came that opens it"
        self._report.judge("HUB-19", holds=came, else_=what)
        self._old, self._new = old, new

    async def history(self) -> None:
        """Another unit is let in on a part of the past: it is given the keys of these messages, and not the one that opens all."""
        self._nobody_else(OUTSIDER, "before any consent named it")
        self._later = GroundId(fresh_id(datetime.now(UTC)))
        await self._given(self._later, OUTSIDER, since=_DAY)
        came = await self._units.until(lambda: self._sealed.message_key(OUTSIDER, self._new))
        if not self._report.is_broken("HUB-19"):  # who releases nothing is told so once
            what = "an entry of the past was opened, and the key of its message did not come"
            self._report.judge("HUB-22", holds=came, else_=what)
        first = self._first.key.key_id
        more = self._sealed.about(OUTSIDER, keys={first: "all"}, messages={self._old.sent.id: "older"})
        if not self._report.is_broken("HUB-20"):
            what = "who was let in on a part of the past was given the key of more"
            self._report.judge("HUB-22", holds=not more, else_=what)

    async def withdrawn(self) -> None:
        """The first consent ends: what is sealed from now on is the other unit's only, and a replay brings no key back."""
        chain = self._units.chains[TARGET]
        sent = await self._units.say(SOURCE, ConsentWithdrawn(consent_id=self._consent), subject=self._sealed.subject)
        await self._expect("HUB-21", sent, None, "a withdrawal")
        before = len(chain.releases)
        self._second = await self._key(2)
        third = await self._entry(self._second)
        generation = max((one.delivery.generation for one in chain.slots), default=1)
        asked = await self._units.say(TARGET, ReplayRequested(shard=0, generation=generation, from_sequence=1))
        await self._expect("HUB-21", asked, None, "a request for a replay")
        came = await self._units.until(lambda: self._opens(OUTSIDER, self._second, [third]))
        self._report.judge("HUB-19", holds=came, else_="an entry was given under the other consent, and no key came")
        await self._units.until(lambda: chain.repeats)
        housing = {self._first.key.key_id: "of before", self._second.key.key_id: "of after"}
        messages = {one.sent.id: "a message" for one in self._everything}
        given = chain.releases[before:]
        late = [one for one in given if housing.get(one.key_id) or (one.message_id and messages.get(one.message_id))]
        self._report.judge("HUB-21", holds=not late, else_="a key was released after the withdrawal")

    async def erased(self) -> None:
        """The client has everything erased; who is let in on all the past afterwards is given what came later, and no key of before."""
        asked = await self._units.say(SOURCE, ErasureRequested(), subject=self._sealed.subject)
        await self._expect("HUB-23", asked, None, "a request for erasure")
        before = len(self._units.chains[TARGET].releases)
        third = await self._key(3)
        await self._given(GroundId(fresh_id(datetime.now(UTC))), TARGET, since=3 * _DAY, epoch=3)
        fresh = await self._entry(third)
        came = await self._units.until(lambda: self._opens(TARGET, third, [fresh]))
        if not self._report.is_broken("HUB-19"):
            self._report.judge("HUB-23", holds=came, else_="what was recorded behind an erasure does not open")
        erased = {one.under.key.key_id for one in self._everything if one is not fresh}
        given = [one for one in self._units.chains[TARGET].releases[before:] if one.key_id in erased]
        self._report.judge("HUB-23", holds=not given, else_="a key of what was erased was released")

    def _nobody_else(self, unit: UnitId, when: str) -> None:
        given = self._units.chains[unit].releases
        self._report.judge("HUB-20", holds=not given, else_=f"{unit} was given a key {when}")

    def _opens(self, unit: UnitId, under: Scoped, entries: Sequence[Sealed]) -> bool:
        whole = self._sealed.content_key(unit, under)
        given = set(self._units.chains[unit].given())
        return all(one.sent.id in given and (whole or self._sealed.message_key(unit, one)) for one in entries)

    async def _key(self, epoch: int) -> Scoped:
        made = self._sealed.key(SOURCE, _HOUSING.value, epoch)
        await self._deposit(made)
        return made

    async def _deposit(self, one: Scoped) -> None:
        await self._expect("HUB-18", await self._sealed.deposit(one, self._custodian), None, "a deposit in order")

    async def _entry(self, under: Scoped, *, time: datetime | None = None) -> Sealed:
        said = await self._sealed.say(under, _need(), NeedContent(finding="kit finding"), _HOUSING, time=time)
        await self._expect("HUB-19", said.sent, None, "a sealed entry under a consent")
        self._everything.append(said)
        return said

    async def _given(self, consent: GroundId, recipient: UnitId, *, since: timedelta, epoch: int = 1) -> None:
        under = self._parties
        if epoch != under.label.epoch:
            under = self._sealed.key(SOURCE, PARTIES, epoch)
            await self._deposit(under)
        grant = Grant(
            sources=(SOURCE,),
            recipient=to_unit(recipient),
            categories=(_HOUSING,),
            history_from=datetime.now(UTC) - since,
            until=datetime.now(UTC) + 90 * _DAY,
        )
        said = await self._sealed.say(under, on_paper(consent, grant), ConsentContent(evidence="on paper"))
        await self._expect("HUB-19", said.sent, None, "a consent with sealed evidence")

    async def _expect(self, requirement: str, sent: Sent, code: Code | None, why: str) -> None:
        await self._units.expect(requirement, sent, code, why=why)


def _need() -> NeedAssessed:
    return NeedAssessed(dimension=_HOUSING, level="high")
