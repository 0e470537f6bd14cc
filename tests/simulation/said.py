"""What the units said, and who may be given what by it: a slow re-statement of section 7 of the design, in words, for the property tests.

It shares no code with the hub's gate or folds: consents are kept as they were said, and every question is asked grant by grant.
"""

from dataclasses import dataclass, field
from datetime import datetime

from tests.simulation.programme import STORY_UNITS, UnitSpec

SPECS: dict[str, UnitSpec] = {spec.name: spec for spec in STORY_UNITS}


@dataclass
class Grant:
    """One line of a paper."""

    sources: set[str]
    recipient: str
    """`unit:<name>` or `class:<role>`."""
    categories: set[str]
    begins: datetime
    ends: datetime

    def names(self, unit: str) -> bool:
        """Whether the recipient is this unit, or a class that it belongs to."""
        kind, _, name = self.recipient.partition(":")
        return name == unit if kind == "unit" else name in SPECS[unit].roles

    def outlives(self, other: "Grant") -> bool:
        """Whether this line goes on with all that the other opens, when that has ended."""
        same = self.recipient == other.recipient
        return same and self.ends > other.ends and self.sources >= other.sources and self.categories >= other.categories


@dataclass
class Paper:
    """A consent as it stands after all that was said about it."""

    collector: str
    release: bool
    explicit: bool
    grants: list[Grant]
    attested: set[str] = field(default_factory=set)
    withdrawn: bool = False

    def narrow(self, recipient: str, categories: set[str]) -> None:
        """Only these categories remain for the recipient; nothing else of it changes."""
        others = [one for one in self.grants if one.recipient != recipient]
        remaining = [(one, one.categories & categories) for one in self.grants if one.recipient == recipient]
        self.grants = others + [
            Grant(one.sources, recipient, left, one.begins, one.ends) for one, left in remaining if left
        ]


@dataclass
class Said:
    """About one client."""

    papers: dict[str, Paper] = field(default_factory=dict)
    restrictions: dict[str, list[set[str]]] = field(default_factory=dict)

    def may_have(self, unit: str, *, author: str, category: str, happened: datetime, at: datetime) -> bool:
        """Whether some paper lets `unit` have an entry of `author`, with the purpose of support, at this moment."""
        return not self._restricted(category) and self.could_have(
            unit, author=author, category=category, happened=happened, at=at
        )

    def could_have(self, unit: str, *, author: str, category: str, happened: datetime, at: datetime) -> bool:
        """The same, restrictions apart: they end giving, not holding."""
        if category in {"conduct", "criminal"} or unit == author:
            return False
        return any(
            grant.names(unit)
            and author in grant.sources
            and category in grant.categories
            and grant.begins <= happened
            and at < grant.ends
            for paper in self.papers.values()
            if self._opens(paper, author, category)
            for grant in paper.grants
        )

    def still_rides(self, paper_id: str, *, target: str, category: str, at: datetime) -> bool:
        """Whether the paper under which a referral was sent still names its target for its category."""
        paper = self.papers[paper_id]
        return not paper.withdrawn and any(
            grant.names(target) and category in grant.categories and at < grant.ends for grant in paper.grants
        )

    def _opens(self, paper: Paper, author: str, category: str) -> bool:
        if paper.withdrawn or (author != paper.collector and author not in paper.attested):
            return False
        if category == "health" and not paper.explicit:
            return False
        return paper.release or not SPECS[author].secrecy

    def _restricted(self, category: str) -> bool:
        return any(not one or category in one for some in self.restrictions.values() for one in some)
