"""What was found about one promise: faults that break it, facts that speak for it.

Invariant: a promise is held when no fault was found, and says with numbers what was looked at.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise, judged."""

    id: str
    title: str
    held: bool
    evidence: str

    def document(self) -> dict[str, object]:
        """For machines."""
        return {"id": self.id, "title": self.title, "held": self.held, "evidence": self.evidence}


@dataclass(slots=True)
class Finding:
    """A promise while it is being judged."""

    id: str
    title: str
    _faults: list[str] = field(default_factory=list)
    _facts: list[str] = field(default_factory=list)

    def must(self, holds: object, fault: str) -> None:
        """Something that has to be so; `fault` says what is wrong otherwise."""
        if not holds:
            self._faults.append(fault)

    def same(self, found: object, expected: object, what: str) -> None:
        """Two things that have to be equal."""
        self.must(found == expected, f"{what}: {found!r}, not {expected!r}")

    def fact(self, fact: str) -> None:
        """What was looked at, with numbers."""
        self._facts.append(fact)

    def promise(self) -> Promise:
        """The judgement."""
        faults = [f"NOT HELD: {fault}" for fault in self._faults]
        return Promise(self.id, self.title, held=not faults, evidence="; ".join([*faults, *self._facts]))
