"""The access history on both databases."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Engine

from contracts.access_view import AccessView
from contracts.categories import Category, Purpose
from contracts.dsse import to_envelope
from contracts.keys import KeyUse, SigningKey
from contracts.messages.access import Emergency, HiddenByLaw, RecordAccessed, RecordAudited
from contracts.messages.hub import DeliveryReported, ReportedDelivery, TrustListPublished
from contracts.messages.need import NeedAssessed
from contracts.names import ActorId, GroundId, InstitutionId, MessageId, UnitId
from contracts.pae import PayloadType
from contracts.trust_list import InstitutionEntry, KeyEntry, TrustList, UnitEntry, digest_of, sign_trust_list
from projections.access_report import AccessAction, AccessOutcome, AccessRecord, access_history
from projections.client_accesses import client_view
from projections.source import LogBackfill, LogRecipient
from tests.read_model_rig import (
    HALINA,
    HUB,
    KAREL,
    MD,
    OP,
    PROGRAMME,
    UP,
    VZ,
    MemoryLog,
    OnPostgres,
    OnSqlite,
    Writer,
    consent,
    day,
    hub_runner,
    named,
    referral_sent,
)

C1, CLAIMS = GroundId(named(10_001)), UnitId("md-claims")


def history(engine: Engine, log: MemoryLog) -> list[AccessRecord]:
    hub_runner(engine, log).catch_up()
    with engine.begin() as connection:
        return list(access_history(connection, KAREL))


def need(write: Writer, author: UnitId = OP) -> bytes:
    return write(NeedAssessed(dimension="housing"), author, category=Category.HOUSING)


def report(write: Writer, *deliveries: tuple[UnitId, int, str], at: float) -> bytes:
    given = tuple(
        ReportedDelivery.model_validate({"unit": unit, "feed_sequence": 1, "position": position, "verdict": verdict})
        for unit, position, verdict in deliveries
    )
    return write(DeliveryReported(shard=0, generation=1, deliveries=given), HUB, subject=None, at=day(at))


def look(emergency: Emergency | None = None, hidden: HiddenByLaw | None = None) -> RecordAccessed:
    """A worker of MD read an entry."""
    return RecordAccessed(
        reader=ActorId("worker/w7"),
        reader_unit=MD,
        purpose_of_access=Purpose.SUPPORT,
        categories=(Category.HOUSING,),
        entries=(MessageId(named(5)),),
        outcome="read",
        reason=None if emergency is None else emergency.reason,
        emergency=emergency,
        hidden=hidden,
    )


class AccessHistoryContract:
    def test_the_client_sees_who_was_given_what_under_which_ground(self, engine: Engine) -> None:
        log, write = MemoryLog(), Writer()
        position = log.accept(need(write), given=[LogRecipient(UP, C1), LogRecipient(MD, C1)])
        assert {one.outcome for one in history(engine, log)} == {AccessOutcome.DECIDED}
        log.accept(report(write, (UP, position, "given"), at=1))
        decided, delivered = history(engine, log)
        assert (decided.receiver_code, decided.outcome, decided.logtime) == (MD, AccessOutcome.DECIDED, day(0))
        assert (delivered.receiver_code, delivered.outcome, delivered.logtime) == (
            UP,
            AccessOutcome.DELIVERED,
            day(1),
        )
        assert (delivered.action, delivered.source, delivered.system) == (AccessAction.DISCLOSED, OP, HUB)
        assert (delivered.ground_id, delivered.purpose, delivered.categories, delivered.position) == (
            C1,
            Purpose.SUPPORT,
            (Category.HOUSING,),
            position,
        )

    def test_the_client_sees_reads_and_refused_attempts(self, engine: Engine) -> None:
        log, write = MemoryLog(), Writer()
        for reader_unit, outcome, reason in ((MD, "read", None), (CLAIMS, "refused", "not-permitted")):
            accessed = RecordAccessed.model_validate(
                {
                    "reader": "worker/w7",
                    "reader_unit": reader_unit,
                    "purpose_of_access": Purpose.SUPPORT,
                    "categories": (Category.HOUSING,),
                    "entries": (MessageId(named(5)),),
                    "outcome": outcome,
                    "reason": reason,
                }
            )
            log.accept(write(accessed, MD, at=day(107)))
        read, refused = history(engine, log)
        assert (read.action, read.outcome, read.receiver_code, read.entries) == (
            AccessAction.READ,
            AccessOutcome.READ,
            MD,
            (named(5),),
        )
        assert (refused.outcome, refused.receiver_code, refused.system, refused.reason, refused.reader) == (
            AccessOutcome.REFUSED,
            CLAIMS,
            MD,
            "not-permitted",
            "worker/w7",
        )

    def test_the_client_sees_that_an_auditor_looked_and_what_for(self, engine: Engine) -> None:
        log, write = MemoryLog(), Writer()
        audited = RecordAudited(
            reader=ActorId("auditor/dpo-1"), purpose_of_audit="complaint", shown="path", until=day(200)
        )
        position = log.accept(write(audited, HUB, at=day(200)))
        (look,) = history(engine, log)
        assert (look.outcome, look.reader, look.receiver_code, look.system) == (
            AccessOutcome.READ,
            "auditor/dpo-1",
            HUB,
            HUB,
        )
        assert (look.audit, look.purpose, look.position, look.logtime) == ("complaint", None, position, day(200))

    def test_the_client_is_told_what_a_law_hid_once_its_day_has_come_and_the_auditor_at_once(
        self, engine: Engine
    ) -> None:
        log, write = MemoryLog(), Writer()
        hidden = HiddenByLaw(basis="child-protection", until=day(200))
        log.accept(write(look(hidden=hidden), MD, at=day(107)))
        log.accept(write(look(), MD, at=day(108)))
        records = history(engine, log)
        assert [one.hidden_basis for one in records] == ["child-protection", None]
        before = client_view(records, programme=PROGRAMME, subject=KAREL, at=day(199))
        assert [one.logtime for one in before.lines] == [day(108)]
        assert "child" not in before.model_dump_json()
        after = client_view(records, programme=PROGRAMME, subject=KAREL, at=day(200))
        assert [one.logtime for one in after.lines] == [day(107), day(108)]

    def test_the_client_reads_the_role_of_who_looked_and_not_who_it_was(self, engine: Engine) -> None:
        log, write = MemoryLog(), Writer()
        log.accept(write(look(), MD, at=day(107)))
        log.accept(need(write), given=[LogRecipient(UP, C1)])
        view = client_view(history(engine, log), programme=PROGRAMME, subject=KAREL, at=day(200))
        given, read = view.lines
        assert (read.role, read.receiver_code, read.system, read.action) == ("worker", MD, MD, "R")
        assert (given.receiver_code, given.source, given.system, given.ground) == (UP, OP, HUB, C1)
        assert "w7" not in view.model_dump_json()
        assert AccessView.model_validate_json(view.model_dump_json(exclude_none=True)) == view

    def test_client_and_auditor_see_what_was_opened_in_an_emergency_and_what_a_second_person_said(
        self, engine: Engine
    ) -> None:
        log, write = MemoryLog(), Writer()
        opened = Emergency(emergency_id=MessageId(named(9)), reason="shelter-tonight", until=day(108))
        log.accept(write(look(emergency=opened), MD, at=day(107)))
        judged = opened.model_copy(update={"judged": "not-justified"})
        log.accept(write(look(emergency=judged), MD, at=day(108)))
        records = history(engine, log)
        assert [(one.emergency, one.judged) for one in records] == [
            ("shelter-tonight", None),
            ("shelter-tonight", "not-justified"),
        ]
        view = client_view(records, programme=PROGRAMME, subject=KAREL, at=day(200))
        assert [one.reason for one in view.lines] == [None, None], "nothing was refused"
        assert [(one.emergency, one.judged) for one in view.lines] == [(one.emergency, one.judged) for one in records]

    def test_a_back_filled_entry_shows_the_ground_that_opened_the_range(self, engine: Engine) -> None:
        log, write = MemoryLog(), Writer()
        position = log.accept(need(write))
        later = log.accept(need(write))
        opened = LogBackfill(unit=VZ, ground_id=C1, source=OP, through=position)
        log.accept(write(consent(1, recipient=VZ), at=day(2)), backfills=(opened,))
        log.accept(report(write, (VZ, position, "given"), (VZ, later, "given"), at=3))
        covered, beyond = history(engine, log)
        assert (covered.position, covered.ground_id, covered.outcome) == (position, C1, AccessOutcome.DELIVERED)
        assert (beyond.position, beyond.ground_id) == (later, None)

    def test_what_was_delivered_once_stays_in_the_history_when_a_replay_withholds_it(self, engine: Engine) -> None:
        log, write = MemoryLog(), Writer()
        first = log.accept(need(write), given=[LogRecipient(UP, C1)])
        second = log.accept(need(write), given=[LogRecipient(UP, C1)])
        log.accept(report(write, (UP, first, "given"), (UP, second, "withheld"), at=1))
        log.accept(report(write, (UP, first, "given"), at=4))
        log.accept(report(write, (UP, first, "withheld"), at=5))
        outcomes = {one.position: (one.outcome, one.logtime) for one in history(engine, log)}
        assert outcomes == {first: (AccessOutcome.DELIVERED, day(1)), second: (AccessOutcome.WITHHELD, day(1))}

    def test_a_referral_is_named_and_other_clients_are_not_in_it(self, engine: Engine) -> None:
        log, write = MemoryLog(), Writer()
        log.accept(write(referral_sent(1), category=Category.SKILLS), given=[LogRecipient(UP, C1)])
        log.accept(write(referral_sent(2), subject=HALINA, category=Category.SKILLS), given=[LogRecipient(UP, C1)])
        (one,) = history(engine, log)
        assert one.referral_id == named(20_001)

    def test_units_are_shown_by_the_names_of_the_newest_trust_list(self, engine: Engine) -> None:
        log, write = MemoryLog(), Writer()
        log.accept(need(write), given=[LogRecipient(UP, C1)])
        assert [one.receiver_name for one in history(engine, log)] == [None]
        for name in ("Labour office", "Labour office Děčín"):
            log.accept(write(_published(name), HUB, subject=None))
        assert [(one.receiver_name, one.institution) for one in history(engine, log)] == [
            ("Labour office Děčín", "State")
        ]

    def test_the_history_outlives_the_erasure_of_the_entry(self, engine: Engine) -> None:
        log, write = MemoryLog(), Writer()
        log.accept(need(write), given=[LogRecipient(UP, C1)])
        log.erase(0)
        (one,) = history(engine, log)
        assert (one.receiver_code, one.ground_id, one.categories) == (UP, C1, ())


def _published(name: str) -> TrustListPublished:
    root = SigningKey.generate(HUB, KeyUse.DIRECTORY)
    entry = KeyEntry.of(root.verifying_key, valid_from=day(0), valid_until=day(900))
    listed = TrustList(
        programme=PROGRAMME,
        version=1,
        issued_at=day(0),
        expires_at=day(0) + timedelta(days=900),
        time_zone="Europe/Prague",
        partitions=4,
        root_keys=(entry,),
        hub_keys=(),
        institutions=(InstitutionEntry(institution=InstitutionId("state"), name="State"),),
        units=(UnitEntry(unit=UP, institution=InstitutionId("state"), name=name, keys=()),),
    )
    signed = sign_trust_list(listed, root)
    document = to_envelope(signed, PayloadType.TRUST_LIST).decode()
    return TrustListPublished(version=1, digest=digest_of(signed), document=document)


class TestAccessHistoryOnSqlite(OnSqlite, AccessHistoryContract):
    pass


class TestAccessHistoryOnPostgres(OnPostgres, AccessHistoryContract):
    pass
