"""What was found: per requirement what held, what did not, and what could not be seen.

Invariants: a requirement that was broken once is broken; what was never put to the test counts neither for nor against; a finding shows ids and
codes, never content of a message.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from adapters.conformance.requirements import BY_ID, Level, Requirement, Side, of_side

_SHOWN: Final = 5


class Outcome(StrEnum):
    """What became of a requirement."""

    HELD = "held"
    BROKEN = "broken"
    NOT_SEEN = "not-seen"


@dataclass(frozen=True, slots=True)
class Finding:
    """One requirement as it was seen; `evidence` names the first few breaches, else how often it was seen to hold."""

    requirement: Requirement
    outcome: Outcome
    evidence: tuple[str, ...]


@dataclass(slots=True)
class Report:
    """Collects what is seen while the kit plays. `told` hears of each breach at once; `only` names what is asked of this one."""

    side: Side
    told: Callable[[str], None] = lambda _: None
    only: frozenset[str] | None = None
    _held: dict[str, int] = field(default_factory=dict)
    _broken: dict[str, list[str]] = field(default_factory=dict)

    def held(self, requirement: str) -> None:
        """It was seen to hold, once more."""
        self._held[BY_ID[requirement].id] = self._held.get(requirement, 0) + 1

    def broken(self, requirement: str, what: str) -> None:
        """It was broken."""
        before = self._broken.setdefault(BY_ID[requirement].id, [])
        if what not in before:
            before.append(what)
            if len(before) <= _SHOWN:
                self.told(f"{requirement}: {what}")

    def judge(self, requirement: str, *, holds: bool, else_: str) -> bool:
        """Held or broken; returns which."""
        if holds:
            self.held(requirement)
        else:
            self.broken(requirement, else_)
        return holds

    def is_broken(self, requirement: str) -> bool:
        """Whether it was seen broken so far."""
        return requirement in self._broken

    def findings(self) -> list[Finding]:
        """Every requirement of the side, in the page's order."""
        return [self._finding(one) for one in of_side(self.side) if self.only is None or one.id in self.only]

    def exit_code(self) -> int:
        """0: every MUST that was seen held, and none was unseen; 1: one was broken; 3: none was, but some MUST was not seen."""
        musts = [one for one in self.findings() if one.requirement.level is Level.MUST]
        if any(one.outcome is Outcome.BROKEN for one in musts):
            return 1
        return 3 if any(one.outcome is Outcome.NOT_SEEN for one in musts) else 0

    def _finding(self, requirement: Requirement) -> Finding:
        if breaches := self._broken.get(requirement.id):
            return Finding(requirement, Outcome.BROKEN, tuple(breaches[:_SHOWN]))
        times = self._held.get(requirement.id, 0)
        return Finding(
            requirement, Outcome.HELD if times else Outcome.NOT_SEEN, (f"seen {times} times",) if times else ()
        )
