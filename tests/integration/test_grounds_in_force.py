"""The grounds of a unit on both databases."""

from __future__ import annotations

from sqlalchemy import Engine

from contracts.categories import Category, Purpose
from contracts.codes import RefusalCode
from contracts.gate import Party, Permit, permit
from contracts.grants import to_unit
from contracts.messages.consent import ConsentAttested, ConsentExtended, ConsentNarrowed, ConsentWithdrawn
from contracts.messages.hub import ConsentExpiryAnnounced
from contracts.messages.processing import ProcessingLifted, ProcessingRestricted
from contracts.names import GroundId, UnitId
from projections.grounds import Reach, announced, ending, grounds_of, in_force, restrictions_of
from tests.read_model_rig import (
    HUB,
    KAREL,
    MD,
    OP,
    UP,
    MemoryJournal,
    OnPostgres,
    OnSqlite,
    Writer,
    consent,
    day,
    named,
    unit_runner,
)

C1 = GroundId(named(10_001))


def reach(engine: Engine, journal: MemoryJournal, *, at: float = 10) -> list[Reach]:
    unit_runner(engine, journal).catch_up()
    with engine.begin() as connection:
        return list(in_force(connection, KAREL, at=day(at)))


def who_sees(engine: Engine, journal: MemoryJournal, *, at: float = 10) -> set[tuple[UnitId, str, Category]]:
    return {(one.source, one.recipient, one.category) for one in reach(engine, journal, at=at)}


def told(engine: Engine, journal: MemoryJournal, *, at: float) -> set[tuple[GroundId, Category]]:
    """What a worker is told to end soon."""
    unit_runner(engine, journal).catch_up()
    with engine.begin() as connection:
        return {(one.ground_id, one.category) for one in announced(connection, at=day(at))}


class GroundsContract:
    def test_a_consent_opens_the_collectors_entries_at_once_and_others_when_they_attest(self, engine: Engine) -> None:
        journal, write = MemoryJournal(), Writer()
        journal.add(write(consent(1)))
        assert who_sees(engine, journal) == {(OP, to_unit(UP), Category.HOUSING)}
        journal.add(write(ConsentAttested(consent_id=C1, method="saw-original"), MD))
        assert who_sees(engine, journal) == {(one, to_unit(UP), Category.HOUSING) for one in (OP, MD)}

    def test_the_worker_sees_until_when_and_nothing_after_that(self, engine: Engine) -> None:
        journal, write = MemoryJournal(), Writer()
        journal.add(write(consent(1, until=200)))
        assert [one.until for one in reach(engine, journal, at=199)] == [day(200)]
        assert not reach(engine, journal, at=200)
        with engine.begin() as connection:
            assert {one.ground_id for one in ending(connection, after=day(170), before=day(201))} == {C1}
            assert not ending(connection, after=day(200), before=day(260))

    def test_what_the_hub_announced_to_end_shows_until_it_is_renewed_ended_or_past(self, engine: Engine) -> None:
        journal, write = MemoryJournal(), Writer()
        journal.add(write(consent(1, until=200, categories=(Category.HOUSING, Category.SKILLS))))
        journal.add(write(consent(2, until=200)))
        assert told(engine, journal, at=171) == set()
        notice = ConsentExpiryAnnounced(consent_id=C1, expiring=1, until=day(200))
        journal.add(write(notice, HUB, at=day(170)))
        assert told(engine, journal, at=171) == {(C1, Category.HOUSING), (C1, Category.SKILLS)}
        assert told(engine, journal, at=200) == set()
        wider = consent(1, until=400, categories=(Category.SKILLS,))
        longer = ConsentExtended(consent_id=C1, recipient=wider.recipient, grants=wider.grants, evidence_hash="0" * 64)
        journal.add(write(longer, at=day(172)))
        assert told(engine, journal, at=173) == {(C1, Category.HOUSING)}
        journal.add(write(ConsentWithdrawn(consent_id=C1), at=day(174)))
        assert told(engine, journal, at=175) == set()

    def test_a_withdrawal_ends_it_and_a_narrowed_consent_keeps_what_remains(self, engine: Engine) -> None:
        journal, write = MemoryJournal(), Writer()
        both = (Category.HOUSING, Category.SKILLS)
        journal.add(write(consent(1, categories=both)))
        narrowed = consent(1, categories=(Category.SKILLS,)).grants
        journal.add(write(ConsentNarrowed(consent_id=C1, recipient=to_unit(UP), grants=narrowed), at=day(2)))
        assert who_sees(engine, journal) == {(OP, to_unit(UP), Category.SKILLS)}
        journal.add(write(ConsentWithdrawn(consent_id=C1), UP, at=day(3)))
        assert not who_sees(engine, journal)

    def test_a_refused_withdrawal_is_not_taken_for_one(self, engine: Engine) -> None:
        journal, write = MemoryJournal(), Writer()
        journal.add(write(consent(1)))
        withdrawn = journal.add(write(ConsentWithdrawn(consent_id=C1)))
        assert not who_sees(engine, journal)
        journal.change(withdrawn, kind="refused", refusal=RefusalCode.NOT_ENTITLED)
        assert who_sees(engine, journal)

    def test_a_restriction_closes_its_categories_until_it_is_lifted(self, engine: Engine) -> None:
        journal, write = MemoryJournal(), Writer()
        journal.add(write(consent(1, categories=(Category.HOUSING, Category.SKILLS))))
        journal.add(write(ProcessingRestricted(categories=(Category.HOUSING,)), MD))
        assert {category for _, _, category in who_sees(engine, journal)} == {Category.SKILLS}
        with engine.begin() as connection:
            assert [one.author for one in restrictions_of(connection, KAREL)] == [MD]
        journal.add(write(ProcessingLifted(), MD))
        assert {category for _, _, category in who_sees(engine, journal)} == {Category.HOUSING, Category.SKILLS}

    def test_the_units_own_gate_judges_by_these_grounds(self, engine: Engine) -> None:
        journal, write = MemoryJournal(), Writer()
        journal.add(write(consent(1)))
        unit_runner(engine, journal).catch_up()
        with engine.begin() as connection:
            grounds = grounds_of(connection, KAREL)
        verdict = permit(
            grounds,
            (),
            (),
            publisher=Party(OP),
            recipient=Party(UP),
            purpose=Purpose.SUPPORT,
            category=Category.HOUSING,
            occurred=day(5),
            at=day(6),
        )
        assert verdict == Permit(C1)

    def test_a_consent_that_was_erased_here_opens_nothing_here(self, engine: Engine) -> None:
        journal, write = MemoryJournal(UP), Writer()
        given = journal.add(write(consent(1)))
        assert who_sees(engine, journal)
        journal.erase(given, day(9))
        assert not who_sees(engine, journal)


class TestGroundsOnSqlite(OnSqlite, GroundsContract):
    pass


class TestGroundsOnPostgres(OnPostgres, GroundsContract):
    pass
