"""What a unit shares leaves it sealed, and opens at whom the key was released to: in any order, once, and until it must be erased."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from adapters.desk.actions.duties import Statement
from adapters.desk.desk import Desk
from adapters.desk.sealing import longest
from adapters.desk.signer import Signer
from adapters.drafts import Draft
from adapters.exchange.feed_check import Suspicion
from adapters.process.entry_text import details
from adapters.process.journal_source import JournalSource
from adapters.process.overviews import Overviews
from adapters.storage.journal import EntryKind
from adapters.words import Words
from contracts.categories import Category
from contracts.codes import RefusalCode
from contracts.envelope import compose, open_clear, parse
from contracts.facts import Clear, Jwe
from contracts.kafka_record import MAX_VALUE
from contracts.keys import KeyUse, SigningKey
from contracts.messages.client import ClientContent, ClientEnrolled
from contracts.messages.consent import ConsentGiven
from contracts.messages.entry import CorrectionContent, EntryCorrected
from contracts.messages.hub import ObligationOpened
from contracts.messages.key import KeyDeposited
from contracts.messages.need import NeedAssessed, NeedContent
from contracts.names import HUB, MessageId, MessageType, ObligationId, RecordKey, source_of
from contracts.pae import PayloadType
from contracts.sealing.content import open_content, seal_content
from contracts.sealing.content_key import ContentKey
from contracts.signed_bytes import sign_one
from projections.corrections import timeline
from projections.parsed import SEALED
from tests.simulated_hub import FOR_EVER, GROUND, PROGRAMME, SUBJECT, message_id, opening_key
from tests.unit.adapters.reading_unit import ReadingUnit
from tests.unit.sealing.sealed_pair import FINDING, KAREL, NOON, OP, UP, SealedPair, Sent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


KEY_DEPOSITED = MessageType("eu.spojka.key.deposited.v1")


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[SealedPair]:
    made = SealedPair(tmp_path)
    yield made
    made.close()


def findings(sent: list[Sent]) -> list[Sent]:
    return [one for one in sent if isinstance(one.message.facts, NeedAssessed)]


def epochs(sent: list[Sent], scope: str = "housing") -> list[int]:
    facts = [one.message.facts for one in sent]
    return [one.epoch for one in facts if isinstance(one, KeyDeposited) and one.scope == scope]


# leaving


def test_nothing_that_a_person_wrote_leaves_in_clear(pair: SealedPair) -> None:
    pair.consent()
    pair.need()
    pair.need(category=Category.HEALTH)
    sent = pair.take()
    assert not any(isinstance(one.message.data.sealed, Clear) for one in sent)
    assert len(findings(sent)) == 2
    everything = b"".join(one.signed.payload + (one.header or b"") for one in sent)
    for word in (FINDING.encode(), b"paper on file", b"ajem"):
        assert word not in everything
    assert all(b'"level"' not in one.signed.payload for one in findings(sent) if one.message.category == "health")


def test_a_key_is_deposited_once_right_before_its_first_message_and_under_its_number(pair: SealedPair) -> None:
    pair.consent()
    for number in range(3):
        pair.need(f"{FINDING} {number}")
    pair.need(category=Category.HEALTH)
    sent = pair.take()
    assert [one.message.sequence for one in sent] == list(range(1, len(sent) + 1))
    assert [type(one.message.facts) for one in sent] == [
        KeyDeposited,
        ConsentGiven,
        *(KeyDeposited, NeedAssessed, NeedAssessed, NeedAssessed),
        *(KeyDeposited, NeedAssessed),
    ]
    assert [one.header is not None for one in sent] == [isinstance(one.message.facts, KeyDeposited) for one in sent]
    for one in findings(sent):
        _, content = open_clear(open_content(one.message, pair.key_of(one)[1]))
        assert isinstance(content, NeedContent)
        assert FINDING in str(content.finding)


def test_a_consent_that_changes_and_a_new_quarter_make_new_keys(pair: SealedPair) -> None:
    consent_id = pair.consent(Category.HOUSING)
    pair.need()
    pair.need()
    before = pair.take()
    pair.desk.withdraw(KAREL, consent_id)
    pair.consent(Category.HOUSING)
    pair.need()
    after = pair.take()
    pair.clock.at = NOON + timedelta(days=80)
    pair.need()
    pair.need()
    quarter = pair.take()
    assert len(epochs(before)) == len(epochs(after)) == len(epochs(quarter)) == 1
    assert epochs(before) < epochs(after) < epochs(quarter)
    assert len({pair.key_of(one)[1].key_id for one in findings(before + after + quarter)}) == 3


def test_a_consent_that_another_unit_took_makes_new_keys_too(pair: SealedPair) -> None:
    pair.consent()
    pair.need()
    first = pair.take()
    given = next(one.message.facts for one in first if isinstance(one.message.facts, ConsentGiven))
    facts = given.model_copy(update={"consent_id": "00000000-0000-4000-8000-000000000077"})
    slot = pair.writer.feed.deliver(pair.hub.message_of(UP, 900, facts=facts, subject=pair.subject, category=None))
    assert pair.writer.intake.take(pair.writer.records(slot)).entries == 1
    pair.need()
    assert epochs(pair.take()) > epochs(first)


def test_what_was_held_is_sealed_when_it_leaves_and_reads_the_same_at_home(pair: SealedPair) -> None:
    held = pair.need()
    assert pair.take() == []
    pair.consent()
    (sent,) = findings(pair.take())
    assert isinstance(sent.message.data.sealed, Jwe)
    with pair.store.read() as tx:
        entry = tx.journal.find(held)
    assert entry is not None
    assert entry.payload is not None
    assert open_clear(parse(entry.payload))[1] == NeedContent(finding=FINDING)


# the hub's answers


def test_the_key_beside_a_message_is_dropped_once_the_hub_has_answered(pair: SealedPair) -> None:
    pair.consent()
    deposit = pair.take()[0]
    pair.answer(deposit)
    with pair.store.read() as tx:
        kept = tx.outbox.find(deposit.message.id)
    assert kept is not None
    assert kept.deposit is None


def test_a_key_that_did_not_reach_the_hub_is_deposited_again_to_the_key_of_now(pair: SealedPair) -> None:
    pair.consent()
    pair.need()
    deposit = pair.take()[0]
    pair.hub.deposits = opening_key(HUB, 66)
    pair.hub.publish_list()
    pair.answer(deposit, RefusalCode.KEY_MISSING)
    (again,) = pair.take()
    assert isinstance(again.message.facts, KeyDeposited)
    assert isinstance(deposit.message.facts, KeyDeposited)
    assert again.message.facts.key_id == deposit.message.facts.key_id
    assert again.message.causationid == deposit.message.id
    assert again.message.sequence == len(pair.sent)
    with pair.store.read() as tx:
        assert tx.quarantine.open_items() == []


def test_a_deposit_that_was_refused_waits_for_a_list_with_another_key(pair: SealedPair) -> None:
    pair.consent()
    deposit = pair.take()[0]
    pair.answer(deposit, RefusalCode.KEY_MISSING)
    pair.desk.tend()
    assert pair.take() == []
    pair.hub.deposits = opening_key(HUB, 66)
    pair.hub.publish_list()
    pair.desk.tend()
    assert [type(one.message.facts) for one in pair.take()] == [KeyDeposited]


def test_a_key_that_a_restored_hub_no_longer_has_is_deposited_again_at_once(pair: SealedPair) -> None:
    pair.consent()
    pair.need()
    deposit = pair.take()[0]
    pair.answer(deposit)
    pair.answer(deposit, RefusalCode.KEY_MISSING)
    (again,) = pair.take()
    assert isinstance(again.message.facts, KeyDeposited)
    assert isinstance(deposit.message.facts, KeyDeposited)
    assert again.message.facts.key_id == deposit.message.facts.key_id
    pair.answer(again)
    pair.answer(deposit, RefusalCode.KEY_MISSING)
    assert pair.take() == [], "it was made again twice"


def test_a_unit_long_out_of_touch_goes_on_sealing_to_the_key_that_it_knows(pair: SealedPair) -> None:
    pair.consent()
    pair.clock.at = FOR_EVER[1] - timedelta(days=1)
    hub_keys = [
        one.model_copy(update={"valid_until": NOON + timedelta(days=60)}) if one.use is KeyUse.ENCRYPTION else one
        for one in pair.hub.directory.listed.hub_keys
    ]
    pair.hub.publish_list(hub_keys=tuple(hub_keys))
    pair.need()
    assert isinstance(findings(pair.take())[0].message.data.sealed, Jwe)


def test_messages_that_are_numbered_again_open_under_their_new_ids_and_keep_their_key(pair: SealedPair) -> None:
    pair.consent()
    pair.need()
    first = pair.take()
    pair.answer(first[0], RefusalCode.ID_REUSED)
    pair.answer(first[-1], RefusalCode.ID_REUSED)
    again = pair.take()
    assert [type(one.message.facts) for one in again] == [KeyDeposited, NeedAssessed]
    assert pair.key_of(again[-1]) == pair.key_of(first[-1])
    assert open_clear(open_content(again[-1].message, pair.key_of(again[-1])[1]))[1] == NeedContent(finding=FINDING)
    assert again[0].header is not None


def test_what_the_hub_refused_is_shown_to_whoever_corrects_it_in_clear(pair: SealedPair) -> None:
    pair.consent()
    pair.need()
    pair.answer(pair.take()[-1], RefusalCode.INVALID_DATA)
    with pair.store.read() as tx:
        (item,) = tx.quarantine.open_items()
    draft = pair.desk.draft_of(item.number)
    assert draft is not None
    assert draft.content == NeedContent(finding=FINDING)


# reading


def test_an_entry_opens_whichever_comes_first_the_key_or_the_entry(pair: SealedPair) -> None:
    pair.consent()
    first, second = pair.need("first"), pair.need("second")
    one, two = findings(pair.take())
    pair.read(pair.feed.deliver(one.signed))
    assert (pair.finding(first), pair.shown(first).fault) == (None, SEALED)
    assert told(pair) == ["housing, urgent, (not opened yet)"]
    pair.read(pair.whole(one))
    assert pair.finding(first) == "first"
    pair.read(pair.feed.deliver(two.signed))
    assert pair.finding(second) == "second"


def told(pair: SealedPair) -> list[str]:
    """What a worker at UP reads on the timeline."""
    overviews = Overviews.open(pair.reader.folder, pair.reader.store)
    overviews.bring_up_to_date()
    with overviews.look() as connection:
        shown = timeline(connection, pair.subject, others_visible=True)
    overviews.close()
    return [details(Words("en"), one) for one in shown]


def test_what_another_kind_of_adapter_spells_otherwise_opens_as_ours_does(pair: SealedPair) -> None:
    pair.consent()
    name = pair.need("first")
    (sent,) = findings(pair.take())
    spelled = json.dumps(json.loads(sent.signed.payload), indent=1).encode()
    pair.read(pair.whole(sent), pair.feed.deliver(sign_one(spelled, pair.hub.unit_keys[OP], PayloadType.CLOUDEVENT)))
    assert pair.finding(name) == "first"


def test_what_opens_late_comes_again_to_whoever_follows(pair: SealedPair) -> None:
    pair.consent()
    finding = pair.need()
    (sent,) = findings(pair.take())
    pair.read(pair.feed.deliver(sent.signed))
    source = JournalSource(pair.reader.store)
    read_up_to = source.end()
    pair.read(pair.whole(sent), pair.whole(sent))
    assert [one.message_id for one in source.read(read_up_to, 10)] == [finding]


def test_the_key_of_one_message_opens_that_one_alone(pair: SealedPair) -> None:
    pair.consent()
    first, second = pair.need("first"), pair.need("second")
    one, two = findings(pair.take())
    pair.read(pair.feed.deliver(one.signed), pair.feed.deliver(two.signed), pair.single(one))
    assert (pair.finding(first), pair.finding(second)) == ("first", None)
    pair.read(pair.single(two))
    assert pair.finding(second) == "second"


def test_codes_of_a_special_category_are_read_with_what_was_written(pair: SealedPair) -> None:
    pair.consent()
    finding = pair.need(category=Category.HEALTH)
    (sent,) = findings(pair.take())
    pair.read(pair.feed.deliver(sent.signed), pair.whole(sent))
    assert pair.shown(finding).facts == NeedAssessed(dimension=Category.HOUSING, level="urgent")


def test_a_key_that_is_not_ours_or_not_what_it_says_is_kept_apart(pair: SealedPair) -> None:
    pair.consent()
    finding = pair.need()
    (sent,) = findings(pair.take())
    label, key = pair.key_of(sent)
    pair.read(pair.feed.deliver(sent.signed))
    other = ContentKey.generate()
    for record, reason in (
        (pair.feed.release(label, key, recipient=OP), Suspicion.FOR_ANOTHER),
        (pair.feed.release(label, key, to=pair.hub.opening_keys[OP]), Suspicion.FOR_ANOTHER),
        (pair.feed.release(label, key, secret=other.secret), Suspicion.BAD_RELEASED_KEY),
        (pair.feed.release(label, key, secret=b"short", message_id=finding), Suspicion.BAD_RELEASED_KEY),
        (pair.feed.release(label, key, to=opening_key(UP, 99)), Suspicion.NO_OPENING_KEY),
        (pair.feed.release(label, key).replace(b'"release"', b'"head"'), Suspicion.UNREADABLE),
    ):
        assert pair.reader.intake.take(pair.reader.records(record)).suspicious == [reason]
    pair.hub.releases = SigningKey(b"\x55" * 32, unit=HUB, use=KeyUse.RELEASES)
    assert pair.reader.intake.take(pair.reader.records(pair.whole(sent))).suspicious == [Suspicion.UNKNOWN_HUB_KEY]
    assert pair.finding(finding) is None


def test_a_wrong_message_key_spoils_nothing_and_the_right_one_still_opens(pair: SealedPair) -> None:
    pair.consent()
    finding = pair.need()
    (sent,) = findings(pair.take())
    label, key = pair.key_of(sent)
    pair.read(pair.feed.deliver(sent.signed), pair.feed.release(label, key, secret=bytes(32), message_id=finding))
    assert pair.finding(finding) is None
    pair.read(pair.single(sent))
    assert pair.finding(finding) == FINDING


# keys of the unit


def test_what_was_sealed_to_the_key_before_opens_after_the_unit_has_a_new_one(pair: SealedPair) -> None:
    pair.consent()
    finding = pair.need()
    (sent,) = findings(pair.take())
    old = pair.hub.opening_keys[UP]
    new = pair.hub.opening_keys[UP] = opening_key(UP, 88)
    pair.reader.keyring[new.key_id] = new
    pair.hub.publish_list()
    pair.read(pair.feed.deliver(sent.signed), pair.feed.release(*pair.key_of(sent), to=old))
    assert pair.finding(finding) == FINDING


def test_a_lost_encryption_key_costs_nothing_once_the_feed_is_replayed_to_a_new_one(pair: SealedPair) -> None:
    pair.consent()
    finding = pair.need()
    (sent,) = findings(pair.take())
    pair.reader.keyring.clear()
    pair.read(pair.feed.deliver(sent.signed), pair.whole(sent))
    assert pair.finding(finding) is None
    new = pair.hub.opening_keys[UP] = opening_key(UP, 88)
    pair.reader.keyring[new.key_id] = new
    pair.read(*pair.feed.replay(1), pair.whole(sent))
    assert pair.finding(finding) == FINDING


def test_a_key_file_that_is_put_back_opens_what_was_released_to_it_meanwhile(pair: SealedPair) -> None:
    pair.consent()
    finding = pair.need()
    (sent,) = findings(pair.take())
    lost = dict(pair.reader.keyring)
    pair.reader.keyring.clear()
    pair.read(pair.feed.deliver(sent.signed), pair.whole(sent))
    pair.reader.keyring.update(lost)
    pair.reader.intake.settle()
    assert pair.finding(finding) == FINDING
    with pair.reader.store.read() as tx:
        assert tx.suspicious.counts() == {}


# a restored author


def test_own_entries_that_come_back_sealed_open_by_the_keys_that_the_unit_still_has_or_is_given(
    pair: SealedPair, tmp_path: Path
) -> None:
    pair.consent(Category.HOUSING, Category.IDENTITY)
    pair.desk.record(
        Draft(
            KAREL,
            ClientEnrolled(),
            NOON,
            category=Category.IDENTITY,
            content=ClientContent(given_name="Karel", case_number="karel"),
        )
    )
    finding = pair.need()
    sent = pair.take()
    (tmp_path / "restored").mkdir()
    restored = ReadingUnit(tmp_path / "restored", pair.hub, pair.clock, OP)
    back = [restored.feed.given_back(one.signed) for one in sent]
    restored.intake.take(restored.records(*back, *back))
    with restored.store.read() as tx:
        assert tx.clients.subject_of(KAREL) is None
        assert not tx.journal.of_type(KEY_DEPOSITED), "that a key was deposited is no entry"
        entry = tx.journal.find(finding)
    assert entry is not None
    assert entry.kind is EntryKind.OWN
    keys = {pair.key_of(one)[1].key_id: pair.key_of(one) for one in sent if isinstance(one.message.data.sealed, Jwe)}
    restored.intake.take(restored.records(*(restored.feed.release(label, key) for label, key in keys.values())))
    with restored.store.read() as tx:
        assert tx.clients.subject_of(KAREL) == pair.subject
        entry = tx.journal.find(finding)
        assert tx.numbers.last(RecordKey(pair.subject)) == len(sent)
    assert entry is not None
    assert entry.payload is not None
    assert open_clear(parse(entry.payload))[1] == NeedContent(finding=FINDING)
    restored.store.close()


# erasing


def obligation(pair: SealedPair, *entries: MessageId) -> None:
    """The hub asks UP to erase these, and UP does."""
    opened = ObligationOpened(
        obligation_id=ObligationId("00000000-0000-4000-8000-000000000099"),
        unit=UP,
        ground_id=GROUND,
        because="withdrawn",
        entries=entries,
        categories=(Category.HOUSING,),
        due=FOR_EVER[1],
    )
    number = 990 + len(pair.feed.given)
    told = pair.hub.message_of(HUB, number, facts=opened, subject=pair.subject, category=None)
    pair.read(pair.feed.deliver(told))
    signer = Signer(PROGRAMME, pair.hub.unit_keys[UP])
    desk = Desk(pair.reader.store, signer=signer, directory=lambda: pair.hub.directory, clock=pair.clock)
    desk.answer_obligation(opened.obligation_id, Statement())


def bytes_of(pair: SealedPair) -> bytes:
    """Every byte of UP's folder, the read models brought up to date."""
    overviews = Overviews.open(pair.reader.folder, pair.reader.store)
    overviews.bring_up_to_date()
    overviews.close()
    return b"".join(path.read_bytes() for path in sorted(pair.reader.folder.iterdir()))


def test_erasing_takes_the_opened_text_and_the_keys_that_opened_nothing_else(pair: SealedPair) -> None:
    pair.consent()
    first, second = pair.need("PRVNI-ZNACKA " * 700), pair.need("DRUHA-ZNACKA")
    health = pair.need(category=Category.HEALTH)
    sent = findings(pair.take())
    keys = {one.message.id: pair.key_of(one)[1].secret for one in sent}
    pair.read(*(pair.feed.deliver(one.signed) for one in sent), *(pair.whole(one) for one in sent))
    before = bytes_of(pair)
    assert b"PRVNI-ZNACKA" in before
    assert keys[health] in before
    obligation(pair, first, health)
    assert (pair.finding(first), pair.finding(second), pair.finding(health)) == (None, "DRUHA-ZNACKA", None)
    left = bytes_of(pair)
    assert b"PRVNI-ZNACKA" not in left
    assert keys[health] not in left
    assert keys[second] in left, "the second finding is sealed under it too"


def test_what_was_erased_stays_so_when_its_key_comes_again(pair: SealedPair) -> None:
    pair.consent()
    finding = pair.need()
    (sent,) = findings(pair.take())
    pair.read(pair.feed.deliver(sent.signed), pair.single(sent))
    obligation(pair, finding)
    pair.read(*pair.feed.replay(1), pair.single(sent), pair.whole(sent))
    assert pair.finding(finding) is None
    assert FINDING.encode() not in bytes_of(pair)


# lengths


def test_the_longest_document_that_the_desk_seals_fits_into_a_record() -> None:
    content = CorrectionContent(facts={}, content={"text": "a" * (longest(sealing=True) - 900)}, note="Ž" * 100)
    raw = compose(
        EntryCorrected(reason="incomplete"),
        id=message_id(1),
        source=source_of(PROGRAMME, OP),
        time=NOON,
        programme=PROGRAMME,
        sequence=1,
        subject=SUBJECT,
        category=Category.HOUSING,
        corrects=message_id(2),
        content=content,
    )
    longer = raw.replace(b'"text":"', b'"text":"' + b"a" * (longest(sealing=True) - len(raw)), 1)
    assert len(longer) == longest(sealing=True)
    assert MAX_VALUE - 2048 < len(seal_content(longer, ContentKey.generate())) <= MAX_VALUE
