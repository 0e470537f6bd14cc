"""What a unit's database keeps of copies and polls, on SQLite and on PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from adapters.storage.polls import KeptPoll
from adapters.storage.unit_store import UnitStore
from contracts.names import ActorId, MessageId, ReferralId
from tests.simulated_hub import NOON

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BY = ActorId("adviser/w1")
ONE, OTHER, THIRD = (MessageId(f"0190c5a0-0000-7000-8000-00000000000{number}") for number in (1, 2, 3))
REFERRAL = ReferralId("0190c5a0-0000-7000-8000-0000000000f1")


class CopiesAndPollsContract:
    """Subclasses give `where`: an empty database."""

    @pytest.fixture
    def store(self, where: str) -> Iterator[UnitStore]:
        opened = UnitStore.open(where)
        yield opened
        opened.close()

    def test_an_erasure_finds_every_copy_that_holds_the_entry(self, store: UnitStore) -> None:
        with store.write() as tx:
            file = tx.exports.make("/a.xlsx", "tables", by=BY, at=NOON)
            printed = tx.exports.make(None, "printed", by=BY, at=NOON)
            tx.exports.hold(file, {ONE: REFERRAL, OTHER: None})
            tx.exports.hold(printed, {OTHER: None})
        with store.read() as tx:
            found = {copy.number: dict(held) for copy, held in tx.exports.holding([ONE, OTHER, THIRD]).items()}
        assert found == {file: {ONE: REFERRAL, OTHER: None}, printed: {OTHER: None}}

    def test_a_file_that_is_written_again_stays_one_copy_and_each_print_is_another(self, store: UnitStore) -> None:
        with store.write() as tx:
            numbers = [tx.exports.make("/a.xlsx", "tables", by=BY, at=NOON) for _ in range(2)]
            numbers += [tx.exports.make(None, "printed", by=BY, at=NOON) for _ in range(2)]
        assert len(set(numbers)) == 3

    def test_what_is_destroyed_is_asked_for_no_more(self, store: UnitStore) -> None:
        with store.write() as tx:
            number = tx.exports.make("/a.xlsx", "tables", by=BY, at=NOON)
            tx.exports.hold(number, {ONE: None, OTHER: None})
            tx.exports.forget(number, [ONE])
            assert tx.exports.entries_of(number) == {OTHER}
            assert tx.exports.end(number, at=NOON)
            assert not tx.exports.end(number, at=NOON)
        with store.read() as tx:
            assert not tx.exports.holding([ONE, OTHER])
            assert not tx.exports.existing()

    def test_a_failed_poll_keeps_how_far_it_had_come(self, store: UnitStore) -> None:
        done = KeptPoll("op/v.yaml", "d", {"services": "number 7"}, rows=3, polled_at=NOON, read_whole_at=NOON)
        with store.write() as tx:
            tx.polls.put(done)
            tx.polls.failed("op/v.yaml", "away", at=NOON)
            tx.polls.failed("op/new.yaml", "away", at=NOON)
        with store.read() as tx:
            kept, new = tx.polls.find("op/v.yaml"), tx.polls.find("op/new.yaml")
        assert (kept.read_up_to, kept.failures, kept.problem) == ({"services": "number 7"}, 1, "away")
        assert (new.polled_at, new.failures) == (None, 1)
        with store.write() as tx:
            tx.polls.keep_only(["op/new.yaml"])
            assert [one.name for one in tx.polls.all()] == ["op/new.yaml"]


class TestOnSqlite(CopiesAndPollsContract):
    @pytest.fixture
    def where(self, tmp_path: Path) -> str:
        return str(tmp_path / "unit.db")


class TestOnPostgres(CopiesAndPollsContract):
    @pytest.fixture
    def where(self, quick_database: str) -> str:
        return quick_database
