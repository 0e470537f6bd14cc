"""Where reading goes on: every case in which a broker may no longer hold what was read."""

from __future__ import annotations

import pytest

from projections.kafka.positions import InputPosition, RawRecord, Resume, resume


def record(offset: int, value: bytes = b"v", *, incarnation: str = "one") -> RawRecord:
    return RawRecord("t", 0, offset, incarnation, b"k", value, (("h", b"1"),), 0)


READ_TO_5 = InputPosition.behind(record(4))


def test_a_new_reader_starts_where_the_topic_starts() -> None:
    assert resume(None, begin=3, end=9, before_next=None, cluster_id="one") == Resume(3, "one", lost=False)


def test_the_same_record_before_the_position_means_going_on() -> None:
    decision = resume(READ_TO_5, begin=0, end=9, before_next=record(4), cluster_id="one")
    assert decision == Resume(5, "one", lost=False)


@pytest.mark.parametrize("end", [5, 9])
def test_another_record_there_means_reading_from_the_start(end: int) -> None:
    decision = resume(READ_TO_5, begin=0, end=end, before_next=record(4, b"other"), cluster_id="one")
    assert decision == Resume(0, "one", lost=True)


def test_an_equal_record_further_on_does_not_count() -> None:
    """A fetch answers with the next record where the wanted one was compacted away."""
    assert resume(READ_TO_5, begin=0, end=9, before_next=record(6), cluster_id="one").lost


def test_the_same_record_in_another_cluster_does_not_count() -> None:
    """Outboxes resend the same bytes: a refilled broker can hold this record behind others that were never read."""
    decision = resume(READ_TO_5, begin=0, end=9, before_next=record(4, incarnation="two"), cluster_id="two")
    assert decision == Resume(0, "two", lost=True)


def test_a_broker_that_is_shorter_than_the_position_lost_it() -> None:
    assert resume(READ_TO_5, begin=0, end=4, before_next=None, cluster_id="one") == Resume(0, "one", lost=True)


def test_unread_records_that_were_trimmed_are_a_loss() -> None:
    assert resume(READ_TO_5, begin=7, end=9, before_next=None, cluster_id="one") == Resume(7, "one", lost=True)


def test_trimming_exactly_what_was_read_is_no_loss() -> None:
    assert resume(READ_TO_5, begin=5, end=9, before_next=None, cluster_id="one") == Resume(5, "one", lost=False)


def test_a_position_nothing_was_read_before_is_not_trusted_once_the_start_lies_before_it() -> None:
    nothing_read = InputPosition("t", 0, 5, "one", b"")
    assert resume(nothing_read, begin=0, end=9, before_next=record(4), cluster_id="one").offset == 0
    assert resume(nothing_read, begin=5, end=9, before_next=None, cluster_id="one") == Resume(5, "one", lost=False)


def test_the_fingerprint_covers_key_value_and_headers_and_nothing_else() -> None:
    base = record(4).fingerprint
    assert RawRecord("u", 1, 9, "two", b"k", b"v", (("h", b"1"),), 7).fingerprint == base
    others = [
        RawRecord("t", 0, 4, "one", None, b"v", (("h", b"1"),), 0),
        RawRecord("t", 0, 4, "one", b"", b"v", (("h", b"1"),), 0),
        RawRecord("t", 0, 4, "one", b"kv", b"", (("h", b"1"),), 0),
        RawRecord("t", 0, 4, "one", b"k", b"v", (("h1", b""),), 0),
        RawRecord("t", 0, 4, "one", b"k", b"v", (("\udcff", b"1"),), 0),
        RawRecord("t", 0, 4, "one", b"k", b"v", (), 0),
    ]
    assert len({base, *(other.fingerprint for other in others)}) == 7
