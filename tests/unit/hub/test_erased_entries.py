"""After an erasure the hub's own log does not open any more, and everything that rests on the log goes on: rules, audit, keys."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from contracts.categories import Category
from contracts.codes import RefusalCode
from contracts.envelope import parse
from contracts.grants import Grant, to_unit
from contracts.ledger import policy as policies
from contracts.messages.client import ClientEnrolled
from contracts.messages.consent import ConsentGiven
from contracts.messages.entry import EntryCorrected
from contracts.messages.erasure import ErasureRequested
from contracts.messages.feed import ReplayRequested
from contracts.messages.need import NeedAssessed
from contracts.messages.referral import ReferralAccepted, ReferralSent, ReferralWaitlisted
from contracts.names import GroundId, MessageId, RecordKey, ReferralId, UnitId
from hub.application.case_files import fold
from hub.application.ports import LogEntry
from hub.audit.bundle import Bundle, Row
from hub.audit.findings import FindingCode
from hub.audit.history import UnknownSubjectError
from hub.audit.replay import replay
from hub.audit.verification import verify
from hub.domain.events import MessageAccepted
from hub.domain.outlines import outline_of, said_in
from hub.infrastructure.memory_store import MemoryWriterStore
from hub.infrastructure.postgres.log_source import item_of
from projections.parsed import parse_log
from tests.simulation.exported import POLICY, exported, note_over, sealed_rows_of
from tests.simulation.programme import KAREL, START, Simulation

HOUSING, SKILLS, IDENTITY = Category.HOUSING, Category.SKILLS, Category.IDENTITY
CLIENT = RecordKey(KAREL)
LEVEL = "urgent"
"""An ordinary code that only the entries to be erased hold."""


@pytest.fixture
def hub() -> Simulation:
    """A client whose path has of everything that an erasure may cover, and things after it."""
    made = Simulation()
    made.publish_trust_list()
    made.clock.at = START + timedelta(days=10)
    share(made, "up")
    made.say("op", ClientEnrolled(status="employed"), category=IDENTITY)
    need = made.say("op", NeedAssessed(dimension="housing", level=LEVEL), category=HOUSING, time=START)
    made.say("op", EntryCorrected(reason="typing-error"), category=HOUSING, corrects=need, time=START)
    made.say("op", NeedAssessed(dimension="skills"), category=SKILLS)
    for move in (None, ReferralAccepted, ReferralWaitlisted):
        refer(made, move)
    made.relay_all()
    made.report_all()
    return made


def share(hub: Simulation, unit: str) -> None:
    grant = Grant(
        sources=(UnitId("op"),),
        recipient=to_unit(UnitId(unit)),
        categories=(HOUSING, SKILLS, IDENTITY),
        history_from=START - timedelta(days=1),
        until=hub.clock.at + timedelta(days=90),
    )
    facts = ConsentGiven(
        consent_id=GroundId(hub.next_id()),
        recipient=grant.recipient,
        grants=(grant,),
        notice_version="1",
        paper=("consent", "release-from-secrecy"),
        evidence_hash="0" * 64,
        method="signed-paper",
    )
    hub.say("op", facts)


def refer(hub: Simulation, move: type[ReferralAccepted | ReferralWaitlisted] | None) -> None:
    name, due = ReferralId(hub.next_id()), hub.clock.at + timedelta(days=9)
    sent = ReferralSent(referral_id=name, kind="referral", target=UnitId("up"), answer_due=due, service=LEVEL)
    hub.say("op", sent, category=HOUSING)
    if move is ReferralAccepted:
        hub.say("up", ReferralAccepted(referral_id=name), category=HOUSING)
    elif move is ReferralWaitlisted:
        hub.say("up", ReferralWaitlisted(referral_id=name, expected=due), category=HOUSING)


def erase(hub: Simulation, *categories: Category) -> MessageId:
    return hub.say("op", ErasureRequested(categories=categories))


def read(hub: Simulation) -> Sequence[LogEntry]:
    return MemoryWriterStore(hub.shard).at(range(len(hub.shard.log)))


def erased(hub: Simulation) -> list[MessageAccepted]:
    return [one.event for one in read(hub) if isinstance(one.event, MessageAccepted) and one.event.erased]


def audit(hub: Simulation, folder: Path, without: Sequence[int] = (), rows: list[Row] | None = None) -> Bundle:
    kept = sealed_rows_of(hub, without) if rows is None else rows
    return exported(hub, folder / "bundle", kept, note_over(kept))


def findings(bundle: Bundle) -> set[FindingCode]:
    return {one.code for one in verify(bundle, policies.parse(POLICY)).findings}


def test_what_the_rules_need_of_an_entry_outlives_its_erasure(hub: Simulation) -> None:
    erase(hub)
    hub.say("op", NeedAssessed(dimension="skills"), category=SKILLS)
    before = fold(CLIENT, [LogEntry(n, one) for n, one in enumerate(hub.shard.log) if one.key == CLIENT])
    after = fold(CLIENT, [one for one in read(hub) if one.event.key == CLIENT])
    assert len(erased(hub)) == 9
    assert after == before
    assert after.fault is None


def test_no_content_and_no_code_about_the_client_outlives_an_erasure(hub: Simulation) -> None:
    assert (
        b"".join(one.model_dump_json().encode() for one in hub.shard.log).count(LEVEL.encode()) == 0
    )  # payloads are base64
    whole = [one for one in hub.shard.log if isinstance(one, MessageAccepted) and LEVEL.encode() in one.message.payload]
    assert len(whole) == 4
    erase(hub)
    left = b"".join(one.event.model_dump_json().encode() for one in read(hub))
    assert LEVEL.encode() not in left
    assert all(one.outline is not None for one in erased(hub))


def test_only_the_named_categories_lose_their_keys_and_evidence_loses_none(hub: Simulation) -> None:
    erase(hub, SKILLS)
    assert {one.outline.category for one in erased(hub) if one.outline} == {SKILLS}
    assert len(erased(hub)) == 1


def test_a_new_writer_and_relay_go_on_behind_an_erasure_and_receipts_are_the_same(hub: Simulation) -> None:
    receipts = {name: hub.receipt("op", name) for name in named(hub, "op")}
    erase(hub)
    hub.intake, hub.relay = hub.new_intake(), hub.new_relay()
    for record in receipts:
        hub.shard.receipts_due[next(hub.shard.numbers)] = hub.shard.index[hub.units["op"].source, record].position
    new = hub.say("op", NeedAssessed(dimension="skills"), category=SKILLS)
    hub.relay_all()
    assert hub.given_to(new) == {"up"}
    for name, receipt in receipts.items():
        assert len(hub.receipts("op", name)) == 2
        assert hub.receipts("op", name)[-1] == receipt


def named(hub: Simulation, unit: str) -> list[MessageId]:
    said = [said_in(one) for one in hub.shard.log if isinstance(one, MessageAccepted)]
    return [one.id for one in said if one.unit == unit]


def test_a_feed_and_own_messages_that_are_asked_for_again_come_without_what_was_erased(hub: Simulation) -> None:
    gone = [name for name in named(hub, "op") if name in hub.intake._files.open([CLIENT])[CLIENT].path.entries]
    erase(hub)
    feed = ReplayRequested(shard=0, generation=1, from_sequence=1)
    for unit, asked in (("up", feed), ("op", feed.model_copy(update={"scope": "own"}))):
        before = len(hub.feeds.get(UnitId(unit), []))
        hub.say(unit, asked, subject=None)
        hub.relay_all()
        again = hub.feeds[UnitId(unit)][before:]
        assert again
        names = {parse(one.message.payload).id for one in again if one.message}
        assert names
        assert names.isdisjoint(gone)


def test_an_erased_entry_is_not_corrected_after_a_restart_either(hub: Simulation) -> None:
    (old, *_) = [
        one.message_id
        for one in hub.intake._files.open([CLIENT])[CLIENT].path.entries.values()
        if one.category is HOUSING
    ]
    erase(hub)
    hub.intake = hub.new_intake()
    again = hub.say("op", EntryCorrected(reason="typing-error"), category=HOUSING, corrects=old, time=START)
    hub.relay_all()
    assert hub.receipt("op", again).code is RefusalCode.UNKNOWN_ENTRY


def test_verify_holds_after_an_erasure_and_replay_says_erased_and_no_leaf_has_changed(
    hub: Simulation, tmp_path: Path
) -> None:
    before = [row.state for row in sealed_rows_of(hub)]
    asked = erase(hub)
    hub.relay_all()
    hub.report_all()
    rows = sealed_rows_of(hub)
    assert [row.state for row in rows[: len(before)]] == before
    bundle = audit(hub, tmp_path)
    assert findings(bundle) == set()
    shown = replay(bundle, KAREL, hub.clock.at + timedelta(days=1))
    gone = [one for one in shown.entries if one.erased is not None]
    assert len(gone) == 9
    assert {one.type.split(".")[2] for one in gone} == {"client", "need", "entry", "referral"}
    assert all(one.seen for one in gone)
    written = b"".join(path.read_bytes() for path in bundle.folder.rglob("*") if path.is_file())
    assert LEVEL.encode() not in written
    assert asked in named(hub, "op")


def test_content_that_is_missing_without_an_erasure_is_found(hub: Simulation, tmp_path: Path) -> None:
    lost = next(n for n, one in enumerate(hub.shard.log) if isinstance(one, MessageAccepted) and one.outline)
    assert findings(audit(hub, tmp_path / "whole")) == set()
    assert findings(audit(hub, tmp_path / "lost", [lost])) == {FindingCode.ERASED}
    erase(hub, SKILLS)
    assert findings(audit(hub, tmp_path / "other", [lost])) == {FindingCode.ERASED}


def test_an_outline_that_is_not_the_messages_is_found_before_anything_is_erased(
    hub: Simulation, tmp_path: Path
) -> None:
    place, event = next(
        (n, one) for n, one in enumerate(hub.shard.log) if isinstance(one, MessageAccepted) and one.outline
    )
    assert event.outline == outline_of(said_in(event), event.outline.digest)  # type: ignore[union-attr] # chosen so
    forged = event.outline.model_copy(update={"sequence": 77})  # type: ignore[union-attr] # as above
    hub.shard.log[place] = event.model_copy(update={"outline": forged})
    assert findings(audit(hub, tmp_path)) == {FindingCode.OTHER_OUTLINE}


def test_a_key_that_is_not_the_rows_own_opens_nothing(hub: Simulation, tmp_path: Path) -> None:
    rows = sealed_rows_of(hub)
    other = replace(rows[3], keys=bytes(64))
    found = findings(audit(hub, tmp_path, rows=[*rows[:3], other, *rows[4:]]))
    assert FindingCode.UNREADABLE in found


def test_read_models_read_on_over_what_was_erased(hub: Simulation) -> None:
    erase(hub)
    items = [parse_log(item_of(one)) for one in read(hub)]
    gone = [one for one in items if one.item.outline is not None]
    assert len(gone) == 9
    assert all(one.item.payload is None and one.message is not None and one.message.category for one in gone)


def test_nothing_is_known_of_a_client_of_whom_nothing_was_said(hub: Simulation, tmp_path: Path) -> None:
    erase(hub)
    with pytest.raises(UnknownSubjectError):
        replay(audit(hub, tmp_path), KAREL, START - timedelta(days=9))
