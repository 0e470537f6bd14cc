"""A database that was put back from a backup is known as one, by whoever remembers how far the log was."""

from pathlib import Path

import pytest

from hub.application.restoration import Gate, Reached, RestoredError, Standing, gate
from hub.infrastructure.log_mark import mark_of

SEEN = Reached(1, 40, b"a" * 32)


def now(position: int = 40, *, generation: int = 1, coming: int | None = None, digest: bytes = SEEN.digest) -> Standing:
    return Standing(generation, position, coming, digest)


@pytest.mark.parametrize(
    ("standing", "found"),
    [
        (now(), Gate.OPEN),
        (now(55), Gate.OPEN),
        (now(39, digest=b""), Gate.RESTORED),
        (now(55, digest=b"b" * 32), Gate.RESTORED),
        (now(20, coming=2, digest=b""), Gate.BEGUN),
        (now(55, coming=2), Gate.BEGUN),
        (now(20, generation=2, coming=2, digest=b""), Gate.OPEN),
        (now(20, generation=2, coming=3, digest=b""), Gate.BEGUN),
    ],
)
def test_whoever_gave_something_goes_on_only_over_a_log_that_holds_it_or_was_restored_for_all_to_know(
    standing: Standing, found: Gate
) -> None:
    assert gate(SEEN, standing) is found


def test_a_backup_from_before_an_earlier_restore_is_one_too() -> None:
    assert gate(Reached(2, 20, b"c" * 32), now()) is Gate.RESTORED


def test_who_never_worked_here_goes_by_the_ledgers_checkpoint() -> None:
    assert gate(None, now()) is Gate.OPEN
    assert gate(None, now(), published=41) is Gate.RESTORED


def test_what_is_remembered_outlives_the_process_and_a_mark_that_does_not_read_opens_nothing(tmp_path: Path) -> None:
    mark = mark_of(tmp_path, role="keys", shard=0)
    assert mark.read() is None
    mark.write(SEEN)
    assert mark_of(tmp_path, role="keys", shard=0).read() == SEEN
    mark.path.write_text("{")
    with pytest.raises(RestoredError, match="cannot be told"):
        mark.read()
