"""What a feed brings is in the unit's journal once, and nothing of it stops what comes behind."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from adapters.drafts import ClientKey
from adapters.exchange.directory_book import Added, Known, NoDirectoryError, Refused
from adapters.exchange.feed_check import Suspicion
from adapters.exchange.feed_intake import gaps_of
from adapters.process.journal_source import JournalSource
from adapters.storage.journal import EntryKind, OwnState
from adapters.storage.outbox import Queued
from contracts import feed_record, strict_json
from contracts.categories import Category
from contracts.dsse import to_envelope
from contracts.keys import KeyUse, SigningKey
from contracts.messages.client import ClientContent, ClientEnrolled
from contracts.messages.hub import TrustListPublished
from contracts.names import HUB, InstitutionId, RecordKey, UnitId
from contracts.pae import PayloadType
from contracts.signed_bytes import sign_one
from contracts.trust_list import UnitEntry, sign_trust_list
from projections.parsed import parse_journal
from tests.simulated_hub import FOR_EVER, NOON, SUBJECT, message_id
from tests.unit.adapters.reading_unit import OP, UP, ReadingUnit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from contracts.signed_bytes import SignedBytes
    from contracts.trust_list import TrustList

KEY = RecordKey(SUBJECT)


@pytest.fixture
def unit(tmp_path: Path) -> Iterator[ReadingUnit]:
    made = ReadingUnit(tmp_path)
    yield made
    made.store.close()


def authors(unit: ReadingUnit) -> list[UnitId]:
    with unit.store.read() as tx:
        return [one.author for one in tx.journal.of_subject(SUBJECT)]


def test_a_stretch_that_comes_again_after_a_crash_changes_nothing(unit: ReadingUnit) -> None:
    batch = unit.records(*[unit.feed.deliver(unit.hub.message_of(OP, n)) for n in (1, 2)], unit.feed.head())
    first, again = unit.intake.take(batch), unit.intake.take(batch)
    assert (first.entries, first.slots, again.entries, again.slots) == (2, 2, 0, 0)
    assert unit.read_up_to() == 3


def test_rubbish_between_good_records_stops_nothing(unit: ReadingUnit) -> None:
    good = [unit.feed.deliver(unit.hub.message_of(OP, n)) for n in (1, 2)]
    stretch = unit.intake.take(unit.records(good[0], b"rubbish", good[1]))
    assert stretch.entries == 2
    assert stretch.suspicious == [Suspicion.UNREADABLE]
    with unit.store.read() as tx:
        assert tx.suspicious.of_reason(Suspicion.UNREADABLE)[0].value == b"rubbish"


def test_a_message_of_a_unit_not_yet_on_our_list_is_taken_once_the_list_came(unit: ReadingUnit) -> None:
    stranger = UnitId("vz")
    key = SigningKey(b"\x77" * 32, unit=stranger, use=KeyUse.MESSAGES)
    batch = [unit.hub.message_of(stranger, 1, key=key), unit.hub.message_of(OP, 2)]
    stretch = unit.intake.take(unit.records(*[unit.feed.deliver(one) for one in batch]))
    assert (stretch.slots, authors(unit)) == (2, [OP])
    entry = UnitEntry(unit=stranger, institution=InstitutionId("all"), name="VZ", keys=(unit.hub.entry(key),))
    offer(unit, unit.hub.publish_list(units=(*unit.hub.listed().units, entry)))
    unit.intake.settle()
    assert sorted(authors(unit)) == [OP, stranger]
    unit.intake.settle()
    with unit.store.read() as tx:
        assert tx.suspicious.counts() == {}


def test_an_entry_of_a_newer_kind_is_kept_and_shown_raw(unit: ReadingUnit) -> None:
    unit.intake.take(unit.records(unit.feed.deliver(newer_kind(unit))))
    shown = parse_journal(JournalSource(unit.store).read(-1, 10)[0])
    assert shown.unknown_type == "eu.spojka.need.assessed.v9"
    assert shown.raw is not None
    assert "interview" in shown.raw


def test_a_withheld_slot_leaves_no_entry(unit: ReadingUnit) -> None:
    stretch = unit.intake.take(unit.records(unit.feed.deliver(unit.hub.message_of(OP, 1), withheld=True)))
    assert (stretch.slots, stretch.entries, authors(unit)) == (1, 0, [])


def test_own_messages_that_the_hub_gives_back_bring_numbers_and_clients_and_move_what_waits(unit: ReadingUnit) -> None:
    identity = ClientContent(given_name="Karel", case_number="case-7")
    enrolled = unit.hub.message_of(UP, 4, facts=ClientEnrolled(), category=Category.IDENTITY, content=identity)
    waiting = unit.hub.message_of(UP, 3)
    with unit.store.write() as tx:
        tx.outbox.put([Queued(message_id(3), KEY, 3, waiting)], at=NOON)
        tx.numbers.set({KEY: 3})
    stretch = unit.intake.take(unit.records(given_back(unit, enrolled), given_back(unit, enrolled)))
    assert (stretch.entries, stretch.answers) == (1, 1)
    with unit.store.read() as tx:
        entry = tx.journal.find(message_id(4))
        assert entry is not None
        assert (entry.kind, entry.state) == (EntryKind.OWN, OwnState.ACCEPTED)
        assert tx.clients.subject_of(ClientKey("case-7")) == SUBJECT
        assert tx.numbers.last(KEY) == 4
        assert tx.numbers.renumberings() == {KEY: 4}


def test_what_the_hub_gives_back_as_ours_must_bear_our_signature(unit: ReadingUnit) -> None:
    forged = unit.hub.message_of(UP, 1, key=SigningKey(b"\x55" * 32, unit=UP, use=KeyUse.MESSAGES))
    others = unit.hub.message_of(OP, 1)
    stretch = unit.intake.take(unit.records(given_back(unit, forged), beside(unit, unit.hub.message_of(UP, 1), others)))
    assert stretch.entries == 0
    assert stretch.suspicious == [Suspicion.NOT_THE_AUTHOR, Suspicion.DIGEST_MISMATCH]


def given_back(unit: ReadingUnit, message: SignedBytes) -> bytes:
    return beside(unit, message, message)


def beside(unit: ReadingUnit, answered: SignedBytes, message: SignedBytes) -> bytes:
    receipt = feed_record.read(unit.feed.receipt(answered)).signed
    return feed_record.write(
        "receipt", to_envelope(receipt, PayloadType.RECEIPT), to_envelope(message, PayloadType.CLOUDEVENT)
    )


def test_under_an_expired_trust_list_nothing_is_taken_and_nothing_skipped(unit: ReadingUnit) -> None:
    batch = unit.records(unit.feed.deliver(unit.hub.message_of(OP, 1)))
    unit.clock.at = FOR_EVER[1]
    with pytest.raises(NoDirectoryError, match="expired"):
        unit.intake.take(batch)
    assert unit.read_up_to() == 0


def test_a_trust_list_reaches_a_unit_by_its_feed_too(unit: ReadingUnit) -> None:
    envelope = unit.hub.publish_list()
    facts = TrustListPublished(version=2, digest=unit.hub.versions[-1].digest.hex(), document=envelope.decode())
    message = unit.hub.message_of(HUB, 1, facts=facts, subject=None, category=None)
    unit.intake.take(unit.records(unit.feed.deliver(message)))
    assert unit.book.newest is not None
    assert unit.book.newest.version == 2


def test_what_was_missing_when_the_adapter_stopped_is_known_at_the_next_start(unit: ReadingUnit) -> None:
    unit.intake.take(unit.records(unit.feed.deliver(unit.hub.message_of(OP, 1))))
    unit.feed.deliver(unit.hub.message_of(OP, 2))
    unit.intake.take(unit.records(unit.feed.head()))
    with unit.store.read() as tx:
        assert [gap.from_sequence for gap in gaps_of(tx)] == [2]


def test_an_older_or_repeated_list_changes_nothing_and_a_forged_one_is_refused(unit: ReadingUnit) -> None:
    second = unit.hub.publish_list()
    assert isinstance(offer(unit, second), Added)
    assert isinstance(offer(unit, second), Known)
    assert isinstance(offer(unit, unit.hub.envelopes[0]), Known)
    other_root = SigningKey(b"\x55" * 32, unit=HUB, use=KeyUse.DIRECTORY)
    assert isinstance(offer(unit, signed(unit.hub.listed(), other_root)), Refused)
    other_second = unit.hub.listed(version=2, previous=unit.hub.versions[0].digest.hex(), trial=False)
    assert isinstance(offer(unit, signed(other_second, unit.hub.root)), Refused)
    assert unit.book.newest is not None
    assert unit.book.newest.listed.trial


def test_a_list_dated_before_the_one_it_follows_is_refused(unit: ReadingUnit) -> None:
    back = unit.hub.listed(issued_at=unit.hub.listed().issued_at - timedelta(days=1))
    assert isinstance(offer(unit, signed(back, unit.hub.root)), Refused)


def test_a_change_of_the_units_own_entry_is_an_alarm(unit: ReadingUnit) -> None:
    units = tuple(
        one.model_copy(update={"can_sanction": True}) if one.unit == UP else one for one in unit.hub.listed().units
    )
    offer(unit, unit.hub.publish_list(units=units))
    offer(unit, unit.hub.publish_list(units=units))
    assert unit.book.alarms.own_entry_changed_in == [2]


def offer(unit: ReadingUnit, envelope: bytes) -> Added | Known | Refused:
    with unit.store.write() as tx:
        found = unit.book.offer(tx, envelope, at=unit.clock.now())
    if isinstance(found, Added):
        unit.book.keep(found)
    return found


def signed(listed: TrustList, root: SigningKey) -> bytes:
    return to_envelope(sign_trust_list(listed, root), PayloadType.TRUST_LIST)


def newer_kind(unit: ReadingUnit) -> SignedBytes:
    document = strict_json.parse(unit.hub.message_of(OP, 1).payload)
    newer = document | {"type": "eu.spojka.need.assessed.v9"}
    return sign_one(strict_json.canonical(newer), unit.hub.unit_keys[OP], PayloadType.CLOUDEVENT)
