"""How the people of the story write: a word in every name, contact and text, so that whoever looks for it finds all places where content is open.

Invariant: the word goes only where a person of the story writes; what strangers put on the broker is not theirs.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ink:
    """Writes as it is told, and adds its mark."""

    mark: str = ""

    def __call__(self, text: str) -> str:
        """The text as it stands in the entry."""
        return f"{text} {self.mark}" if self.mark else text
