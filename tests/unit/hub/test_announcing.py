"""The ledger tells its witnesses how it grew, one checkpoint after the other, and takes nobody's word but theirs."""

from __future__ import annotations

import pytest

from contracts.keys import KeyUse, SigningKey
from contracts.ledger import checkpoint, signed_note
from contracts.ledger.announcement import MOST_LEAVES, Sighting
from contracts.ledger.checkpoint import Checkpoint
from contracts.ledger.listed_keys import witness_signer
from contracts.ledger.signed_note import NoteKey
from contracts.merkle import root
from contracts.names import UnitId
from hub.application.announcing import WITNESSED, Announcer, Pace
from hub.application.ledger import Ledger
from tests.simulation.exported import SIGNER, Files, States
from tests.simulation.programme import DECIN

OP, UP, MD = UnitId("op"), UnitId("up"), UnitId("md")
KEYS = {
    unit: witness_signer(DECIN, unit, SigningKey(bytes([0x40 + number]) * 32, unit=unit, use=KeyUse.WITNESS))
    for number, unit in enumerate((OP, UP, MD))
}
WITNESSES: dict[UnitId, list[NoteKey]] = {unit: [signer.key] for unit, signer in KEYS.items()}


class Speaking:
    """A ledger that grows, and its announcer, whose watch the test turns."""

    def __init__(self) -> None:
        self.now = 0.0
        self.states: list[bytes] = []
        self.files = Files()
        self.ledger = Ledger(States(self.states), self.files, SIGNER)
        self.ledger.open()
        self.announcer = self.restarted()

    def restarted(self) -> Announcer:
        return Announcer(self.files, SIGNER, pace=Pace(1.0, 30.0), monotonic=lambda: self.now)

    def grow(self, count: int) -> None:
        self.states += [f"state {len(self.states) + number}".encode() for number in range(count)]
        while self.ledger.step():
            pass

    def said(self) -> list[tuple[int, int, int]]:
        """First, size and number of cosignatures of what is announced now; each adds up."""
        found = []
        for one in self.announcer.next(WITNESSES):
            note, head, _ = one.checked()
            signed_note.verified(note, [SIGNER.key])
            found.append((one.first, head.size, len(note.signatures) - 1))
        return found

    def testify(self, *units: UnitId, size: int | None = None) -> None:
        for unit in units:
            self.announcer.hear(sighting_of(self.announcer, unit, size=size), WITNESSES)

    def witnessed(self) -> int:
        raw = self.files.files.get(WITNESSED)
        return 0 if raw is None else checkpoint.parse(signed_note.parse(raw.decode()).text).size


def sighting_of(announcer: Announcer, unit: UnitId, *, size: int | None = None, behind: bool = False) -> Sighting:
    told = announcer.told
    assert told is not None
    end = checkpoint.parse(told.text).size if size is None else size
    seen = Checkpoint(SIGNER.name, end, announcer.tree(end).root)
    line = KEYS[unit].sign(seen.text, at=1).line.removesuffix("\n")
    return Sighting.about(seen, unit=unit, cosignature=line, behind=behind)


def announcer_over(leaves: tuple[bytes, ...]) -> Announcer:
    """An announcer over a ledger of these leaves, whatever they stand for."""

    class Leaves(Files):
        def read(self, path: str) -> bytes | None:
            parts = path.split("/")
            if path == "checkpoint":
                head = Checkpoint(SIGNER.name, len(leaves), root(leaves))
                return signed_note.sign(head.text, [SIGNER]).document.encode()
            return b"".join(leaves) if parts[:2] == ["tile", "0"] else None

    return Announcer(Leaves(), SIGNER)


@pytest.fixture
def speaking() -> Speaking:
    found = Speaking()
    found.grow(10)
    return found


def test_the_next_checkpoint_waits_until_more_than_half_cosigned_the_last(speaking: Speaking) -> None:
    assert speaking.said() == [(0, 10, 0)]
    speaking.grow(5)
    speaking.now = 5.0
    speaking.testify(OP)
    assert speaking.said() == []
    assert speaking.witnessed() == 0
    speaking.testify(UP)
    assert speaking.said() == [(10, 10, 2), (10, 15, 0)]
    assert speaking.witnessed() == 10


def test_witnesses_that_stay_away_hold_nothing_up_for_long(speaking: Speaking) -> None:
    speaking.said()
    speaking.grow(5)
    speaking.now = 29.0
    assert speaking.said() == []
    speaking.now = 30.0
    assert speaking.said() == [(10, 15, 0)]


def test_a_late_cosignature_joins_the_others(speaking: Speaking) -> None:
    speaking.said()
    speaking.testify(OP, UP)
    assert speaking.said() == [(10, 10, 2)]
    speaking.testify(MD, OP)
    assert speaking.said() == [(10, 10, 3)]


def test_what_no_witness_signed_counts_for_nobody(speaking: Speaking) -> None:
    speaking.said()
    seen = sighting_of(speaking.announcer, OP)
    forged = [
        seen.model_copy(update={"unit": UP}),
        seen.model_copy(update={"cosignature": None}),
        seen.model_copy(update={"cosignature": "— spojka/x AAAAAAAAAA=="}),
        seen.model_copy(update={"origin": "spojka/decin/1"}),
    ]
    for one in forged:
        speaking.announcer.hear(one, WITNESSES)
    assert speaking.said() == []
    assert speaking.announcer.contradicted == set()


def test_a_witness_that_signed_for_another_history_is_an_alarm(speaking: Speaking) -> None:
    speaking.said()
    for unit, size in ((OP, 10), (UP, 400)):
        seen = Checkpoint(SIGNER.name, size, b"\x01" * 32)
        line = KEYS[unit].sign(seen.text, at=1).line.removesuffix("\n")
        speaking.announcer.hear(Sighting.about(seen, unit=unit, cosignature=line), WITNESSES)
    assert speaking.announcer.contradicted == {OP, UP}
    assert [(one.unit, one.size) for one in speaking.announcer.denied()] == [(OP, 10), (UP, 400)]
    assert speaking.announcer.denied() == [], "what was told is not told twice"
    assert speaking.said() == []


def test_of_very_many_units_as_many_are_enough_as_a_note_has_room_for(speaking: Speaking) -> None:
    many = [UnitId(f"unit-{number}") for number in range(150)]
    signers = {
        unit: witness_signer(DECIN, unit, SigningKey(number.to_bytes(32, "big"), unit=unit, use=KeyUse.WITNESS))
        for number, unit in enumerate(many, start=1)
    }
    witnesses = {unit: [signer.key] for unit, signer in signers.items()}
    speaking.announcer.next(witnesses)
    told = speaking.announcer.told
    assert told is not None
    for count, unit in enumerate(many, start=1):
        seen = checkpoint.parse(told.text)
        line = signers[unit].sign(told.text, at=1).line.removesuffix("\n")
        speaking.announcer.hear(Sighting.about(seen, unit=unit, cosignature=line), witnesses)
        if count in (63, 64):
            speaking.announcer.next(witnesses)
            assert speaking.witnessed() == (10 if count == 64 else 0)
    (last,) = speaking.announcer.next(witnesses)
    assert len(last.checked()[0].signatures) == 100, "and the note still reads"


def test_one_that_is_behind_is_met_where_it_stands(speaking: Speaking) -> None:
    speaking.said()
    speaking.announcer.hear(sighting_of(speaking.announcer, OP, size=4, behind=True), WITNESSES)
    assert speaking.said() == [(4, 10, 0)]
    assert speaking.said() == [], "once"
    speaking.grow(2 * MOST_LEAVES)
    speaking.now = 60.0
    assert [end - first for first, end, _ in speaking.said()] == [MOST_LEAVES, MOST_LEAVES]
    speaking.announcer.hear(sighting_of(speaking.announcer, OP, size=7, behind=True), WITNESSES)
    (answer,) = speaking.announcer.next(WITNESSES)
    assert (answer.first, answer.leaves) == (7, None)
    assert answer.checked()[1].size == 10 + 2 * MOST_LEAVES


def test_after_a_restart_or_on_another_broker_it_begins_behind_what_was_witnessed(speaking: Speaking) -> None:
    speaking.said()
    speaking.testify(OP, UP)
    speaking.said()
    speaking.grow(7)
    speaking.announcer = speaking.restarted()
    assert speaking.said() == [(10, 17, 0)]
    speaking.announcer.again()
    assert speaking.said() == [(10, 17, 0)]
