"""Which trust list and which settings stood in a log at each place of it, as its own messages brought them in.

Invariants: a list counts from behind the message that brought it, the first from that message on; a list that does not follow the one before it
changes nothing. Pure.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from contracts.admission import read_first_list
from contracts.errors import ContractsError
from contracts.messages.hub import SettingsChanged, TrustListPublished
from contracts.trust_list import Directory, read_envelope
from hub.application.programme import as_told
from hub.domain.decision import Circumstances
from hub.domain.settings import DEFAULT, DecisionSettings, changed


@dataclass(slots=True)
class Timeline:
    """Lists and settings by position and by time. `first_list`: what the first one must be; None: whatever the log begins with."""

    first_list: bytes | None = None
    _from: list[int] = field(default_factory=list)
    _since: list[datetime] = field(default_factory=list)
    _in_force: list[tuple[Directory, DecisionSettings]] = field(default_factory=list)

    def follow(self, facts: TrustListPublished | SettingsChanged, *, position: int, at: datetime) -> Iterator[str]:
        """Take over what a message brought; says what is wrong with it."""
        if isinstance(facts, SettingsChanged):
            if self._in_force:
                self._add(position, at, self._in_force[-1][0], changed(facts))
            return
        try:
            if not self._in_force:
                yield from self._begin(facts, position, at)
            else:
                directory, settings = self._in_force[-1]
                following = read_envelope(facts.document.encode(), before=directory, roots={}, at=at)
                self._add(position, at, following, settings)
        except ContractsError as error:
            yield error.problem
        except ValueError as error:
            yield type(error).__name__

    def _begin(self, facts: TrustListPublished, position: int, at: datetime) -> Iterator[str]:
        told = facts.document.encode()
        first = told if self.first_list is None else self.first_list
        directory, _ = read_first_list(first)
        if {facts.digest, as_told(told).digest} != {as_told(first).digest}:
            yield "the log begins with another list than the export names"
        self._add(position - 1, at, directory, DEFAULT)

    def _add(self, position: int, at: datetime, directory: Directory, settings: DecisionSettings) -> None:
        self._from.append(position)
        self._since.append(at)
        self._in_force.append((directory, settings))

    def before(self, position: int, at: datetime) -> Circumstances | None:
        """What a decision at a position rests on; None before there was a trust list."""
        return self._circumstances(bisect_left(self._from, position), at, position)

    def as_of(self, at: datetime) -> Circumstances | None:
        """What stood in the log at a time."""
        return self._circumstances(bisect_right(self._since, at), at, 0)

    def _circumstances(self, count: int, at: datetime, position: int) -> Circumstances | None:
        if not count:
            return None
        directory, settings = self._in_force[count - 1]
        return Circumstances(directory, settings, at, position)

    @property
    def directories(self) -> Sequence[Directory]:
        """Every list that stood in the log, the oldest first: who has left stands in an older one."""
        return list({directory.version: directory for directory, _ in self._in_force}.values())

    @property
    def newest(self) -> Directory | None:
        """The last list."""
        return self._in_force[-1][0] if self._in_force else None
