"""Whatever units say, in whatever order, and whoever dies meanwhile: the hub gives nothing that no ground permits, forgets nothing, breaks no chain.

A machine says random things to the hub of `tests.simulation` and asks, after every step, an oracle that shares no code with it
(`tests.simulation.said`).
"""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from random import Random
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from contracts.categories import Category
from contracts.codes import RefusalCode
from contracts.delivery import Delivery, first_link, next_link
from contracts.envelope import Message, parse
from contracts.facts import Facts
from contracts.feed_record import document
from contracts.grants import Grant, Recipient
from contracts.messages import referral as moves
from contracts.messages.consent import ConsentAttested, ConsentExtended, ConsentGiven, ConsentNarrowed, ConsentWithdrawn
from contracts.messages.entry import EntryCorrected
from contracts.messages.erasure import ErasureRequested
from contracts.messages.feed import ReplayRequested
from contracts.messages.hub import ConsentExpiryAnnounced, DeliveryReported, ObligationOpened
from contracts.messages.need import NeedAssessed
from contracts.messages.obligation import ObligationAnswered
from contracts.messages.processing import ProcessingLifted, ProcessingRestricted
from contracts.messages.subject import SubjectMerged, SubjectSplit
from contracts.names import GroundId, MergeId, MessageId, RecordKey, ReferralId, SubjectId, UnitId
from contracts.referral_table import TABLE
from contracts.signed_bytes import SignedBytes
from hub.application.case_files import fold
from hub.application.ports import LogEntry
from hub.domain.events import MessageAccepted, MessageRefused
from hub.infrastructure.memory_store import MemoryWriterStore
from projections.kafka.positions import RawRecord
from tests.simulation import said
from tests.simulation.exported import audited
from tests.simulation.lived import Lived
from tests.simulation.programme import DECIN, KAREL, START, Simulation

UNITS = tuple(said.SPECS)
CLIENTS = (KAREL, SubjectId("r1." + "h" * 26))
CATEGORIES = (Category.SKILLS, Category.HOUSING, Category.HEALTH, Category.CONDUCT, Category.CRIMINAL)
GRANTABLE = CATEGORIES[:3]
ENTERED = (*CATEGORIES[:2] * 3, *CATEGORIES)
RECIPIENTS = (
    "unit:vz",
    "unit:up",
    "unit:md",
    "unit:md-claims",
    "class:social-work",
    "class:claims",
    "class:labour-office",
)
MOVES: tuple[type[moves.MoveFacts], ...] = (
    moves.ReferralReceived,
    moves.ReferralAccepted,
    moves.ReferralStarted,
    moves.ReferralPaused,
    moves.ReferralResumed,
    moves.ReferralCompleted,
    moves.ReferralClosed,
    moves.ReferralReopened,
)

MOVE_FACTS: dict[type[moves.MoveFacts], dict[str, Any]] = {
    moves.ReferralStarted: {"first_contact": START},
    moves.ReferralPaused: {"reason": "illness"},
    moves.ReferralCompleted: {"outcome": "goal-reached"},
    moves.ReferralReopened: {"reason": "client-request"},
}
WANTED = {
    "given",
    "given by a back-fill",
    "given on a referral",
    "withheld",
    "duty",
    "duty after an expiry",
    "detached or withdrawn by the hub",
    "refused",
    "reported",
    "no duty, since another paper covers it",
    "announced to end",
    "erased",
    "agreed to be one person",
    "split again",
    "replayed as it was",
}
REACHED: Counter[str] = Counter()
"""What the last run came by, so that the properties do not hold because nothing was ever tried."""

units = st.sampled_from((*["op"] * 5, *["up"] * 3, "md", "vz", "md-claims"))
clients = st.sampled_from((KAREL, KAREL, KAREL, CLIENTS[1]))
"""Mostly the same unit about the same client: else nothing that is said would meet anything said before."""
some_categories = st.sets(st.sampled_from(GRANTABLE), min_size=1)
any_number = st.integers(0, 10**6)


Pair = tuple[str, MessageId]
"""A unit and an entry."""


class HubMachine(RuleBasedStateMachine):
    """Units that speak, a clock, a writer and a relay that are replaced at any time."""

    @initialize()
    def begin(self) -> None:
        self.hub = Simulation()
        self.hub.publish_trust_list()
        self.hub.clock.at = START + timedelta(days=10)
        self.said = {client: said.Said() for client in CLIENTS}
        self.sent: dict[MessageId, tuple[RawRecord, Message]] = {}
        self.entries: list[Message] = []
        self.referrals: list[Message] = []
        self.held_back: list[tuple[SubjectId, SignedBytes]] = []
        self.looked_at: Counter[str] = Counter()
        self.lived = Lived()
        self.log_read = 0
        self.accepted: dict[MessageId, tuple[int, MessageAccepted, Message]] = {}
        self.erased: set[MessageId] = set()
        self.broad_consent("op", KAREL, "unit:vz", 60)

    # what units say

    @rule(
        unit=units,
        client=clients,
        recipient=st.sampled_from(RECIPIENTS),
        categories=some_categories,
        sources=st.sets(units),
        days=st.integers(1, 120),
        history=st.booleans(),
        release=st.booleans(),
        explicit=st.booleans(),
    )
    def consent(self, unit: str, client: SubjectId, sources: set[str], **grant: Any) -> None:  # noqa: ANN401 - what Hypothesis drew
        self._give(unit, client, sources | {unit}, **grant)

    @rule(unit=units, client=clients, recipient=st.sampled_from(RECIPIENTS), days=st.integers(20, 120))
    def broad_consent(self, unit: str, client: SubjectId, recipient: str, days: int) -> None:
        """A client who agrees to everything: else most of what follows would find no ground."""
        opened: dict[str, Any] = {"categories": set(GRANTABLE), "history": True, "release": True, "explicit": True}
        self._give(unit, client, set(UNITS), recipient=recipient, days=days, **opened)

    def _give(  # noqa: PLR0913 - what a paper says
        self,
        unit: str,
        client: SubjectId,
        sources: set[str],
        *,
        recipient: str,
        categories: set[Category],
        days: int,
        history: bool,
        release: bool,
        explicit: bool,
    ) -> None:
        now = self.hub.clock.at
        until, begins = now + timedelta(days=days), START if history else now
        grant = self._grant(sources, recipient, categories, until=until, history=begins if history else None)
        consent_id = GroundId(self.hub.next_id())
        facts = ConsentGiven(
            consent_id=consent_id,
            recipient=grant.recipient,
            grants=(grant,),
            paper=("consent", "release-from-secrecy") if release else ("consent",),
            explicit=explicit,
            notice_version="1",
            evidence_hash="0" * 64,
            method="signed-paper",
        )
        lines = [said.Grant(set(sources), recipient, {*map(str, categories)}, begins, until)]
        if self._say(unit, facts, client):
            self.said[client].papers[consent_id] = said.Paper(unit, release, explicit, lines)

    @staticmethod
    def _grant(
        sources: set[str],
        recipient: str,
        categories: set[Category],
        *,
        until: datetime,
        history: datetime | None = None,
    ) -> Grant:
        return Grant(
            sources=tuple(UnitId(one) for one in sorted(sources)),
            recipient=Recipient(recipient),
            categories=tuple(sorted(categories)),
            until=until,
            history_from=history,
        )

    @precondition(lambda self: any(one.papers for one in self.said.values()))
    @rule(
        pick=any_number,
        unit=units,
        what=st.sampled_from(("attest", "attest", "withdraw", "narrow", "extend")),
        rest=st.sets(st.sampled_from(GRANTABLE)),
    )
    def change_consent(self, pick: int, unit: str, what: str, rest: set[Category]) -> None:
        before = self._before()
        client, name, paper = self._paper(pick)
        consent_id, line = GroundId(name), paper.grants[pick % len(paper.grants)] if paper.grants else None
        if what == "attest":
            if self._say(unit, ConsentAttested(consent_id=consent_id, method="saw-original"), client):
                paper.attested.add(unit)
        elif what == "withdraw":
            by = paper.collector if pick % 2 else unit
            if self._say(by, ConsentWithdrawn(consent_id=consent_id), client):
                paper.withdrawn = True
        elif line is not None and what == "narrow":
            remaining = self._grant(line.sources, line.recipient, rest, until=line.ends) if rest else None
            grants = () if remaining is None else (remaining,)
            narrowed = ConsentNarrowed(consent_id=consent_id, recipient=Recipient(line.recipient), grants=grants)
            if self._say(paper.collector, narrowed, client):
                self._narrowed(paper, line, rest)
        elif line is not None and rest:
            self._extend(client, paper, consent_id, line.recipient, rest)
        self._duties_follow(before)

    @staticmethod
    def _narrowed(paper: said.Paper, line: said.Grant, rest: set[Category]) -> None:
        """What is named remains, as far as it was there: sources, history and end as they were, never more than the narrowing names."""
        for one in paper.grants:
            if one.recipient == line.recipient:
                one.sources &= line.sources
                one.ends = min(one.ends, line.ends)
        paper.narrow(line.recipient, {*map(str, rest)})

    def _extend(
        self, client: SubjectId, paper: said.Paper, consent_id: GroundId, recipient: str, rest: set[Category]
    ) -> None:
        until = self.hub.clock.at + timedelta(days=30)
        grant = self._grant({paper.collector}, recipient, rest, until=until, history=START)
        facts = ConsentExtended(
            consent_id=consent_id, recipient=grant.recipient, grants=(grant,), evidence_hash="0" * 64
        )
        if self._say(paper.collector, facts, client):
            paper.grants.append(said.Grant({paper.collector}, recipient, {*map(str, rest)}, START, until))

    def _paper(self, pick: int) -> tuple[SubjectId, str, said.Paper]:
        all_of_them = [(client, *item) for client, one in self.said.items() for item in one.papers.items()]
        return all_of_them[pick % len(all_of_them)]

    @rule(
        unit=units,
        client=clients,
        categories=st.lists(st.sampled_from(ENTERED), min_size=1, max_size=4),
        age=st.integers(0, 20),
    )
    def entries_are_made(self, unit: str, client: SubjectId, categories: list[Category], age: int) -> None:
        time = self.hub.clock.at - timedelta(days=age)
        for category in categories:
            if message := self._say(unit, need(category), client, category=category, time=time):
                self.entries.append(message)

    @precondition(lambda self: self.entries)
    @rule(pick=any_number)
    def correct(self, pick: int) -> None:
        wrong = self.entries[pick % len(self.entries)]
        attributes = {"category": wrong.category, "time": wrong.time, "corrects": wrong.id}
        self._say(wrong.unit, EntryCorrected(reason="typing-error"), wrong.subject, **attributes)

    @rule(
        unit=units,
        helper=st.sampled_from(("vz", "vz", "up")),
        client=clients,
        category=st.sampled_from(GRANTABLE),
        days=st.integers(1, 30),
    )
    def refer(self, unit: str, helper: str, client: SubjectId, category: Category, days: int) -> None:
        facts = moves.ReferralSent(
            referral_id=ReferralId(self.hub.next_id()),
            kind="referral",
            target=UnitId(helper),
            answer_due=self.hub.clock.at + timedelta(days=days),
        )
        if message := self._say(unit, facts, client, category=category):
            self.referrals.append(message)

    @precondition(lambda self: self.referrals)
    @rule(pick=any_number, unit=units)
    def move_referral(self, pick: int, unit: str) -> None:
        sent = self.referrals[pick % len(self.referrals)]
        assert isinstance(sent.facts, moves.ReferralSent)
        path = fold(RecordKey(str(sent.subject)), self._log_of(sent.subject)).path
        state = path.referrals[sent.facts.referral_id].state
        likely = [move for move in MOVES if state in TABLE[move].origins] if pick % 4 else list(MOVES)
        move = (likely or list(MOVES))[pick % len(likely or MOVES)]
        by = unit if pick % 5 == 0 else str(sent.unit if move is moves.ReferralClosed else sent.facts.target)
        special = sent.category is Category.HEALTH
        extra = {} if special else MOVE_FACTS.get(move, {})
        facts = move(referral_id=sent.facts.referral_id, **extra)
        self._say(by, facts, sent.subject, category=sent.category)

    @rule(unit=units, client=clients, categories=st.sets(st.sampled_from(GRANTABLE)), lift=st.booleans())
    def restrict(self, unit: str, client: SubjectId, categories: set[Category], lift: bool) -> None:  # noqa: FBT001 - what Hypothesis drew
        own = self.said[client].restrictions
        if lift:
            if self._say(unit, ProcessingLifted(), client):
                own.pop(unit, None)
        elif self._say(unit, ProcessingRestricted(categories=tuple(sorted(categories))), client):
            own.setdefault(unit, []).append({*map(str, categories)})

    def lift_all(self) -> None:
        for unit in list(self.said[KAREL].restrictions):
            self.restrict(unit, KAREL, set(), lift=True)

    @rule(unit=units, client=clients, categories=st.sets(st.sampled_from(GRANTABLE)))
    def erase(self, unit: str, client: SubjectId, categories: set[Category]) -> None:
        before = self._before()
        if self._say(unit, ErasureRequested(categories=tuple(sorted(categories))), client):
            about = [one for _, _, one in self.accepted.values() if one.subject == client and one.category]
            gone = {one.id for one in about if not categories or one.category in categories}
            by_hub = {one.id for one in about if one.unit == "hub" and self.accepted[one.id][0] >= before[2]}
            REACHED["erased"] += len(gone - by_hub - self.erased)
            self.erased |= gone - by_hub
        self._duties_follow(before)

    @rule(unit=units, client=clients, split=st.booleans())
    def one_person(self, unit: str, client: SubjectId, split: bool) -> None:  # noqa: FBT001 - what Hypothesis drew
        """A unit holds that the client is one whom it knows by another subject too, agrees with who said so, or says that it is not so."""
        joined, parted = (
            [one for _, _, one in self.accepted.values() if one.subject == client and isinstance(one.facts, kind)]
            for kind in (SubjectMerged, SubjectSplit)
        )
        merge_id = MergeId(f"00000000-0000-4000-8000-{len(parted):012d}")
        told = tuple(map(UnitId, sorted(UNITS)))
        joining = SubjectMerged(merge_id=merge_id, method="asked-client", tell=told)
        facts = SubjectSplit(merge_id=merge_id, reason="other-person") if split else joining
        if self._say(unit, facts, client):
            agreed = any(isinstance(one.facts, SubjectMerged) and one.facts.merge_id == merge_id for one in joined)
            REACHED["split again" if split else "agreed to be one person"] += agreed

    @rule(pick=any_number)
    def answer_a_duty(self, pick: int) -> None:
        duties = [one for _, _, one in self.accepted.values() if isinstance(one.facts, ObligationOpened)]
        if duties:
            duty = duties[pick % len(duties)]
            assert isinstance(duty.facts, ObligationOpened)
            facts = ObligationAnswered(
                obligation_id=duty.facts.obligation_id, statement="erased", entries=1, digest="0" * 64
            )
            self._say(duty.facts.unit, facts, duty.subject)

    @rule(unit=st.sampled_from(("vz", "vz", "up", "md")), first=st.integers(1, 3))
    def ask_for_the_feed_again(self, unit: str, first: int) -> None:
        self._say(unit, ReplayRequested(shard=0, generation=1, from_sequence=first), None)

    # what the line and the machines do

    @rule(pick=any_number)
    def a_record_comes_again(self, pick: int) -> None:
        if self.sent:
            record, _ = list(self.sent.values())[pick % len(self.sent)]
            before = len(self.hub.shard.log)
            self.hub.take([record])
            assert len(self.hub.shard.log) == before

    @rule(unit=units, client=clients)
    def two_records_change_places(self, unit: str, client: SubjectId) -> None:
        pair = [self._message(unit, need(Category.SKILLS), client, category=Category.SKILLS) for _ in range(2)]
        for signed in (pair[1][1], pair[0][1], pair[1][1]):
            self.hub.take([self.hub.record(signed, client)])
        self._look_at_the_log()
        for name, _ in pair:
            assert name in self.accepted or name in self._refused()
            if name in self.accepted:
                self.entries.append(self.accepted[name][2])

    @rule()
    def another_writer_takes_over(self) -> None:
        self.hub.intake = self.hub.new_intake()

    @rule(before_producing=st.booleans())
    def another_relay_takes_over(self, before_producing: bool) -> None:  # noqa: FBT001 - what Hypothesis drew
        if before_producing:
            self.hub.relay.step()
        self.hub.relay = self.hub.bare_relay()
        left_over = self.hub.relay.take_over()
        if left_over is not None:
            self.hub.keep(left_over.values)
            self.hub.relay.produced(left_over)
        self._look_at_the_feeds()

    @rule()
    def relay_one_step(self) -> None:
        outgoing = self.hub.relay.step()
        if outgoing is not None:
            self.hub.keep(outgoing.values)
            self.hub.relay.produced(outgoing)
        self._look_at_the_feeds()

    @rule()
    def relay_everything(self) -> None:
        self.hub.relay_all()
        self._look_at_the_feeds()

    @rule()
    def report(self) -> None:
        self.hub.relay_all()
        self._look_at_the_feeds()
        self.hub.report_all()
        self._look_at_the_log()
        reported = [
            (slot.unit, slot.feed_sequence, slot.verdict)
            for _, _, message in self.accepted.values()
            if isinstance(message.facts, DeliveryReported)
            for slot in message.facts.deliveries
        ]
        REACHED["reported"] += len(reported)
        assert max(Counter(reported).values(), default=1) == 1
        assert {(unit, number) for unit, number, _ in reported} == set(self.hub.shard.deliveries)

    @rule(hours=st.one_of(st.integers(1, 48), st.integers(1, 24 * 30)))
    def time_passes(self, hours: int) -> None:
        self.lived.remember(self.hub, CLIENTS)
        before, since = self._before(), self.hub.clock.at
        self.hub.clock.at += timedelta(hours=hours)
        expected = self._to_be_announced(since)
        self.hub.fire()
        self._look_at_the_log()
        assert sorted(self._announced(before[2])) == sorted(expected)
        REACHED["announced to end"] += len(expected)
        self._duties_follow(before)

    # what must hold

    @invariant()
    def every_message_has_exactly_one_event(self) -> None:
        if not hasattr(self, "sent"):
            return
        self._look_at_the_log()
        ends = Counter([*self.accepted, *self._refused()])
        assert all(ends[name] == 1 for name in self.sent)
        assert max(ends.values()) == 1
        refused = [event.code for event in self.hub.shard.log if isinstance(event, MessageRefused)]
        assert RefusalCode.SEQUENCE_CONFLICT not in refused

    @invariant()
    def the_writers_memory_is_the_fold_of_the_log(self) -> None:
        if not hasattr(self, "hub"):
            return
        keys = [RecordKey(client) for client in CLIENTS]
        stored = MemoryWriterStore(self.hub.shard).load(keys)
        known = self.hub.intake._files.open(keys)
        for key in keys:
            once, twice = (fold(key, stored.get(key, ())) for _ in range(2))
            assert once.path == twice.path
            assert known[key].path == once.path
            assert known[key].streams == once.streams

    def teardown(self) -> None:
        if hasattr(self, "hub"):
            self.relay_everything()
            self._chains_are_whole()
            self._an_auditor_comes_to_the_same_decisions()
            ends = (moves.ReferralDetached, moves.ReferralWithdrawn)
            by_hub = [one for _, _, one in self.accepted.values() if one.unit == "hub" and isinstance(one.facts, ends)]
            REACHED["detached or withdrawn by the hub"] += len(by_hub)
            REACHED["refused"] += len(self._refused())

    def _an_auditor_comes_to_the_same_decisions(self) -> None:
        assert audited(self.hub) == []
        REACHED["replayed as it was"] += self.lived.compare(self.hub)

    def _chains_are_whole(self) -> None:
        places: Counter[tuple[str, int]] = Counter()
        for unit in UNITS:
            rows = sorted(
                (one for one in self.hub.shard.deliveries.values() if one.unit == unit), key=lambda one: one.sequence
            )
            link = first_link(programme=DECIN, recipient=UnitId(unit), shard=0, generation=1)
            for number, row in enumerate(rows, 1):
                event = self.hub.shard.log[row.position]
                assert isinstance(event, MessageAccepted)
                digest = sha256(event.message.payload).digest()
                link = next_link(link, recipient=row.unit, sequence=number, position=row.position, digest=digest)
                assert (row.sequence, row.link, row.digest) == (number, link, digest)
                places[unit, row.position] += 1
        assert max(places.values(), default=1) == 1

    # how it is asked

    def _log_of(self, client: SubjectId | None) -> Sequence[LogEntry]:
        return MemoryWriterStore(self.hub.shard).load([RecordKey(str(client))])[RecordKey(str(client))]

    def _message(
        self,
        unit: str,
        facts: Facts,
        client: SubjectId | None,
        **attributes: Any,  # noqa: ANN401 - attributes of a message
    ) -> tuple[MessageId, SignedBytes]:
        return self.hub.message(unit, facts, subject=client, **attributes)

    def _say(self, unit: str, facts: Facts, client: SubjectId | None, **attributes: Any) -> Message | None:  # noqa: ANN401 - as above
        """Say something now; the message if the hub accepted it."""
        name, signed = self._message(unit, facts, client, **attributes)
        record = self.hub.record(signed, client or self.hub.units[unit].source)
        self.sent[name] = (record, parse(signed.payload))
        self.hub.take([record])
        self._look_at_the_log()
        return self.accepted[name][2] if name in self.accepted else None

    def _look_at_the_log(self) -> None:
        shard = self.hub.shard
        for position in range(self.log_read, len(shard.log)):
            event = shard.log[position]
            if isinstance(event, MessageAccepted):
                message = parse(event.message.payload)
                assert message.id not in self.accepted
                self.accepted[message.id] = (position, event, message)
        self.log_read = len(shard.log)

    def _refused(self) -> list[MessageId]:
        return [event.message_id for event in self.hub.shard.log if isinstance(event, MessageRefused)]

    def _before(self) -> tuple[set[Pair], set[Pair], int]:
        """Who holds what, who could, and how far the log went, before something may end."""
        return self._held(), self._could(), self.log_read

    def _duties_follow(self, before: tuple[set[Pair], set[Pair], int]) -> None:
        """Whoever holds what no paper covers any more was told to erase it; nobody was told of what was never open to them."""
        held, could, read = before
        after = self._could()
        duties = [
            (position, message.facts)
            for position, _, message in self.accepted.values()
            if isinstance(message.facts, ObligationOpened)
        ]
        named = {(str(one.unit), name) for _, one in duties for name in one.entries}
        plain = {name for name, (_, _, message) in self.accepted.items() if _is_plain(message)}
        ended = {(unit, name) for unit, name in held & could if name in plain} - after
        assert ended <= named
        fresh = {(str(one.unit), name) for position, one in duties if position >= read for name in one.entries}
        assert {(unit, name) for unit, name in fresh if name in plain} <= held | could
        REACHED["duty"] += len(ended)
        REACHED["duty after an expiry"] += sum(one.because == "expired" for _, one in duties)
        if self.log_read > read:
            REACHED["no duty, since another paper covers it"] += len(
                {pair for pair in held & after if pair[1] in plain}
            )

    def _to_be_announced(self, since: datetime) -> set[tuple[str, datetime]]:
        """Which papers end within thirty days of a moment that passed since then, and go on in no other line."""
        now, days = self.hub.clock.at, timedelta(days=30)
        return {
            (name, line.ends)
            for about in self.said.values()
            for name, paper in about.papers.items()
            if not paper.withdrawn
            for line in paper.grants
            if line.sources and since < line.ends - days <= now < line.ends
            if not any(other.outlives(line) for other in paper.grants)
        }

    def _announced(self, since: int) -> list[tuple[str, datetime]]:
        """Of which papers the hub said that they end, from this position of the log on."""
        said = [message.facts for position, _, message in self.accepted.values() if position >= since]
        return [(one.consent_id, one.until) for one in said if isinstance(one, ConsentExpiryAnnounced)]

    def _could(self) -> set[Pair]:
        """Who may hold what by what was said, restrictions apart."""
        now = self.hub.clock.at
        return {
            (unit, name)
            for name, (_, _, message) in self.accepted.items()
            if _is_plain(message) and message.subject is not None and name not in self.erased
            for unit in UNITS
            if self.said[message.subject].could_have(
                unit, author=message.unit, category=str(message.category), happened=message.time, at=now
            )
        }

    def _held(self) -> set[Pair]:
        """Entries that units were given, or were decided to be given."""
        by_position = {position: name for name, (position, _, _) in self.accepted.items()}
        given = {(str(row.unit), by_position[row.position]) for row in self.hub.shard.deliveries.values()}
        return given | {
            (str(one.unit), name) for name, (_, event, _) in self.accepted.items() for one in event.recipients
        }

    def _look_at_the_feeds(self) -> None:
        """Everything that came onto a feed since the last look was permitted at this moment: nothing was said in between."""
        self._look_at_the_log()
        for unit, records in self.hub.feeds.items():
            for record in records[self.looked_at[unit] :]:
                REACHED["withheld"] += record.kind == "delivery" and record.message is None
                if record.kind == "delivery" and record.message is not None:
                    delivery, message = document(record.signed, Delivery), parse(record.message.payload)
                    assert delivery.recipient == unit
                    assert message.category is not Category.CONDUCT
                    if message.category is not None:
                        assert self._permitted(unit, message), (unit, message)
                        self._count(unit, message)
            self.looked_at[unit] = len(records)

    def _count(self, unit: str, message: Message) -> None:
        REACHED["given"] += 1
        REACHED["given on a referral"] += not _is_plain(message)
        recipients = self.accepted[message.id][1].recipients
        REACHED["given by a back-fill"] += unit not in {one.unit for one in recipients}

    def _permitted(self, unit: str, message: Message) -> bool:
        assert message.subject is not None
        assert message.category is not None
        if message.id in self.erased:
            return False
        about, now = self.said[message.subject], self.hub.clock.at
        question: dict[str, Any] = {"category": str(message.category), "happened": message.time, "at": now}
        if not isinstance(message.facts, moves.ReferralFacts):
            return about.may_have(unit, author=message.unit, **question)
        sent = next(one for one in self.referrals if _referral(one) == _referral(message))
        assert isinstance(sent.facts, moves.ReferralSent)
        if message.unit == "hub" and unit in {sent.unit, sent.facts.target}:
            return True
        author = str(sent.unit if message.unit == "hub" else message.unit)
        if about.may_have(unit, author=author, **question):
            return True
        parties = {str(sent.unit), str(sent.facts.target)}
        if {unit, author} != parties:
            return False
        ground = next(one.ground for one in self.accepted[sent.id][1].recipients if one.unit == sent.facts.target)
        return about.still_rides(str(ground), target=str(sent.facts.target), category=str(sent.category), at=now)


def _is_plain(message: Message) -> bool:
    """An entry that only a paper opens."""
    return message.category is not None and not isinstance(message.facts, moves.ReferralFacts)


def _referral(message: Message) -> ReferralId:
    assert isinstance(message.facts, moves.ReferralFacts)
    return message.facts.referral_id


def need(category: Category) -> NeedAssessed:
    """An entry; under a special category its codes are sealed."""
    return NeedAssessed() if category in {Category.HEALTH, Category.CRIMINAL} else NeedAssessed(dimension="skills")


def walk(seed: int, steps: int) -> None:
    """One long, likely story, the same for a seed: Hypothesis tries what is odd, this what is usual."""
    chance, machine = Random(seed), HubMachine()
    machine.begin()
    for _ in range(steps):
        action = chance.choices(list(LIKELY), weights=[weight for weight, _ in LIKELY.values()])[0]
        LIKELY[action][1](machine, chance)
        machine.every_message_has_exactly_one_event()
    machine.the_writers_memory_is_the_fold_of_the_log()
    machine.teardown()


def _unit(chance: Random) -> str:
    return chance.choice(("op", "op", "op", "up", "md", "vz"))


def _pick(chance: Random) -> int:
    return chance.randrange(10**6)


LIKELY: dict[str, tuple[int, Callable[[HubMachine, Random], None]]] = {
    "consent": (6, lambda m, c: m.broad_consent(_unit(c), KAREL, c.choice(RECIPIENTS), c.randint(5, 60))),
    "entries": (20, lambda m, c: m.entries_are_made(_unit(c), KAREL, c.choices(ENTERED, k=2), c.randint(0, 20))),
    "change": (
        6,
        lambda m, c: m.change_consent(
            _pick(c), _unit(c), c.choice(("attest", "withdraw", "narrow", "extend")), {c.choice(GRANTABLE)}
        ),
    ),
    "correct": (2, lambda m, c: m.correct(_pick(c)) if m.entries else None),
    "refer": (5, lambda m, c: m.refer("op", c.choice(("vz", "up")), KAREL, c.choice(GRANTABLE), c.randint(1, 30))),
    "move": (12, lambda m, c: m.move_referral(_pick(c), _unit(c)) if m.referrals else None),
    "restrict": (1, lambda m, c: m.restrict(_unit(c), KAREL, {c.choice(GRANTABLE)}, lift=c.random() < 0.5)),
    "lift": (2, lambda m, _: m.lift_all()),
    "one person": (4, lambda m, c: m.one_person(_unit(c), KAREL, split=c.random() < 0.2)),
    "answer": (2, lambda m, c: m.answer_a_duty(_pick(c))),
    "erase": (1, lambda m, c: m.erase(_unit(c), KAREL, {c.choice(GRANTABLE)} if c.random() < 0.7 else set())),
    "again": (2, lambda m, c: m.ask_for_the_feed_again(c.choice(("vz", "up")), 1)),
    "repeat": (2, lambda m, c: m.a_record_comes_again(_pick(c))),
    "disorder": (1, lambda m, c: m.two_records_change_places(_unit(c), KAREL)),
    "writer": (1, lambda m, _: m.another_writer_takes_over()),
    "relay": (2, lambda m, c: m.another_relay_takes_over(c.random() < 0.5)),
    "step": (6, lambda m, _: m.relay_one_step()),
    "all": (6, lambda m, _: m.relay_everything()),
    "report": (2, lambda m, _: m.report()),
    "time": (4, lambda m, c: m.time_passes(c.randint(1, 24 * 12))),
}
"""How often what is done, of 90 times."""


def test_likely_stories_reach_every_kind_of_giving_and_ending() -> None:
    REACHED.clear()
    for seed in range(16):
        walk(seed, steps=80)
    assert {name for name, times in REACHED.items() if times} == WANTED, REACHED


TestHubMachine = HubMachine.TestCase
TestHubMachine.settings = settings(
    max_examples=20, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
