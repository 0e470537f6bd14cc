"""Every client sends a subject to the same partition."""

import pytest
from aiokafka.partitioner import murmur2 as peer

from contracts.partition import murmur2, partition_of


# Apache Kafka, clients, UtilsTest.testMurmur2.
@pytest.mark.parametrize(
    ("key", "signed"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_murmur2_gives_the_values_that_kafka_publishes(key: bytes, signed: int) -> None:
    assert murmur2(key) == signed % 2**32


@pytest.mark.parametrize("length", range(40))
def test_a_client_with_aiokafka_sends_a_subject_where_we_expect_it(length: int) -> None:
    for filler in (0, 127, 128, 255):
        key = bytes((filler + n) % 256 for n in range(length))
        assert murmur2(key) == peer(key)
        assert partition_of(key, 64) == (peer(key) & 0x7FFFFFFF) % 64


def test_text_and_its_utf8_bytes_name_the_same_partition() -> None:
    assert partition_of("hub-ř", 64) == partition_of("hub-ř".encode(), 64)


def test_a_topic_without_partitions_is_an_error_and_not_a_place() -> None:
    with pytest.raises(ValueError, match="at least one"):
        partition_of(b"x", 0)
