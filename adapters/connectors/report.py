"""What an import made, or in a dry run would make.

Invariants: counts are of distinct messages: the same row again counts once, a newer state of it as a correction; the report names no client.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import Final

from adapters.connectors.refusal import Refusal
from adapters.connectors.scratch import Scratch
from adapters.desk.rendering import SameAgain
from adapters.drafts import ClientKey, Draft
from contracts.catalogue import spec_of
from contracts.messages.entry import EntryCorrected
from contracts.names import MessageType

_DIGEST_BYTES: Final = 12
_MOST_MET: Final = 4096
"""Clients of whom it is at hand that they were counted."""


class ImportReport:
    """Counts as the drafts go by; refusals are the scratch's."""

    def __init__(self, scratch: Scratch) -> None:
        self._scratch = scratch
        self._clients = scratch.index("report/clients")
        self._made = scratch.index("report/made")
        self._met: set[ClientKey] = set()
        self._hash: SameAgain[object, int] = SameAgain(hash)
        """Of times and facts, which the rows of an import share."""
        self.messages: Counter[MessageType] = Counter()
        self.rows: dict[str, int] = {}
        self.unmapped: tuple[str, ...] = ()
        self.unmapped_columns: Mapping[str, tuple[str, ...]] = {}
        """By table, columns that the mapping does not read."""

    def count(self, draft: Draft) -> None:
        """One more draft."""
        if draft.client is not None and draft.client not in self._met:
            self._clients.add(draft.client)
            if len(self._met) < _MOST_MET:
                self._met.add(draft.client)
        digest = self._digest(draft)
        key = draft.local_key or digest
        if self._made.add(key, digest):
            self.messages[spec_of(draft.facts).type] += 1
        elif self._made.find(key) != [digest]:
            self._made.put(key, digest)
            self.messages[spec_of(EntryCorrected(reason="typing-error")).type] += 1

    def _digest(self, draft: Draft) -> str:
        """Tells contents apart within one run."""
        if draft.content is None and draft.local_key is not None:
            try:
                return f"{hash((self._hash(draft.time), draft.category, self._hash(draft.facts))):x}"
            except TypeError:  # facts with something in them that cannot be hashed
                pass
        content = f"{draft.time.timestamp()} {draft.category} {draft.facts.__dict__} {draft.content and draft.content.__dict__}"
        return blake2b(content.encode(errors="replace"), digest_size=_DIGEST_BYTES).hexdigest()

    def counted(self, drafts: Iterable[Draft]) -> Iterator[Draft]:
        """The drafts, counted as they go by."""
        for draft in drafts:
            self.count(draft)
            yield draft

    @property
    def subjects(self) -> int:
        """How many clients the messages are about."""
        return self._clients.count()

    @property
    def refused(self) -> int:
        """How many files, rows and cells were not taken over."""
        return self._scratch.refusal_count()

    def refusals(self) -> Iterator[Refusal]:
        """Each of them."""
        return self._scratch.refusals()

    def as_json(self) -> Iterator[str]:
        """The report as one JSON object, in pieces: `rows`, `messages`, `subjects`, `refused`."""
        messages = {str(name): count for name, count in sorted(self.messages.items())}
        head: Mapping[str, object] = {"rows": self.rows, "messages": messages, "subjects": self.subjects}
        yield json.dumps(head, ensure_ascii=False)[:-1] + ', "refused": ['
        for number, one in enumerate(self.refusals()):
            cell = {"file": one.file, "row": one.row, "column": one.column, "value": one.value, "reason": one.explained}
            yield (",\n" if number else "\n") + json.dumps(cell, ensure_ascii=False)
        yield "]}\n"
