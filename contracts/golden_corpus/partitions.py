"""Java's murmur2 and the partitions that follow, for keys of every length up to eight, empty and beyond ASCII."""

from typing import Final

from contracts.golden_corpus.actors import ADVICE, PROGRAMME, SUBJECT
from contracts.golden_corpus.written import COUNTS
from contracts.names import source_of
from contracts.partition import murmur2, partition_of

_KEYS: Final = (
    "",
    *("abcdefgh"[:length] for length in range(1, 9)),
    "žluťoučký kůň",
    "hub-0",
    "hub-1",
    SUBJECT,
    "r1." + "a" * 26,
    "h1." + "b" * 52,
    source_of(PROGRAMME, ADVICE),
)


def document() -> dict[str, object]:
    """`partitions.json`."""
    return {
        "about": "partition = (murmur2(key as UTF-8) & 0x7fffffff) mod count, with Java's murmur2, seed 0x9747b28c.",
        "table": [
            {
                "key": key,
                "murmur2": murmur2(key.encode()),
                "partition": {str(count): partition_of(key, count) for count in COUNTS},
            }
            for key in _KEYS
        ],
    }
