"""Whatever happened, and however it was cut into chunks: rebuilt read models are those that grew live.

A unit's journal keeps only the latest state of each message, so a rebuild reads another list than the live follower did.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, MetaData, event

from contracts.categories import Category
from contracts.codes import RefusalCode
from contracts.facts import Facts
from contracts.messages import referral as moves
from contracts.messages.access import RecordAccessed
from contracts.messages.consent import ConsentAttested, ConsentNarrowed, ConsentWithdrawn
from contracts.messages.entry import CorrectionContent, EntryCorrected
from contracts.messages.hub import DeliveryReported, ObligationOpened, ReportedDelivery
from contracts.messages.need import NeedAssessed
from contracts.messages.obligation import ObligationAnswered
from contracts.messages.processing import ProcessingLifted, ProcessingRestricted
from contracts.messages.subject import SubjectMerged, SubjectSplit
from contracts.names import GroundId, MergeId, MessageId, ObligationId, ReferralId, SubjectId, UnitId
from projections.access_tables import METADATA as ACCESS
from projections.database import open_database
from projections.grounds import METADATA as GROUNDS
from projections.obligations import METADATA as OBLIGATIONS
from projections.one_person import METADATA as ONE_PERSON
from projections.source import LogBackfill, LogRecipient
from projections.timeline import METADATA as TIMELINE
from projections.worklist import METADATA as WORKLIST
from tests.read_model_rig import (
    HALINA,
    HUB,
    KAREL,
    MD,
    OP,
    UP,
    VZ,
    HubRunner,
    MemoryJournal,
    MemoryLog,
    UnitRunner,
    Writer,
    consent,
    day,
    hub_runner,
    named,
    referral_sent,
    rows_of,
    unit_runner,
)

UNIT_MODELS, HUB_MODELS = (TIMELINE, WORKLIST, GROUNDS, ONE_PERSON), (ACCESS, OBLIGATIONS)
_MODEST = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@dataclass(frozen=True)
class Step:
    """One thing that happens: `kind` with two numbers to choose by, `at` a day, and whether the follower runs then."""

    kind: str
    author: UnitId
    subject: SubjectId
    one: int
    other: int
    follow: bool


def steps(*kinds: str) -> st.SearchStrategy[list[Step]]:
    step = st.builds(
        Step,
        kind=st.sampled_from(kinds),
        author=st.sampled_from((OP, UP, MD)),
        subject=st.sampled_from((KAREL, HALINA)),
        one=st.integers(0, 30),
        other=st.integers(0, 30),
        follow=st.booleans(),
    )
    return st.lists(step, min_size=8, max_size=40)


def ground(step: Step) -> GroundId:
    return GroundId(named(10_000 + step.one % 2))


def facts_of(step: Step) -> Facts:
    """Facts of the step's kind; many of them break a rule of the tables, which must then change nothing."""
    referral_id = ReferralId(named(20_000 + step.one % 2))
    choices: dict[str, Facts] = {
        "sent": referral_sent(step.one % 2, (UP, MD, None)[step.other % 3]),
        "accepted": moves.ReferralAccepted(referral_id=referral_id),
        "waitlisted": moves.ReferralWaitlisted(referral_id=referral_id, expected=day(step.other)),
        "started": moves.ReferralStarted(referral_id=referral_id, first_contact=day(2)),
        "withdrawn": moves.ReferralWithdrawn(referral_id=referral_id, reason="client-request"),
        "consent": consent(step.one % 2, recipient=(UP, MD)[step.other % 2], until=100 + step.other),
        "attested": ConsentAttested(consent_id=ground(step), method="saw-original"),
        "narrowed": ConsentNarrowed(consent_id=ground(step), recipient=consent(0).recipient),
        "consent-withdrawn": ConsentWithdrawn(consent_id=ground(step)),
        "restricted": ProcessingRestricted(categories=(Category.HOUSING,) if step.other % 2 else ()),
        "lifted": ProcessingLifted(),
        "need": NeedAssessed(dimension="housing"),
        "merged": SubjectMerged(merge_id=MergeId(named(30_000 + step.one % 2)), method="asked-client", tell=(UP,)),
        "split": SubjectSplit(merge_id=MergeId(named(30_000 + step.one % 2)), reason="other-person"),
    }
    return choices[step.kind]


def categorised(step: Step) -> Category | None:
    return Category.HOUSING if step.kind in {"sent", "accepted", "waitlisted", "started", "withdrawn", "need"} else None


class UnitHistory:
    """Plays steps into a unit's journal."""

    def __init__(self) -> None:
        self.journal, self._write = MemoryJournal(), Writer()
        self._known: list[tuple[MessageId, UnitId, SubjectId]] = []
        self._refused: set[MessageId] = set()
        self._erased: set[MessageId] = set()

    def play(self, step: Step) -> None:
        match step.kind:
            case "erased" | "refused" | "receipt":
                self._change(step)
            case "corrected":
                self._correct(step)
            case _:
                self._add(
                    step,
                    self._write(
                        facts_of(step),
                        step.author,
                        subject=step.subject,
                        category=categorised(step),
                        at=day(step.other),
                    ),
                )

    def _add(self, step: Step, payload: bytes) -> None:
        position = None if step.author == OP else 3 * step.one + step.other
        message_id = self.journal.add(payload, position=position)
        self._known.append((message_id, step.author, step.subject))

    def _correct(self, step: Step) -> None:
        if self._known:
            entry, author, subject = self._known[step.one % len(self._known)]
            content = CorrectionContent(facts={"dimension": "skills"})
            payload = self._write(
                EntryCorrected(reason="wrong-code"),
                author,
                subject=subject,
                category=Category.HOUSING,
                content=content,
                corrects=entry,
            )
            self._add(Step(step.kind, author, subject, step.one, step.other, step.follow), payload)

    def _change(self, step: Step) -> None:
        if not self._known:
            return
        message_id, author, _ = self._known[step.one % len(self._known)]
        if message_id in self._erased:
            return
        if step.kind == "erased":
            self._erased.add(message_id)
            self.journal.erase(message_id, day(step.other))
        elif author == OP and message_id not in self._refused:
            self._answer(step, message_id)

    def _answer(self, step: Step, message_id: MessageId) -> None:
        if step.kind == "refused":
            self._refused.add(message_id)
            self.journal.change(message_id, kind="refused", refusal=RefusalCode.NO_GROUND)
        else:
            self.journal.change(message_id, position=3 * step.other, state="accepted")


class HubHistory:
    """Plays steps into the hub's log."""

    def __init__(self) -> None:
        self.log, self._write = MemoryLog(), Writer()

    def play(self, step: Step) -> None:
        position = len(self.log.items)
        recipients = [LogRecipient(unit, ground(step)) for unit in (OP, UP, MD)[: step.other % 4]]
        backfills: tuple[LogBackfill, ...] = ()
        author, subject, category = step.author, step.subject, Category.HOUSING if step.kind == "need" else None
        if step.kind == "backfill":
            backfills = (LogBackfill(unit=VZ, ground_id=ground(step), source=OP, through=max(0, position - 2)),)
        payload = self._write(
            self._facts(step, position),
            HUB if step.kind in {"reported", "opened"} else author,
            subject=None if step.kind == "reported" else subject,
            category=category,
            at=day(position),
        )
        self.log.accept(payload, given=recipients if step.kind == "need" else (), backfills=backfills)

    def _facts(self, step: Step, position: int) -> Facts:
        obligation_id = ObligationId(named(30_000 + step.one % 3))
        match step.kind:
            case "reported":
                return DeliveryReported(shard=0, generation=1, deliveries=_deliveries(step, position))
            case "opened":
                entries = (MessageId(named(1)),)
                return ObligationOpened(
                    obligation_id=ObligationId(named(30_000 + step.one % 3)),
                    unit=MD,
                    ground_id=ground(step),
                    because="withdrawn",
                    entries=entries,
                    categories=(Category.HOUSING,),
                    due=day(step.other),
                )
            case "answered":
                return ObligationAnswered(
                    obligation_id=obligation_id, statement="erased", entries=step.other, digest="0" * 64
                )
            case "accessed":
                return RecordAccessed.model_validate(
                    {"reader": "worker/w7", "reader_unit": MD, "purpose_of_access": "support", "outcome": "refused"},
                    strict=False,
                )
            case "backfill":
                return consent(step.one % 2, recipient=VZ)
            case _:
                return NeedAssessed(dimension="housing")


def _deliveries(step: Step, position: int) -> tuple[ReportedDelivery, ...]:
    positions = [where for where in range(position) if (where + step.one) % 3 == 0] or [0]
    units = (UP, MD, VZ)
    return tuple(
        ReportedDelivery(
            unit=units[(where + step.other) % 3],
            feed_sequence=where + 1,
            position=where,
            verdict="given" if (step.other + where) % 2 else "withheld",
        )
        for where in positions
    )


@contextmanager
def fresh_databases(live: str | None, again: str | None) -> Iterator[tuple[Engine, Engine]]:
    """Two empty SQLite databases, or the two given."""
    with tempfile.TemporaryDirectory() as folder:
        engines = [
            open_database(url or f"sqlite:///{Path(folder) / f'{number}.db'}")
            for number, url in enumerate((live, again))
        ]
        for engine in engines:
            if engine.dialect.name == "sqlite":
                event.listen(engine, "connect", _unsafe)
        try:
            yield engines[0], engines[1]
        finally:
            for engine in engines:
                engine.dispose()


def _unsafe(connection: sqlite3.Connection, _record: object) -> None:
    """No example asks what survives a power cut."""
    connection.execute("PRAGMA synchronous=OFF")


def all_rows(engine: Engine, models: Sequence[MetaData]) -> list[dict[str, list[tuple[object, ...]]]]:
    return [rows_of(engine, one) for one in models]


def rebuilt(runner: UnitRunner | HubRunner, names: Sequence[str]) -> None:
    for name in names:
        runner.rebuild(name)
    runner.catch_up()


_STATE_KINDS = ("corrected", "erased", "refused", "receipt")
_REFERRAL_KINDS = ("sent", "accepted", "waitlisted", "started", "withdrawn")
_GROUND_KINDS = ("consent", "attested", "narrowed", "consent-withdrawn", "restricted", "lifted")
_UNIT_KINDS = ("need", "merged", "split", *_STATE_KINDS, *_REFERRAL_KINDS, *_GROUND_KINDS)


@_MODEST
@given(history=steps(*_UNIT_KINDS), live_chunk=st.integers(1, 5), again_chunk=st.integers(1, 9))
def test_a_unit_that_rebuilds_sees_what_it_saw_before(history: list[Step], live_chunk: int, again_chunk: int) -> None:
    played = UnitHistory()
    with fresh_databases(None, None) as (live, again):
        follower = unit_runner(live, played.journal, chunk=live_chunk)
        for step in history:
            played.play(step)
            if step.follow:
                follower.step()
        follower.catch_up()
        grown = all_rows(live, UNIT_MODELS)
        unit_runner(again, played.journal, chunk=again_chunk).catch_up()
        assert all_rows(again, UNIT_MODELS) == grown
        rebuilt(unit_runner(live, played.journal, chunk=again_chunk), ("timeline", "worklist", "grounds"))
        assert all_rows(live, UNIT_MODELS) == grown


@_MODEST
@given(
    history=steps("need", "reported", "backfill", "opened", "answered", "accessed"),
    live_chunk=st.integers(1, 5),
    again_chunk=st.integers(1, 9),
)
def test_the_hubs_evidence_does_not_depend_on_when_it_was_read(
    history: list[Step], live_chunk: int, again_chunk: int
) -> None:
    played = HubHistory()
    with fresh_databases(None, None) as (live, again):
        follower = hub_runner(live, played.log, chunk=live_chunk)
        for step in history:
            played.play(step)
            if step.follow:
                follower.step()
        follower.catch_up()
        grown = all_rows(live, HUB_MODELS)
        hub_runner(again, played.log, chunk=again_chunk).catch_up()
        assert all_rows(again, HUB_MODELS) == grown
        rebuilt(hub_runner(live, played.log, chunk=again_chunk), ("access-history", "obligations"))
        assert all_rows(live, HUB_MODELS) == grown


@pytest.mark.parametrize("seed", range(3))
def test_postgresql_and_sqlite_hold_the_same_rows(quick_database: str, seed: int) -> None:
    played = UnitHistory()
    for number in range(120):
        kind = _UNIT_KINDS[(number * 7 + seed * 5) % len(_UNIT_KINDS)]
        author, subject = (OP, UP, MD)[(number + seed) % 3], (KAREL, HALINA)[number % 2]
        played.play(Step(kind, author, subject, (number * 11) % 31, (number * 5) % 31, follow=False))
    with fresh_databases(quick_database, None) as (postgres, sqlite):
        for engine, chunk in ((postgres, 7), (sqlite, 50)):
            unit_runner(engine, played.journal, chunk=chunk).catch_up()
        assert all_rows(postgres, UNIT_MODELS) == all_rows(sqlite, UNIT_MODELS)
