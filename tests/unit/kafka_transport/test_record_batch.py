"""Bytes that a hostile producer wrote: each record comes out, or the bytes that hold it do, and nothing raises."""

from __future__ import annotations

import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from hypothesis import given
from hypothesis import strategies as st

from projections.kafka import bounded_codecs
from projections.kafka.record_batch import UNREADABLE, Source, records_in

SOURCE = Source("t", 0, "one")


def batch(*values: bytes, codec: int = 0, base: int = 0) -> bytes:
    builder = DefaultRecordBatchBuilder(2, codec, 0, -1, -1, -1, 1_000_000)
    for offset, value in enumerate(values):
        builder.append(offset, 1, b"k", value, [("name", b"v")])
    return base.to_bytes(8, "big") + bytes(builder.build())[8:]


def damaged(raw: bytes, old: bytes, new: bytes) -> bytes:
    """The batch with other bytes in it; its checksum no longer holds, as when a parser fails."""
    assert old in raw
    return raw.replace(old, new, 1)


@pytest.mark.parametrize("codec", [0, 1, 2, 3, 4])
def test_a_good_batch_comes_out_whole_and_from_the_asked_offset(codec: int) -> None:
    bounded_codecs.install()
    raw = batch(b"a", b"b", b"c", codec=codec, base=40) + batch(b"d", codec=codec, base=43)
    found = list(records_in(raw, SOURCE, from_offset=41))
    assert [(record.offset, record.value) for record in found] == [(41, b"b"), (42, b"c"), (43, b"d")]
    assert found[0].headers == (("name", b"v"),)


@pytest.mark.parametrize("codec", [0, 1, 4])
def test_a_damaged_batch_is_read_record_by_record(codec: int) -> None:
    raw = bytearray(batch(b"a", b"b", b"c", codec=codec, base=7))
    raw[17] ^= 0xFF  # the checksum: aiokafka gives the whole batch up
    found = list(records_in(bytes(raw), SOURCE, from_offset=0))
    assert [(record.offset, record.value) for record in found] == [(7, b"a"), (8, b"b"), (9, b"c")]


def test_a_record_that_nobody_can_read_comes_out_as_its_bytes_between_the_others() -> None:
    raw = damaged(batch(b"aaaa", b"bbbb", b"cccc"), b"\x08bbbb", b"\x7ebbbb")  # a value longer than its record
    first, second, third = records_in(raw, SOURCE, from_offset=0)
    assert (first.value, third.value) == (b"aaaa", b"cccc")
    assert second.offset == 1
    assert second.headers[0][0] == UNREADABLE
    assert b"bbbb" in (second.value or b"")


def test_a_cut_off_batch_at_the_end_waits_for_the_next_fetch() -> None:
    raw = batch(b"a") + batch(b"b", base=1)[:-1]
    assert [record.value for record in records_in(raw, SOURCE, from_offset=0)] == [b"a"]


@given(st.data())
def test_no_bytes_make_it_raise_or_go_backwards(data: st.DataObject) -> None:
    raw = bytearray(batch(b"a" * 5, b"b" * 5, b"c" * 5, codec=data.draw(st.sampled_from([0, 1, 2, 3, 4])), base=3))
    for _ in range(data.draw(st.integers(1, 6))):
        raw[data.draw(st.integers(12, len(raw) - 1))] = data.draw(st.integers(0, 255))
    for record in records_in(bytes(raw), SOURCE, from_offset=3):
        assert record.offset >= 3
