"""What every `KeyStore` and every `KeyLog` promises, run on each implementation."""

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest

from contracts.names import GroundId, KeyId, ProgrammeId, UnitId
from contracts.sealing.content_key import KeyLabel
from contracts.sealing.suites import SuiteId
from hub.application.key_ports import (
    CarriedOut,
    DepositKey,
    HeldKey,
    KeyCommit,
    KeyLog,
    KeyState,
    KeyStore,
    KeyUseSoFar,
    ReleaseRow,
    Wanted,
    Wrapped,
)
from hub.application.ports import Commit, Deposited, FencedError, ReplayWish, WriterStore
from tests.integration.store_samples import ADVICE, GROUND, JANA, NOON, PETR, SHELTER, accepted, message_id

ONE, TWO = ("1" * 64, "2" * 64)


def held(key_id: str = ONE, *, author: UnitId = ADVICE, position: int = 3) -> HeldKey:
    label = KeyLabel(ProgrammeId("demo"), author, JANA, "housing", 1)
    return HeldKey(key_id, label, position, message_id(position), Wrapped("kek-1", b"wrapped \x00 " + key_id.encode()))


def private(number: int) -> DepositKey:
    made = NOON + timedelta(days=number)
    return DepositKey(KeyId(f"hub/encryption/{number:016x}"), SuiteId.HYBRID, made, Wrapped("kek-1", b"half"))


def release(
    key_id: str = ONE, unit: UnitId = SHELTER, *, message: int | None = None, ground: GroundId | None = GROUND
) -> ReleaseRow:
    return ReleaseRow(
        number=0,
        key_id=key_id,
        unit=unit,
        message_id=None if message is None else message_id(message),
        entry=message_id(message or 5),
        key=JANA,
        position=message or 5,
        ground=ground,
        to=KeyId(f"{unit}/encryption/{'a' * 16}"),
        release_hash=sha256(key_id.encode()).digest(),
        signed=b'{"payload":"\xff"}',
    )


def commit(store: KeyStore, **written: object) -> None:
    """One more step of the log with these writes."""
    position = store.state().position
    store.commit(KeyCommit(position, position + 1, NOON, **written))  # type: ignore[arg-type] # passed on as they are


def without_numbers(rows: object) -> list[ReleaseRow]:
    return [replace(row, number=0) for row in rows]  # type: ignore[attr-defined] # rows


class KeyStoreContract:
    """Subclasses give the fixture `store`."""

    def test_a_commit_moves_the_position_only_from_where_it_is(self, store: KeyStore) -> None:
        assert store.state() == KeyState(0, "")
        store.commit(KeyCommit(0, 7, NOON, keys=[held()]))
        with pytest.raises(FencedError):
            store.commit(KeyCommit(0, 9, NOON, keys=[held(TWO)], releases=[release()]))
        assert store.state().position == 7
        assert store.keys([ONE, TWO]) == {ONE: held()}
        assert not store.unproduced(limit=9)

    def test_a_key_that_came_once_is_not_replaced(self, store: KeyStore) -> None:
        commit(store, keys=[held()])
        commit(store, keys=[replace(held(), position=9)])
        assert store.keys([ONE]) == {ONE: held()}

    def test_a_unit_finds_the_keys_that_it_deposited(self, store: KeyStore) -> None:
        commit(store, keys=[held(ONE), held(TWO), held("3" * 64, author=SHELTER)])
        assert [key.key_id for key in store.keys_of(ADVICE, after="", limit=1)] == [ONE]
        assert [key.key_id for key in store.keys_of(ADVICE, after=ONE, limit=9)] == [TWO]

    def test_what_a_key_sealed_is_known_by_key_and_by_client(self, store: KeyStore) -> None:
        use = KeyUseSoFar(ONE, JANA, frozenset({SHELTER, ADVICE}))
        commit(store, uses=[use, KeyUseSoFar(TWO, PETR, frozenset())], releases=[release(), release(TWO, message=5)])
        opened = replace(use, opened=frozenset({SHELTER}))
        assert store.uses([ONE]) == {ONE: opened}
        assert store.uses_of([JANA]) == [opened]
        assert store.uses_of([PETR]) == [KeyUseSoFar(TWO, PETR, frozenset())]
        commit(store, uses=[replace(use, common=frozenset())])
        assert store.uses([ONE])[ONE].common == frozenset()

    def test_a_release_is_unproduced_until_the_broker_has_it(self, store: KeyStore) -> None:
        commit(store, releases=[release(), release(message=5), release(unit=ADVICE, ground=None)])
        rows = store.unproduced(limit=9)
        assert without_numbers(rows) == [release(), release(message=5), release(unit=ADVICE, ground=None)]
        assert [row.number for row in rows] == sorted({row.number for row in rows})
        store.produced([rows[0].number, rows[1].number])
        assert list(store.unproduced(limit=9)) == [rows[2]]
        assert list(store.releases_of([JANA])) == list(rows)
        assert not store.releases_of([PETR])

    def test_a_release_to_another_encryption_key_takes_the_place_of_the_one_before(self, store: KeyStore) -> None:
        commit(store, releases=[release()])
        store.produced([row.number for row in store.unproduced(limit=9)])
        moved = replace(release(), to=KeyId(f"{SHELTER}/encryption/{'b' * 16}"))
        commit(store, releases=[moved])
        assert without_numbers(store.unproduced(limit=9)) == [moved]
        assert without_numbers(store.releases_of([JANA])) == [moved]
        report = store.report(at=NOON, limit=9)
        assert report is not None
        assert [one.to for one in report.releases] == [release().to, moved.to]

    def test_what_is_revoked_goes_before_what_is_released(self, store: KeyStore) -> None:
        commit(store, releases=[release()])
        commit(store, revoked=[release().place], releases=[release(message=5)])
        assert without_numbers(store.releases_of([JANA])) == [release(message=5)]
        assert without_numbers(store.unproduced(limit=9)) == [release(message=5)]

    def test_what_was_released_and_revoked_is_told_all_the_same(self, store: KeyStore) -> None:
        commit(store, releases=[release()])
        commit(store, revoked=[release().place])
        report = store.report(at=NOON, limit=9)
        assert report is not None
        assert report.releases == (release().fact(),)

    def test_a_report_stays_the_same_until_it_was_told(self, store: KeyStore) -> None:
        assert store.report(at=NOON, limit=2) is None
        commit(store, releases=[release(), release(message=5), release(message=6)])
        report = store.report(at=NOON, limit=2)
        commit(store, releases=[release(message=7)])
        later = NOON + timedelta(hours=1)
        assert report is not None
        assert store.report(at=later, limit=9) == report
        assert [one.form for one in report.releases] == ["content-key", "message-key"]
        store.reported(report)
        rest = store.report(at=later, limit=9)
        assert rest is not None
        assert (rest.at, [one.message_id for one in rest.releases]) == (later, [message_id(6), message_id(7)])

    def test_one_units_releases_go_again(self, store: KeyStore) -> None:
        commit(store, releases=[release(), release(unit=ADVICE)])
        store.produced([row.number for row in store.unproduced(limit=9)])
        store.again(ADVICE)
        assert without_numbers(store.unproduced(limit=9)) == [release(unit=ADVICE)]

    def test_another_broker_gets_what_was_released_lately(self, store: KeyStore) -> None:
        position = store.state().position
        store.commit(KeyCommit(position, position, NOON - timedelta(days=9), releases=[release(TWO)]))
        store.commit(KeyCommit(position, position, NOON, releases=[release()]))
        store.produced([row.number for row in store.unproduced(limit=9)])
        assert store.met("other", since=NOON - timedelta(days=3)) == 1
        assert without_numbers(store.unproduced(limit=9)) == [release()]
        assert store.state().cluster == "other"

    def test_what_waits_is_kept_once_in_its_order(self, store: KeyStore) -> None:
        first = Wanted(ONE, SHELTER, JANA, 4, GROUND, live=True)
        second, third = replace(first, live=False), replace(first, unit=ADVICE, ground=None)
        commit(store, waiting=[first, second, first, third])
        rows = store.waiting(after=0, limit=9)
        assert [one for _, one in rows] == [first, second, third]
        assert list(store.waiting(after=rows[0][0], limit=1)) == [rows[1]]
        commit(store, waited=[first, third])
        assert [one for _, one in store.waiting(after=0, limit=9)] == [second]

    def test_a_destroyed_private_half_is_gone_and_its_name_is_known(self, store: KeyStore) -> None:
        store.add_deposit_key(private(2))
        store.add_deposit_key(private(1))
        store.destroy([private(2).key_id])
        assert list(store.deposit_keys()) == [private(1), replace(private(2), secret=None)]

    def test_a_destroyed_key_takes_all_that_was_released_of_it_along(self, store: KeyStore) -> None:
        use = KeyUseSoFar(ONE, JANA, frozenset({SHELTER}))
        commit(store, keys=[held(), held(TWO)], uses=[use], releases=[release(), release(message=5), release(TWO)])
        assert [key.key_id for key in store.keys_about(JANA)] == [ONE, TWO]
        done = CarriedOut(message_id(8), JANA, entries=3, keys=1, at=NOON)
        commit(store, destroyed=[ONE], erasures=[done])
        assert [key.key_id for key in store.keys_about(JANA)] == [TWO]
        assert without_numbers(store.releases_of([JANA])) == [release(TWO)]
        assert store.uses([ONE]) == {}
        assert list(store.carried_out()) == [done]
        store.told(message_id(8))
        assert not store.carried_out()

    def test_every_secret_can_be_wrapped_anew_while_others_come(self, store: KeyStore) -> None:
        commit(store, keys=[held(), held(TWO)])
        store.add_deposit_key(private(1))
        store.add_deposit_key(private(2))
        store.destroy([private(2).key_id])
        assert store.wrapped_under("kek-1") == 3
        while found := store.wrapped_not_under("kek-2", limit=2):
            store.rewrap([replace(one, secret=Wrapped("kek-2", b"anew")) for one in found])
        assert (store.wrapped_under("kek-1"), store.wrapped_under("kek-2")) == (0, 3)
        assert store.keys([ONE])[ONE].secret == Wrapped("kek-2", b"anew")


class KeyLogContract:
    """Subclasses give the fixtures `log` and `writer`, on the same shard."""

    def test_a_deposit_lies_in_the_mailbox_until_it_is_taken_out(self, log: KeyLog, writer: WriterStore) -> None:
        head = writer.take_over()
        deposits = [Deposited(0, b"\x00first"), Deposited(2, b"second")]
        head = writer.commit(Commit(at=NOON, events=[accepted(), accepted(), accepted()], deposits=deposits), head=head)
        assert log.head() == head
        assert list(log.mailbox(below=2)) == deposits[:1]
        log.take_out([0])
        assert list(log.mailbox(below=9)) == deposits[1:]

    def test_what_is_read_of_a_client_ends_before_the_place_that_was_asked_for(
        self, log: KeyLog, writer: WriterStore
    ) -> None:
        head = writer.take_over()
        writer.commit(Commit(at=NOON, events=[accepted(), accepted(), accepted()]), head=head)
        assert [one.position for one in log.load([JANA])[JANA]] == [0, 1, 2]
        assert [one.position for one in log.load([JANA], below=2)[JANA]] == [0, 1]

    def test_a_deposit_of_a_commit_that_failed_is_not_there(self, log: KeyLog, writer: WriterStore) -> None:
        head = writer.take_over()
        writer.take_over()
        with pytest.raises(FencedError):
            writer.commit(Commit(at=NOON, events=[accepted()], deposits=[Deposited(0, b"first")]), head=head)
        assert not log.mailbox(below=9)

    def test_whoever_asks_for_a_feed_again_is_heard_here_too(self, log: KeyLog, writer: WriterStore) -> None:
        head = writer.take_over()
        wishes = [ReplayWish(ADVICE, 3), ReplayWish(SHELTER, 1, own=True)]
        writer.commit(Commit(at=NOON, replays=wishes), head=head)
        found = log.wishes()
        assert [(wish.unit, wish.own) for _, wish in found] == [(ADVICE, False), (SHELTER, True)]
        log.fulfil([found[0][0]])
        assert [wish.unit for _, wish in log.wishes()] == [SHELTER]
