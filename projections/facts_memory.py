"""Facts that were parsed lately, so that folding a referral or the grounds of a subject again does not parse its messages again.

Invariant: only a memory: what it forgot is read from the stored row, with the same result, since a message never changes.
"""

from typing import Any, Final

from sqlalchemy import Row

from contracts.catalogue import CATALOGUE
from contracts.facts import Facts
from contracts.names import MessageId, MessageType

_AT_MOST: Final = 5_000


class FactsMemory:
    """The facts of the messages seen last, by message id."""

    def __init__(self) -> None:
        self._facts: dict[MessageId, Facts] = {}

    def keep(self, message_id: MessageId, facts: Facts) -> Facts:
        """Remember, and forget the oldest where there are too many."""
        self._facts[message_id] = facts
        if len(self._facts) > _AT_MOST:
            del self._facts[next(iter(self._facts))]
        return facts

    def of(self, row: Row[Any]) -> Facts:
        """The facts of a row with `message_id`, `type` and `facts`."""
        return self._facts.get(row.message_id) or self.keep(row.message_id, parsed_facts(row))


def parsed_facts(row: Row[Any]) -> Facts:
    """The facts of a row with `type` and `facts`."""
    return CATALOGUE[MessageType(row.type)].facts.model_validate_json(row.facts)
