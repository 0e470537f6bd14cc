"""The whole corpus: which documents there are."""

from collections.abc import Mapping
from typing import Final

from contracts.golden_corpus import (
    conversation,
    dead_letters,
    feed,
    ledger,
    lists,
    messages,
    pairing,
    partitions,
    sealing,
)

DOCUMENTS: Final = {
    "actors.json": lists.document,
    "messages.json": messages.document,
    "dead-letters.json": dead_letters.document,
    "conversation.json": conversation.document,
    "feed.json": feed.document,
    "ledger.json": ledger.document,
    "partitions.json": partitions.document,
    "pairing.json": pairing.document,
    "sealing.json": sealing.document,
}


def documents() -> Mapping[str, dict[str, object]]:
    """Every document of the corpus by its file name."""
    return {name: make() for name, make in DOCUMENTS.items()}
