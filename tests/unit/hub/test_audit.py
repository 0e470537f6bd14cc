"""An auditor with an export, a policy and no trust: an honest log verifies, and every dishonest one is found, by its kind."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from typer.testing import CliRunner

from adapters.conformance.on_paper import on_paper
from contracts.categories import Purpose
from contracts.codes import RefusalCode
from contracts.envelope import parse
from contracts.grants import Grant, to_unit
from contracts.ledger import checkpoint, signed_note
from contracts.ledger import policy as policies
from contracts.ledger.checkpoint import origin_of
from contracts.ledger.signed_note import NoteSigner
from contracts.messages.access import Emergency, RecordAccessed
from contracts.messages.consent import ConsentWithdrawn
from contracts.messages.erasure import ErasureCarriedOut, ErasureRequested
from contracts.messages.feed import FeedAcknowledged
from contracts.messages.ground import GroundRegistered
from contracts.messages.hub import ConsentExpired, DeliveryReported, ReportedDelivery
from contracts.messages.need import NeedAssessed
from contracts.messages.obligation import ObligationAnswered
from contracts.names import ActorId, GroundId, MessageId, ProgrammeId, RecordKey, SubjectId, UnitId
from contracts.pae import PayloadType
from contracts.signed_bytes import sign_one
from hub.application.admission import without_unit
from hub.audit import commands
from hub.audit.findings import FindingCode
from hub.audit.history import UnknownSubjectError
from hub.audit.replay import Seen, replay
from hub.audit.replay_report import as_document
from hub.audit.verification import verify
from hub.domain.events import Basis, Given, MessageAccepted, MessageRefused, StoredMessage
from tests.simulation.ended_consent import SKILLS, consent_that_ended, paper_of
from tests.simulation.exported import POLICY, SIGNER, audited, exported, note_over, rows_of
from tests.simulation.programme import KAREL, START, Simulation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from contracts.facts import Facts
    from contracts.signed_bytes import SignedBytes
    from hub.audit.bundle import Row
    from hub.domain.events import Event


@pytest.fixture
def hub() -> Simulation:
    return consent_that_ended()


def consent_of_a_day(hub: Simulation) -> GroundId:
    """Given by op to vz, over tomorrow."""
    consent = GroundId(hub.next_id())
    until = hub.clock.at + timedelta(days=1)
    grant = Grant(sources=(UnitId("op"),), recipient=to_unit(UnitId("vz")), categories=(SKILLS,), until=until)
    paper = on_paper(consent, grant)
    hub.say("op", paper)
    return consent


def codes(hub: Simulation, folder: Path, rows: Sequence[Row], note: bytes | None = None) -> set[FindingCode]:
    bundle = exported(hub, folder / "export", rows, note)
    return {one.code for one in verify(bundle, policies.parse(POLICY)).findings}


def test_an_honest_log_verifies_and_every_decision_comes_out_the_same(hub: Simulation, tmp_path: Path) -> None:
    report = verify(exported(hub, tmp_path / "export"), policies.parse(POLICY))
    assert report.findings == []
    assert report.counts["accepted"] + report.counts["refused"] == report.rows == len(hub.shard.log)
    assert report.counts["deliveries"] >= 3


class TestWhoeverChangesTheExportIsFound:
    """The rows do not have the root that was signed, whatever was done to them."""

    @pytest.mark.parametrize(
        "change",
        [
            lambda rows: [*rows[:3], *rows[4:]],
            lambda rows: [*rows[:3], replace(rows[4], position=3), replace(rows[3], position=4), *rows[5:]],
            lambda rows: [*rows[:3], rows[3], rows[3], *rows[4:]],
            lambda rows: rows[:-1],
            lambda rows: [
                *rows[:4],
                replace(rows[4], state=rows[4].state.replace(b'"at":"2026', b'"at":"2027')),
                *rows[5:],
            ],
        ],
        ids=["dropped", "reordered", "inserted", "cut off", "changed"],
    )
    def test_rows(self, hub: Simulation, tmp_path: Path, change: Callable[[list[Row]], list[Row]]) -> None:
        found = codes(hub, tmp_path, change(rows_of(hub)))
        assert found & {FindingCode.ROOT_MISMATCH, FindingCode.SIZE_MISMATCH}

    def test_rows_that_no_checkpoint_vouches_for(self, hub: Simulation, tmp_path: Path) -> None:
        rows = rows_of(hub)
        assert FindingCode.SIZE_MISMATCH in codes(hub, tmp_path, rows, note_over(rows[:-1]))

    def test_a_stream_that_is_not_the_event_s_own(self, hub: Simulation, tmp_path: Path) -> None:
        rows = rows_of(hub)
        twice = next(one for one in rows if one.stream_version > 1)
        moved = [replace(one, stream_id=uuid4(), stream_version=1) if one is twice else one for one in rows]
        assert codes(hub, tmp_path, moved) == {FindingCode.MISPLACED}

    def test_the_ledger_of_another_programme(self, hub: Simulation, tmp_path: Path) -> None:
        rows = rows_of(hub)
        stranger = NoteSigner(origin_of(ProgrammeId("jihlava"), 0), SIGNER.seed)
        note = signed_note.parse(note_over(rows).decode())
        text = note.text.replace(SIGNER.name, stranger.name)
        bundle = exported(hub, tmp_path / "export", rows, signed_note.sign(text, [stranger]).document.encode())
        found = verify(bundle, policies.parse(f"log {stranger.key.text}\nquorum none\n")).findings
        assert {one.code for one in found} == {FindingCode.NOT_ACCEPTED}

    def test_another_signer(self, hub: Simulation, tmp_path: Path) -> None:
        bundle = exported(hub, tmp_path / "export")
        stranger = replace(SIGNER, seed=b"\x0b" * 32)
        found = verify(bundle, policies.parse(f"log {stranger.key.text}\nquorum none\n")).findings
        assert {one.code for one in found} == {FindingCode.NOT_ACCEPTED}

    def test_every_flipped_byte_of_the_rows(self, hub: Simulation, tmp_path: Path) -> None:
        exported(hub, tmp_path / "export")
        (tmp_path / "policy").write_text(POLICY)
        rows = tmp_path / "export" / "log.jsonl"
        whole = rows.read_bytes()
        for at in range(0, len(whole), 997):
            raw = bytearray(whole)
            raw[at] ^= 1
            rows.write_bytes(bytes(raw))
            typed = ["verify", str(tmp_path / "export"), "--policy", str(tmp_path / "policy"), "--json"]
            result = CliRunner().invoke(commands.app, typed)
            assert result.exit_code != 0 or result.exception is not None, at


class TestAnOperatorWithAllKeysIsFoundByRunningTheDecisionsAgain:
    """Rewritten before it was signed: the root fits, the rules do not."""

    def rewritten(self, hub: Simulation, tmp_path: Path, change: Callable[[Event], Event]) -> set[FindingCode]:
        hub.shard.log = [change(event) for event in hub.shard.log]
        rows = rows_of(hub)
        return codes(hub, tmp_path, rows, note_over(rows))

    def test_a_delivery_without_a_ground(self, hub: Simulation, tmp_path: Path) -> None:
        needs = [
            event
            for event in hub.shard.log
            if isinstance(event, MessageAccepted) and b"need.assessed" in event.message.payload
        ]

        def leak(event: Event) -> Event:
            if event is not needs[0] or not isinstance(event, MessageAccepted):
                return event
            return event.model_copy(update={"recipients": (*event.recipients, Given(unit=UnitId("md-claims")))})

        assert FindingCode.OTHER_RECIPIENTS in self.rewritten(hub, tmp_path, leak)

    def test_a_message_that_its_author_did_not_sign(self, hub: Simulation, tmp_path: Path) -> None:
        def forge(event: Event) -> Event:
            if not isinstance(event, MessageAccepted) or b"need.assessed" not in event.message.payload:
                return event
            payload = event.message.payload.replace(b'"skills"', b'"mobility"', 1)
            return event.model_copy(update={"message": event.message.model_copy(update={"payload": payload})})

        assert FindingCode.BAD_SIGNATURE in self.rewritten(hub, tmp_path, forge)

    def test_a_withdrawal_that_was_left_out(self, hub: Simulation, tmp_path: Path) -> None:
        hub.shard.log = [
            event
            for event in hub.shard.log
            if not (isinstance(event, MessageAccepted) and b"consent.withdrawn" in event.message.payload)
        ]
        rows = rows_of(hub)
        assert codes(hub, tmp_path, rows, note_over(rows))

    def test_a_decision_dated_back(self, hub: Simulation, tmp_path: Path) -> None:
        last = hub.shard.log[-1]

        def earlier(event: Event) -> Event:
            return event.model_copy(update={"at": START}) if event is last else event

        assert FindingCode.TIME_RAN_BACK in self.rewritten(hub, tmp_path, earlier)

    def test_a_consent_used_after_it_ended(self, hub: Simulation, tmp_path: Path) -> None:
        needs = [
            event
            for event in hub.shard.log
            if isinstance(event, MessageAccepted) and b"need.assessed" in event.message.payload
        ]
        late = needs[-1].model_copy(update={"at": START + timedelta(days=301)})
        hub.shard.log = [*hub.shard.log[: hub.shard.log.index(needs[-1])], late]
        rows = rows_of(hub)
        found = codes(hub, tmp_path, rows, note_over(rows))
        assert found & {FindingCode.NOT_PERMITTED, FindingCode.OTHER_RECIPIENTS}

    def slip_in(self, hub: Simulation, signed: SignedBytes) -> None:
        """A signed need of op's, accepted against the rules, as the last event."""
        last = [one for one in hub.shard.log if isinstance(one, MessageAccepted) and one.stream == "path"][-1]
        message = StoredMessage(payload=signed.payload, key_id=signed.key_id, signature=signed.signature)
        changes = {"message": message, "at": hub.shard.log[-1].at, "originator_version": last.originator_version + 1}
        hub.shard.log.append(last.model_copy(update=changes))

    @pytest.mark.parametrize("told", ["the true one", "another history", "more than there was", "of another shard"])
    def test_a_history_that_is_not_the_one_that_an_author_saw(self, hub: Simulation, tmp_path: Path, told: str) -> None:
        size, shard = len(hub.shard.log), 0
        true = checkpoint.parse(signed_note.parse(note_over(rows_of(hub)).decode()).text).root
        root = true if told == "the true one" else b"\x01" * 32
        if told == "more than there was":
            size += 9
        if told == "of another shard":
            shard = 1
        seen = f"{shard}:{size}:{b64encode(root).decode()}"
        said = FeedAcknowledged(shard=0, generation=1, feed_sequence=0, link="0" * 64)
        hub.say("op", said, subject=None, checkpoint=seen)
        expected = {FindingCode.CONTRADICTED} if told in {"another history", "more than there was"} else set()
        assert codes(hub, tmp_path, rows_of(hub)) == expected

    def test_a_message_under_the_key_of_another_client(self, hub: Simulation, tmp_path: Path) -> None:
        other = RecordKey("r1." + "q" * 26)

        def moved(event: Event) -> Event:
            consent = isinstance(event, MessageAccepted) and b"consent.given" in event.message.payload
            return event.model_copy(update={"key": other}) if consent else event

        assert FindingCode.MISPLACED in self.rewritten(hub, tmp_path, moved)

    def test_what_was_signed_with_a_key_after_it_was_revoked(self, hub: Simulation, tmp_path: Path) -> None:
        hub.revoke(hub.units["op"].key.key_id)
        self.slip_in(hub, hub.message("op", NeedAssessed(dimension="skills"), category=SKILLS)[1])
        rows = rows_of(hub)
        found = verify(exported(hub, tmp_path / "export", rows, note_over(rows)), policies.parse(POLICY)).findings
        assert any(one.code is FindingCode.BAD_SIGNATURE and "no valid key" in one.detail for one in found)

    def test_what_a_unit_said_after_its_admission_ended(self, hub: Simulation, tmp_path: Path) -> None:
        listed = without_unit(hub.intake.directory, UnitId("op"), at=hub.clock.at)
        hub.take([hub.next_list(listed)])
        self.slip_in(hub, hub.message("op", NeedAssessed(dimension="skills"), category=SKILLS)[1])
        assert FindingCode.BAD_SIGNATURE in self.rewritten(hub, tmp_path, lambda event: event)

    def test_what_a_unit_said_in_another_programme(self, hub: Simulation, tmp_path: Path) -> None:
        op = hub.units["op"]
        said = hub.message("op", NeedAssessed(dimension="skills"), category=SKILLS)[1].payload
        self.slip_in(hub, sign_one(said.replace(b"decin", b"jihlava"), op.key, PayloadType.CLOUDEVENT))
        rows = rows_of(hub)
        found = verify(exported(hub, tmp_path / "export", rows, note_over(rows)), policies.parse(POLICY)).findings
        assert (FindingCode.NOT_PERMITTED, RefusalCode.WRONG_PROGRAMME) in {(one.code, one.detail) for one in found}

    def test_what_the_rules_cannot_even_judge_does_not_end_the_audit(self, hub: Simulation, tmp_path: Path) -> None:
        until = hub.clock.at + timedelta(days=9)
        given = Grant(sources=(UnitId("up"),), recipient=to_unit(UnitId("vz")), categories=(SKILLS,), until=until)
        law = GroundRegistered(ground_id=GroundId(hub.next_id()), basis=("A6-1-e",), statute="act", grants=(given,))
        said = hub.message("up", law)[1]
        self.slip_in(hub, replace(said, payload=said.payload.replace(b"decin:up", b"decin:nobody")))
        assert FindingCode.NOT_PERMITTED in self.rewritten(hub, tmp_path, lambda event: event)

    def test_a_report_of_the_hub_told_twice(self, hub: Simulation, tmp_path: Path) -> None:
        report = next(
            one
            for one in hub.shard.log
            if isinstance(one, MessageAccepted) and b"delivery.reported" in one.message.payload
        )
        hub.shard.log.append(report.model_copy(update={"originator_id": uuid4(), "at": hub.shard.log[-1].at}))
        assert FindingCode.REPEATED in self.rewritten(hub, tmp_path, lambda event: event)

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"basis": Basis(gate=1, grounds_position=0, trust_list=9, settings=0)}, FindingCode.WRONG_BASIS),
            ({"code": RefusalCode.SEQUENCE_CONFLICT, "advances": False, "last_sequence": 7}, FindingCode.NUMBER),
            ({"code": RefusalCode.ID_REUSED, "advances": False}, FindingCode.REPEATED),
            ({"advances": False}, FindingCode.NUMBER),
        ],
        ids=["another basis", "a number that was free", "an id that was new", "a number given twice"],
    )
    def test_a_refusal_that_the_log_does_not_bear_out(
        self, hub: Simulation, tmp_path: Path, changes: dict[str, object], code: FindingCode
    ) -> None:
        def refused(event: Event) -> Event:
            return event.model_copy(update=changes) if isinstance(event, MessageRefused) else event

        assert any(isinstance(event, MessageRefused) for event in hub.shard.log)
        assert code in self.rewritten(hub, tmp_path, refused)

    def drop(self, hub: Simulation, said: bytes) -> None:
        """Leave out everything that the hub said of this type."""
        kept = [one for one in hub.shard.log if not (isinstance(one, MessageAccepted) and said in one.message.payload)]
        assert len(kept) < len(hub.shard.log)
        hub.shard.log = kept

    def test_a_duty_to_erase_that_was_never_given(self, hub: Simulation, tmp_path: Path) -> None:
        self.drop(hub, b"obligation.opened")
        assert FindingCode.MISSING in self.rewritten(hub, tmp_path, lambda event: event)

    @pytest.mark.parametrize("said", [b"obligation.overdue", b"consent.expired"])
    def test_a_day_that_came_and_was_kept_silent(self, hub: Simulation, tmp_path: Path, said: bytes) -> None:
        if said == b"consent.expired":
            hub = Simulation()
            hub.publish_trust_list()
            consent_of_a_day(hub)
        hub.move_to(hub.clock.at + timedelta(days=3))
        hub.revoke(hub.units["vz"].key.key_id)
        hub.move_to(hub.clock.at + timedelta(days=2))
        hub.revoke(hub.units["up"].key.key_id)
        assert codes(hub, tmp_path / "whole", rows_of(hub)) == set()
        self.drop(hub, said)
        assert FindingCode.MISSING in self.rewritten(hub, tmp_path, lambda event: event)

    def say_for_the_hub(self, hub: Simulation, facts: Facts, subject: SubjectId | None) -> None:
        """With the hub's own key, as the last event."""
        _, signed = hub.programme.voice.say(facts, name="made-up", at=hub.shard.log[-1].at, subject=subject)
        hub.take([hub.record(signed, subject or hub.hub_record_key)])

    def test_a_consent_that_the_hub_ended_before_its_day(self, hub: Simulation, tmp_path: Path) -> None:
        consent = consent_of_a_day(hub)
        ended = ConsentExpired(consent_id=consent, expired=1, due=hub.clock.at + timedelta(days=1))
        self.say_for_the_hub(hub, ended, KAREL)
        assert FindingCode.UNFOUNDED in self.rewritten(hub, tmp_path, lambda event: event)

    def test_a_delivery_that_was_reported_and_never_decided(self, hub: Simulation, tmp_path: Path) -> None:
        at = next(
            place
            for place, one in enumerate(hub.shard.log)
            if isinstance(one, MessageAccepted) and b"need.assessed" in one.message.payload
        )
        slot = ReportedDelivery(unit=UnitId("md-claims"), feed_sequence=1, position=at, verdict="given")
        self.say_for_the_hub(hub, DeliveryReported(shard=0, generation=1, deliveries=(slot,)), None)
        assert self.rewritten(hub, tmp_path, lambda event: event) == {FindingCode.UNFOUNDED}


class TestAUnitThatReadWhatWasNotOpenToIt:
    """Its own adapter said so: the gate is run again over what it reported."""

    def read(self, hub: Simulation, unit: str, entry: MessageId, purpose: Purpose = Purpose.SUPPORT) -> None:
        looked = RecordAccessed(
            reader=ActorId("teacher/w3"),
            reader_unit=UnitId(unit),
            purpose_of_access=purpose,
            entries=(entry,),
            outcome="read",
        )
        hub.say(unit, looked)

    def found(self, hub: Simulation) -> list[str]:
        return [one.detail.partition(": ")[2] for one in audited(hub) if one.code is FindingCode.READ]

    @pytest.fixture
    def entry(self, hub: Simulation) -> MessageId:
        """Given to the school, then withdrawn, and the day by which it had to be erased is over."""
        return next(
            parse(event.message.payload).id
            for event in hub.shard.log
            if isinstance(event, MessageAccepted) and b"need.assessed" in event.message.payload
        )

    def test_after_the_withdrawal_and_the_day_to_erase_it(self, hub: Simulation, entry: MessageId) -> None:
        self.read(hub, "vz", entry)
        assert self.found(hub) == ["it had to be erased before"]

    def test_after_it_said_that_it_was_erased(self, hub: Simulation, entry: MessageId) -> None:
        duty = next(iter(hub.intake._files.open([RecordKey(KAREL)])[RecordKey(KAREL)].path.obligations))
        hub.say("vz", ObligationAnswered(obligation_id=duty, statement="erased", entries=3, digest="0" * 64))
        hub.clock.at += timedelta(days=1)
        self.read(hub, "vz", entry)
        assert self.found(hub) == ["it had said that it erased it"]

    def test_what_was_never_given_to_it(self, hub: Simulation, entry: MessageId) -> None:
        self.read(hub, "md-claims", entry)
        assert self.found(hub) == ["it was never given to it"]

    def test_for_another_purpose(self, hub: Simulation, entry: MessageId) -> None:
        self.read(hub, "vz", entry, Purpose.CONTROL)
        assert self.found(hub) == ["for control, given for support"]

    def in_an_emergency(self, hub: Simulation, entry: MessageId, *, lasting: timedelta) -> None:
        until = hub.clock.at + lasting
        opened = Emergency(emergency_id=hub.next_id(), reason="shelter-tonight", until=until)
        looked = RecordAccessed(
            reader=ActorId("teacher/w3"),
            reader_unit=UnitId("vz"),
            purpose_of_access=Purpose.SUPPORT,
            entries=(entry,),
            outcome="read",
            reason=opened.reason,
            emergency=opened,
        )
        hub.say("vz", looked)

    def test_in_an_emergency_another_purpose_is_no_fault_while_it_lasts_and_one_after_it(self) -> None:
        hub = Simulation()
        hub.publish_trust_list()
        hub.clock.at = START + timedelta(days=39)
        paper = paper_of(GroundId(hub.next_id()))
        (grant,) = paper.grants
        counted = grant.model_copy(update={"purpose": Purpose.STATISTICS})
        hub.say("op", paper.model_copy(update={"grants": (counted,)}))
        entry = hub.say("op", NeedAssessed(dimension="skills"), category=SKILLS, purpose=Purpose.STATISTICS)
        self.in_an_emergency(hub, entry, lasting=timedelta(hours=6))
        assert audited(hub) == []
        self.in_an_emergency(hub, entry, lasting=timedelta(hours=-1))
        assert self.found(hub) == ["the emergency under which it was opened had ended"]
        self.read(hub, "vz", entry)
        assert self.found(hub)[1:] == ["for support, given for statistics"]

    def test_its_own_and_what_was_open_is_nobodys_fault(self) -> None:
        hub = Simulation()
        hub.publish_trust_list()
        hub.clock.at = START + timedelta(days=39)
        hub.say("op", paper_of(consent := GroundId(hub.next_id())))
        entry = hub.say("op", NeedAssessed(dimension="skills"), category=SKILLS)
        self.read(hub, "op", entry)
        self.read(hub, "vz", entry)
        hub.say("op", ConsentWithdrawn(consent_id=consent))
        self.read(hub, "vz", entry)
        assert audited(hub) == [], "until the day by which it must be erased a unit may still look"


class TestReplay:
    def test_as_of_any_time_it_is_what_was_live_then(self, tmp_path: Path) -> None:
        hub = Simulation()
        hub.publish_trust_list()
        consent, live = GroundId(hub.next_id()), []
        paper = paper_of(consent)
        need = NeedAssessed(dimension="skills")
        for facts in (paper, need, need, ConsentWithdrawn(consent_id=consent)):
            hub.clock.at += timedelta(days=3)
            hub.say("op", facts, **({"category": SKILLS} if facts is need else {}))
            hub.relay_all()
            hub.report_all()
            live.append(
                (hub.clock.at + timedelta(hours=1), hub.intake._files.open([RecordKey(KAREL)])[RecordKey(KAREL)].path)
            )
        bundle = exported(hub, tmp_path / "export")
        for at, path in live:
            found = replay(bundle, KAREL, at)
            assert [ground for ground, _ in found.grounds] == list(path.grounds.values())
            assert [force for _, force in found.grounds] == [one.active(at) for one in path.grounds.values()]
            assert {one.message_id for one in found.entries} == set(path.entries)
            assert list(found.open_obligations) == [one for one in path.obligations.values() if one.open]
        before, after = (replay(bundle, KAREL, live[place][0]) for place in (2, 3))
        assert [one.seen for one in before.entries] == [
            (Seen(UnitId("vz"), consent, delivered=True, permitted_now=True),)
        ] * 2
        assert not any(seen.permitted_now for one in after.entries for seen in one.seen)
        assert [one.unit for one in after.open_obligations] == ["vz"]

    def test_a_subject_that_the_log_does_not_know_is_said_to_be_unknown(self, hub: Simulation, tmp_path: Path) -> None:
        with pytest.raises(UnknownSubjectError):
            replay(exported(hub, tmp_path / "export"), SubjectId("r1." + "z" * 26), hub.clock.at)

    def test_before_anything_was_said_there_is_nothing(self, hub: Simulation, tmp_path: Path) -> None:
        with pytest.raises(UnknownSubjectError):
            replay(exported(hub, tmp_path / "export"), KAREL, START + timedelta(hours=1))


class TestTheCommand:
    def test_it_ends_with_0_for_an_honest_export_and_says_what_it_checked(
        self, hub: Simulation, tmp_path: Path
    ) -> None:
        exported(hub, tmp_path / "export")
        (tmp_path / "policy").write_text(POLICY)
        typed = ["verify", str(tmp_path / "export"), "--policy", str(tmp_path / "policy")]
        assert "Everything holds" in CliRunner().invoke(commands.app, typed).output
        told = json.loads(CliRunner().invoke(commands.app, [*typed, "--json"]).output)
        assert told["holds"] is True
        assert told["root_keys"] == [hub.root.key_id]

    def test_a_root_key_that_the_auditor_was_not_told_of_is_a_violation(self, hub: Simulation, tmp_path: Path) -> None:
        exported(hub, tmp_path / "export")
        (tmp_path / "policy").write_text(POLICY)
        typed = ["verify", str(tmp_path / "export"), "--policy", str(tmp_path / "policy"), "--root", "hub/directory/0"]
        result = CliRunner().invoke(commands.app, typed)
        assert result.exit_code == 1
        assert hub.root.key_id in result.output


def test_after_an_erasure_the_log_verifies_and_a_replay_says_since_when_it_is_erased(tmp_path: Path) -> None:
    hub = Simulation()
    hub.publish_trust_list()
    hub.clock.at = START + timedelta(days=39)
    hub.say("op", paper_of(GroundId(hub.next_id())))
    hub.say("op", NeedAssessed(dimension="skills"), category=SKILLS)
    hub.relay_all()
    hub.report_all()
    before = hub.clock.at
    hub.clock.at += timedelta(days=1)
    asked_at = hub.clock.at
    asked = hub.say("op", ErasureRequested())
    hub.clock.at += timedelta(days=1)
    done = ErasureCarriedOut(
        request_id=asked, entries=1, keys=1, live_at=hub.clock.at, beyond_at=hub.clock.at + timedelta(days=30)
    )
    _, signed = hub.programme.voice.say(done, name=f"erasure/{asked}", at=hub.clock.at, subject=KAREL)
    hub.take([hub.record(signed, KAREL)])
    hub.say("op", NeedAssessed(dimension="skills"), category=SKILLS)
    assert audited(hub) == []
    bundle = exported(hub, tmp_path / "export")
    told = {
        at: [None if one.erased is None else one.erased.carried_out for one in replay(bundle, KAREL, at).entries]
        for at in (before, asked_at, hub.clock.at)
    }
    assert told == {before: [None], asked_at: [None], hub.clock.at: [hub.clock.at, None]}
    shown = [
        [entry["content"] for entry in as_document(replay(bundle, KAREL, at))["entries"]]
        for at in (before, asked_at, hub.clock.at)
    ]
    assert shown == [["stored"], ["to be erased"], ["erased", "stored"]]
    assert not any(seen.permitted_now for seen in replay(bundle, KAREL, asked_at).entries[0].seen)


def test_an_erasure_that_the_hub_says_was_carried_out_and_nobody_asked_for_is_found() -> None:
    hub = consent_that_ended()
    at = hub.shard.log[-1].at
    last = next(
        one for one in hub.shard.log if isinstance(one, MessageAccepted) and b"obligation.opened" in one.message.payload
    )
    done = ErasureCarriedOut(request_id=hub.next_id(), entries=1, keys=1, live_at=at, beyond_at=at)
    _, signed = hub.programme.voice.say(done, name="made-up", at=at, subject=KAREL)
    said = StoredMessage(payload=signed.payload, key_id=signed.key_id, signature=signed.signature)
    version = max(one.originator_version for one in hub.shard.log if one.originator_id == last.originator_id)
    changes = {"message": said, "at": at, "originator_version": version + 1, "recipients": ()}
    hub.shard.log.append(last.model_copy(update=changes))
    assert FindingCode.NOT_PERMITTED in {one.code for one in audited(hub)}
