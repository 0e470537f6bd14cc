"""The timeline on both databases."""

from __future__ import annotations

import json

from sqlalchemy import Engine

from contracts.categories import Category
from contracts.codes import RefusalCode
from contracts.messages.entry import CorrectionContent, EntryCorrected
from contracts.messages.need import NeedAssessed, NeedContent
from contracts.messages.service import ServiceDelivered
from contracts.names import GroundId, MessageId, SubjectId, UnitId
from projections.corrections import Shown, timeline
from projections.source import JournalItem
from tests.read_model_rig import (
    HALINA,
    KAREL,
    OP,
    UP,
    MemoryJournal,
    OnPostgres,
    OnSqlite,
    Writer,
    day,
    named,
    unit_runner,
)


def shown(engine: Engine, journal: MemoryJournal, *, subject: SubjectId = KAREL, others: bool = True) -> list[Shown]:
    unit_runner(engine, journal).catch_up()
    with engine.begin() as connection:
        return list(timeline(connection, subject, others_visible=others))


class TimelineContract:
    def test_a_worker_reads_entries_in_the_order_in_which_things_happened(self, engine: Engine) -> None:
        journal, write = MemoryJournal(), Writer()
        late = journal.add(write(NeedAssessed(dimension="housing"), category=Category.HOUSING, at=day(8)))
        early = journal.add(
            write(NeedAssessed(dimension="skills"), UP, category=Category.SKILLS, at=day(3)), position=7
        )
        journal.add(write(NeedAssessed(dimension="skills"), subject=HALINA, category=Category.SKILLS, at=day(1)))
        entries = [one.entry for one in shown(engine, journal)]
        assert [(one.message_id, one.kind, one.author, one.time) for one in entries] == [
            (early, "given", UP, day(3)),
            (late, "own", OP, day(8)),
        ]
        assert (entries[0].category, entries[0].facts, entries[0].position) == (
            Category.SKILLS,
            {"dimension": "skills"},
            7,
        )

    def test_content_under_a_special_category_is_shown_whole_to_the_unit_that_can_open_it(self, engine: Engine) -> None:
        journal, write = MemoryJournal(), Writer()
        facts = NeedAssessed(dimension="health", level="high")
        journal.add(write(facts, UP, category=Category.HEALTH, content=NeedContent(finding="back pain")))
        (one,) = shown(engine, journal)
        assert one.entry.facts == {"dimension": "health", "level": "high"}
        assert one.entry.content == {"finding": "back pain"}

    def test_nobody_sees_others_entries_once_the_lease_has_run_out(self, engine: Engine) -> None:
        journal, write = MemoryJournal(), Writer()
        own = journal.add(write(NeedAssessed(dimension="housing"), category=Category.HOUSING))
        given = journal.add(write(NeedAssessed(dimension="skills"), UP, category=Category.SKILLS))
        erased = journal.add(write(NeedAssessed(dimension="skills"), UP, category=Category.SKILLS))
        journal.erase(erased, day(9))
        assert [one.entry.message_id for one in shown(engine, journal, others=False)] == [own]
        assert {one.entry.message_id for one in shown(engine, journal)} == {own, given, erased}

    def test_a_correction_shows_the_new_value_and_keeps_the_old_one_for_the_reader(self, engine: Engine) -> None:
        journal, write = MemoryJournal(UP), Writer()
        hours = ServiceDelivered(service="course-welding", quantity="80", unit_of_quantity="hours")
        first = journal.add(write(hours, OP, category=Category.SKILLS))
        by = _correct(journal, write, first, quantity="88", note="two days were missing")
        again = _correct(journal, write, by, quantity="90", note=None)
        (one,) = shown(engine, journal)
        assert one.entry.message_id == first
        assert one.entry.facts == {
            "service": "course-welding",
            "quantity": "90",
            "unit_of_quantity": "hours",
        }
        assert [(old.facts or {}).get("quantity") for old in one.history] == ["80", "88"]
        assert [(old.by, old.note) for old in one.history] == [(by, "two days were missing"), (again, None)]

    def test_corrections_hold_in_the_authors_order_though_a_back_fill_brings_them_late(self, engine: Engine) -> None:
        journal, write = MemoryJournal(UP), Writer()
        hours = write(ServiceDelivered(service="course-welding", quantity="80"), category=Category.SKILLS)
        first = MessageId(json.loads(hours)["id"])
        earlier = _correction(write, first, quantity="88")
        later = _correction(write, first, quantity="90")
        journal.add(later)
        assert [one.entry.corrects for one in shown(engine, journal)] == [first]
        journal.add(earlier)
        journal.add(hours)
        (one,) = shown(engine, journal)
        assert (one.entry.facts or {})["quantity"] == "90"

    def test_no_other_unit_can_correct_an_entry(self, engine: Engine) -> None:
        journal, write = MemoryJournal(UP), Writer()
        hours = ServiceDelivered(service="course-welding", quantity="80")
        first = journal.add(write(hours, OP, category=Category.SKILLS))
        journal.add(_correction(write, first, quantity="8", author=UP))
        assert [(one.entry.facts or {}).get("quantity") for one in shown(engine, journal)] == ["80", None]

    def test_a_refused_correction_changes_nothing_and_is_shown_with_its_reason(self, engine: Engine) -> None:
        journal, write = MemoryJournal(), Writer()
        hours = ServiceDelivered(service="course-welding", quantity="80")
        first = journal.add(write(hours, category=Category.SKILLS))
        by = _correct(journal, write, first, quantity="88", note=None)
        journal.change(by, kind="refused", refusal=RefusalCode.UNKNOWN_ENTRY)
        original, refused = shown(engine, journal)
        assert (original.entry.facts or {})["quantity"] == "80"
        assert refused.entry.refusal is RefusalCode.UNKNOWN_ENTRY

    def test_an_erased_entry_leaves_only_who_shared_it_and_until_when(self, engine: Engine) -> None:
        journal, write = MemoryJournal(), Writer()
        content = NeedContent(finding="owes the city rent")
        payload = write(NeedAssessed(dimension="income-debt"), UP, category=Category.INCOME_DEBT, content=content)
        erased = journal.add(payload, position=3, ground_id=GroundId(named(10_001)))
        before = shown(engine, journal)
        journal.erase(erased, day(30))
        (after,) = shown(engine, journal)
        assert before[0].entry.content == {"finding": "owes the city rent"}
        entry = after.entry
        assert (entry.author, entry.shared_until, entry.kind) == (UP, day(30), "erased")
        what = (entry.type, entry.category, entry.purpose, entry.facts, entry.content, entry.raw)
        where_and_why = (entry.position, entry.ground_id, entry.actor, entry.referral_id)
        assert what + where_and_why == (None,) * 10

    def test_an_entry_of_a_newer_version_is_shown_raw_with_the_reason(self, engine: Engine) -> None:
        journal, write = MemoryJournal(), Writer()
        document = json.loads(write(NeedAssessed(dimension="housing"), UP, category=Category.HOUSING))
        document |= {"type": "eu.spojka.need.guessed.v9", "dataschema": "urn:spojka:schema:need.guessed.v9"}
        journal.put(_item(json.dumps(document).encode(), document["id"]))
        (one,) = shown(engine, journal)
        assert one.entry.type == "eu.spojka.need.guessed.v9"
        assert one.entry.facts is None
        assert "unknown-type" in (one.entry.fault or "")
        assert "eu.spojka.need.guessed.v9" in (one.entry.raw or "")

    def test_sealed_content_without_a_key_is_shown_raw_with_the_reason(self, engine: Engine) -> None:
        journal, write = MemoryJournal(), Writer()
        document = json.loads(write(NeedAssessed(dimension="housing"), UP, category=Category.HOUSING))
        document["data"]["sealed"] = {"form": "jwe", "jwe": "e30..aXY.Y2lwaGVy.dGFn"}
        journal.add(json.dumps(document).encode())
        (one,) = shown(engine, journal)
        assert (one.entry.facts, one.entry.fault, one.entry.raw) == (
            {"dimension": "housing"},
            "sealed",
            "e30..aXY.Y2lwaGVy.dGFn",
        )

    def test_bytes_that_are_no_message_at_all_are_kept_where_a_person_can_see_them(self, engine: Engine) -> None:
        journal = MemoryJournal()
        journal.put(_item(b"\xff\x00 not json", named(99)))
        (one,) = shown(engine, journal)
        assert one.entry.raw == "\\xff\\x00 not json"
        assert one.entry.fault


def _item(payload: bytes, message_id: str) -> JournalItem:
    return JournalItem(
        number=0,
        arrived=0,
        kind="given",
        message_id=MessageId(message_id),
        author=UP,
        subject=KAREL,
        payload=payload,
        recorded_at=day(1),
    )


def _correction(
    write: Writer, entry: MessageId, *, quantity: str, note: str | None = None, author: UnitId = OP
) -> bytes:
    content = CorrectionContent(facts={"quantity": quantity}, note=note)
    facts = EntryCorrected(reason="wrong-amount")
    return write(facts, author, category=Category.SKILLS, content=content, corrects=entry)


def _correct(journal: MemoryJournal, write: Writer, entry: MessageId, *, quantity: str, note: str | None) -> MessageId:
    return journal.add(_correction(write, entry, quantity=quantity, note=note))


class TestTimelineOnSqlite(OnSqlite, TimelineContract):
    pass


class TestTimelineOnPostgres(OnPostgres, TimelineContract):
    pass
