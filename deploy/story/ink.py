"""How the people of the story write: a word in every name, contact and text, so that whoever looks for it finds all places where content is open.

Invariants: the word goes only where a person of the story writes; what strangers put on the broker is not theirs. Each writer's can be told apart by
what follows it, and so can what stands on a consent's paper, which its parties keep: it shows that sharing was lawful.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Ink:
    """Writes as it is told, and adds its mark."""

    mark: str = ""
    writer: str = ""

    def of(self, writer: str) -> "Ink":
        """That of one writer."""
        return replace(self, writer=writer)

    @property
    def own(self) -> str:
        """The mark as this writer leaves it."""
        return f"{self.mark}.{self.writer}." if self.writer else self.mark

    def __call__(self, text: str) -> str:
        """The text as it stands in the entry."""
        return f"{text} {self.own}" if self.mark else text

    def on_paper(self, text: str) -> str:
        """The text as it stands on the paper of a consent."""
        return f"{text} {self.mark}-on-paper" if self.mark else text
