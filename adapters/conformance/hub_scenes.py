"""What a hub makes of good and hostile messages: answers, order, refusals, who is given what.

Invariant: one client, one story; each scene leaves numbers and grounds as the next one expects them.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from adapters.conformance.fresh_ids import fresh_id, fresh_subject
from adapters.conformance.hostile_records import hostile_records
from adapters.conformance.hub_units import OUTSIDER, SOURCE, TARGET
from adapters.conformance.scripted_units import ScriptedUnits, Sent
from adapters.conformance.voice import Spoken
from contracts.categories import Category
from contracts.codes import RefusalCode as Code
from contracts.facts import Facts
from contracts.grants import Grant, to_unit
from contracts.messages.client import ClientEnrolled
from contracts.messages.consent import ConsentExtended, ConsentGiven, ConsentWithdrawn
from contracts.messages.entry import EntryCorrected
from contracts.messages.feed import ReplayRequested
from contracts.messages.hub import ConsentExpired, ObligationOpened
from contracts.messages.need import NeedAssessed
from contracts.messages.obligation import ObligationAnswered
from contracts.messages.referral import ReferralAccepted, ReferralReceived, ReferralSent, ReferralStarted
from contracts.names import GroundId, MessageId, ObligationId, RecordKey, ReferralId, UnitId
from contracts.signed_bytes import sign_batch

_HOUSING: Final = Category.HOUSING
_MANY: Final = 5
_DIGEST: Final = "0" * 64


class HubScenes:
    """Plays them in order."""

    def __init__(self, units: ScriptedUnits) -> None:
        self._units = units
        self._report = units.report
        self._subject = fresh_subject()
        self._consent_id = GroundId(_id())
        self._referral = ReferralId(_id())
        self._opened: list[MessageId] = []

    async def play(self) -> None:
        """All of them."""
        for scene in (
            self.opening, self.identity, self.hole, self.silence, self.malformed, self.grounds, self.batch, self.given,
            self.referral, self.replay, self.withdrawal, self.obligation,
        ):  # fmt: skip
            await scene()

    async def opening(self) -> None:
        """Nothing is shared before a consent; then it is."""
        enrolled = await self._say(ClientEnrolled(status="registered-jobseeker"), Category.IDENTITY)
        await self._refused(enrolled, Code.NO_GROUND, "an entry before any consent")
        self._consent = await self._say(self._given())
        await self._accepted("HUB-7", self._consent, "a consent")

    async def identity(self) -> None:
        """The same bytes, the same id, the same number again."""
        units, voice = self._units, self._units.voices[SOURCE]
        await units.again(self._consent)
        await units.until(lambda: len(units.receipts(self._consent)) > 1)
        said = [(one.verdict, one.code, one.position) for one in units.receipts(self._consent)]
        self._report.judge(
            "HUB-2", holds=len(said) > 1 and len(set(said)) == 1, else_=f"the same bytes were answered {said}"
        )
        number = self._consent.sequence
        reused = voice.compose(
            _need(), subject=self._subject, category=_HOUSING, sequence=number + 1, message_id=self._consent.id
        )
        await units.expect(
            "HUB-3", await units.send(SOURCE, reused), Code.ID_REUSED, why="other bytes under a known id"
        )
        taken = voice.compose(_need(), subject=self._subject, category=_HOUSING, sequence=number)
        receipt = await units.expect(
            "HUB-4", await units.send(SOURCE, taken), Code.SEQUENCE_CONFLICT, why="a number taken"
        )
        if receipt is not None:
            last = receipt.last_sequence
            self._report.judge("HUB-4", holds=last == number, else_=f"the last number is {number}, not {last}")

    async def hole(self) -> None:
        """Beyond a missing number the hub waits in silence."""
        units = self._units
        missing, beyond = self._composed(), self._composed()
        early = await units.send(SOURCE, beyond)
        sent = await units.send(SOURCE, missing)
        await self._accepted("HUB-3", sent, "the number behind an id that was reused")
        self._report.judge("HUB-5", holds=not units.receipts(early), else_="a message beyond a hole was answered")
        await units.again(early)
        await self._accepted("HUB-5", early, "a message whose hole was filled")
        self._opened += [sent.id, early.id]

    async def silence(self) -> None:
        """Records that speak for nobody; then a message in order, under the number that they claimed."""
        units, voices = self._units, self._units.voices
        claimed = voices[SOURCE].numbers[self._key] + 1

        def fresh() -> Spoken:
            return voices[SOURCE].compose(_need(), subject=self._subject, category=_HOUSING, sequence=claimed)

        records = list(hostile_records(fresh, voices[SOURCE], voices[OUTSIDER], units.directory.listed.partitions))
        for one in records:
            await units.put_raw(one.key, one.value, one.headers, partition=one.partition)
        good = await self._say(_need(), _HOUSING)
        await self._accepted("HUB-6", good, "a message behind records that speak for nobody")
        self._opened.append(good.id)
        answered = {receipt.id for chain in units.chains.values() for receipt in chain.receipts}
        for one in records:
            self._report.judge("HUB-6", holds=one.spoken.id not in answered, else_=f"{one.name}: it was answered")

    async def malformed(self) -> None:
        """Messages that speak for their author, and say what cannot be."""
        units, voice = self._units, self._units.voices[SOURCE]
        faults = {
            Code.UNKNOWN_TYPE: (b"need.assessed.v1", b"need.assessed.v9"),
            Code.INVALID_DATA: (b'"level":"high"', b'"level":"sky-high"'),
        }
        for code, (old, new) in faults.items():
            spoken = self._composed()
            sent = await units.send(SOURCE, spoken, signed=voice.sign(spoken.payload.replace(old, new, 1)))
            await self._refused(sent, code, f"{old.decode()} as {new.decode()}")
        ahead = voice.compose(_need(), subject=self._subject, category=_HOUSING, time=_now() + timedelta(minutes=30))
        await self._refused(await units.send(SOURCE, ahead), Code.TIME_AHEAD, "half an hour ahead")
        spoken = self._composed()
        other = spoken.payload.replace(f'"programme":"{voice.programme}"'.encode(), b'"programme":"another"')
        other = other.replace(f"urn:spojka:{voice.programme}:".encode(), b"urn:spojka:another:")
        sent = await units.send(SOURCE, spoken, signed=voice.sign(other))
        await self._refused(sent, Code.WRONG_PROGRAMME, "another programme's")
        voice.numbers[self._key] -= 1  # it counts for nobody here
        following = await self._say(_need(), _HOUSING)
        await self._accepted("HUB-7", following, "a message behind another programme's")
        self._opened.append(following.id)

    async def grounds(self) -> None:
        """Consents that cannot be, and entries that none opens."""
        other = GroundId(_id())
        criminal = self._given(consent=other, grant=self._grant(Category.CRIMINAL))
        nobody = self._given(consent=other, grant=self._grant(recipient=UnitId("kit-nobody")))
        cases: list[tuple[Facts, Category | None, Code, str]] = [
            (criminal, None, Code.CATEGORY_NOT_CONSENTABLE, "Art. 10 data by consent"),
            (nobody, None, Code.UNKNOWN_UNIT, "a recipient that no list names"),
            (ConsentWithdrawn(consent_id=other), None, Code.UNKNOWN_GROUND, "a consent never given"),
            (
                ConsentExpired(consent_id=self._consent_id, expired=1, due=_now()),
                None,
                Code.NOT_ENTITLED,
                "the hub's own type",
            ),
            (ReferralReceived(referral_id=ReferralId(_id())), _HOUSING, Code.UNKNOWN_REFERRAL, "a referral never sent"),
            (_need(Category.SKILLS), Category.SKILLS, Code.NO_GROUND, "a category that no consent names"),
            (_need(Category.HOUSING), Category.CONDUCT, Code.NO_GROUND, "conduct"),
        ]
        for facts, category, code, why in cases:
            await self._refused(await self._say(facts, category), code, why)
        corrected = self._units.voices[SOURCE].compose(
            EntryCorrected(reason="wrong-code"), subject=self._subject, category=_HOUSING, corrects=_id()
        )
        await self._refused(await self._units.send(SOURCE, corrected), Code.UNKNOWN_ENTRY, "a correction of nothing")
        exists = await self._say(self._given(), unit=TARGET)
        await self._refused(exists, Code.GROUND_EXISTS, "another unit's consent id")
        grant = self._grant()
        wider = ConsentExtended(
            consent_id=self._consent_id, recipient=grant.recipient, grants=(grant,), evidence_hash=_DIGEST
        )
        await self._refused(
            await self._say(wider, unit=TARGET), Code.NOT_ENTITLED, "extended by another than the collector"
        )

    async def batch(self) -> None:
        """Five messages under one signature."""
        units, voice = self._units, self._units.voices[SOURCE]
        spoken = [self._composed() for _ in range(_MANY)]
        signed = sign_batch([one.payload for one in spoken], voice.key)
        sent = [await units.send(SOURCE, one, signed=proved) for one, proved in zip(spoken, signed, strict=True)]
        for one in sent:
            await self._accepted("HUB-8", one, "a message of a batch")
        self._opened += [one.id for one in sent]

    async def given(self) -> None:
        """To whom the consent opens them, and to nobody else."""
        chains = self._units.chains
        came = await self._units.until(lambda: set(self._opened) <= set(chains[TARGET].given()))
        self._report.judge("HUB-9", holds=came, else_="an entry that the consent opens was not given to its recipient")
        leaked = [one for one in chains[OUTSIDER].given() if one in self._opened or one == self._consent.id]
        self._report.judge("HUB-9", holds=not leaked, else_="an entry was given to a unit that no ground names")

    async def referral(self) -> None:
        """Moved by whom the table names."""
        sent = ReferralSent(
            referral_id=self._referral, kind="referral", target=TARGET, answer_due=_now() + timedelta(days=14)
        )
        await self._accepted("HUB-15", await self._say(sent, _HOUSING), "a referral under a consent")
        await self._refused(await self._say(sent, _HOUSING), Code.REFERRAL_EXISTS, "the same referral")
        moves: list[tuple[UnitId, Facts, Code | None, str]] = [
            (
                TARGET,
                ReferralStarted(referral_id=self._referral, first_contact=_now()),
                Code.REFERRAL_MOVE_NOT_ALLOWED,
                "started early",
            ),
            (
                SOURCE,
                ReferralReceived(referral_id=self._referral),
                Code.REFERRAL_MOVE_NOT_ALLOWED,
                "received by its source",
            ),
            (TARGET, ReferralReceived(referral_id=self._referral), None, "received by its target"),
            (TARGET, ReferralAccepted(referral_id=self._referral), None, "accepted by its target"),
        ]
        for unit, facts, code, why in moves:
            await self._units.expect("HUB-15", await self._say(facts, _HOUSING, unit=unit), code, why=why)

    async def replay(self) -> None:
        """The same slots with the same links once more."""
        again = await self._replayed()
        links = {
            (one.delivery.generation, one.delivery.sequence): one.delivery.link
            for one in self._units.chains[TARGET].slots
        }
        right = bool(again) and all(links[place] == link for place, link in again.items() if place in links)
        self._report.judge("HUB-14", holds=right, else_="a replay left slots out, or gave them other links")

    async def withdrawal(self) -> None:
        """Nothing more under it; and whoever holds something is told to erase it."""
        chains = self._units.chains
        await self._accepted("HUB-7", await self._say(ConsentWithdrawn(consent_id=self._consent_id)), "a withdrawal")
        late = await self._say(_need(), _HOUSING)
        await self._units.expect("HUB-10", late, Code.NO_GROUND, why="an entry after the withdrawal")
        self._duty = await self._duty_of(set(self._opened))
        self._report.judge("HUB-11", holds=self._duty is not None, else_="no obligation names what the recipient holds")
        self._report.judge(
            "HUB-10", holds=late.id not in chains[TARGET].given(), else_="an entry was given after the withdrawal"
        )
        before = len(chains[TARGET].repeats)
        await self._replayed()
        opened = [one for one in chains[TARGET].repeats[before:] if one.message in self._opened]
        self._report.judge("HUB-10", holds=not opened, else_="a replay gave an entry after the withdrawal")

    async def obligation(self) -> None:
        """Answered once, and only where there is one."""
        unknown = _answer(ObligationId(_id()), ())
        sent = await self._say(unknown, unit=TARGET)
        await self._units.expect("HUB-12", sent, Code.UNKNOWN_OBLIGATION, why="an obligation that is none")
        if self._duty is None:
            return
        answer = _answer(self._duty.obligation_id, self._duty.entries)
        await self._accepted("HUB-12", await self._say(answer, unit=TARGET), "the answer to an obligation")
        again = await self._say(answer, unit=TARGET)
        await self._units.expect("HUB-12", again, Code.UNKNOWN_OBLIGATION, why="the answer once more")

    async def _replayed(self) -> dict[tuple[int, int], str]:
        chain = self._units.chains[TARGET]
        generation = max((one.delivery.generation for one in chain.slots), default=1)
        wanted = {
            (one.delivery.generation, one.delivery.sequence)
            for one in chain.slots
            if one.delivery.generation == generation
        }
        before = len(chain.repeats)
        asked = ReplayRequested(shard=0, generation=generation, from_sequence=1)
        sent = await self._units.say(TARGET, asked)
        await self._accepted("HUB-14", sent, "a request for a replay")

        def again() -> dict[tuple[int, int], str]:
            found = chain.repeats[before:]
            return {(one.delivery.generation, one.delivery.sequence): one.delivery.link for one in found}

        came = await self._units.until(lambda: wanted <= set(again()))
        return again() if came else {}

    async def _duty_of(self, names: set[MessageId]) -> ObligationOpened | None:
        chain = self._units.chains[TARGET]

        def found() -> list[ObligationOpened]:
            return [one for one in chain.duties if names <= set(one.entries) and one.unit == TARGET]

        return found()[0] if await self._units.until(found) else None

    @property
    def _key(self) -> RecordKey:
        return RecordKey(self._subject)

    def _composed(self) -> Spoken:
        return self._units.voices[SOURCE].compose(_need(), subject=self._subject, category=_HOUSING)

    async def _say(self, facts: Facts, category: Category | None = None, *, unit: UnitId = SOURCE) -> Sent:
        return await self._units.say(unit, facts, subject=self._subject, category=category)

    async def _accepted(self, requirement: str, sent: Sent, why: str) -> None:
        await self._units.expect(requirement, sent, None, why=why)

    async def _refused(self, sent: Sent, code: Code, why: str) -> None:
        await self._units.expect("HUB-7", sent, code, why=why)

    def _given(self, *, consent: GroundId | None = None, grant: Grant | None = None) -> ConsentGiven:
        granted = grant or self._grant()
        return ConsentGiven(
            consent_id=consent or self._consent_id,
            recipient=granted.recipient,
            grants=(granted,),
            paper=("consent", "release-from-secrecy"),
            notice_version="1",
            evidence_hash=_DIGEST,
            method="signed-paper",
        )

    @staticmethod
    def _grant(*categories: Category, recipient: UnitId = TARGET) -> Grant:
        return Grant(
            sources=(SOURCE, TARGET),
            recipient=to_unit(recipient),
            categories=categories or (_HOUSING, Category.INCOME_DEBT),
            history_from=_now() - timedelta(days=1),
            until=_now() + timedelta(days=90),
        )


def _need(category: Category = _HOUSING) -> NeedAssessed:
    return NeedAssessed(dimension=category, level="high")


def _answer(duty: ObligationId, entries: Sequence[MessageId]) -> ObligationAnswered:
    lines = "".join(f"{one}\n" for one in sorted(entries))
    digest = sha256(lines.encode()).hexdigest()
    return ObligationAnswered(obligation_id=duty, statement="erased", entries=len(entries), digest=digest)


def _now() -> datetime:
    return datetime.now(UTC)


def _id() -> MessageId:
    return fresh_id(_now())
