"""What authors said in their messages that they had seen of the ledger, against the ledger as it is now. Pure.

Invariants: a message is signed by its author, so the hub cannot take back what it says; it can only have seen what stood in the log before it.
"""

from base64 import b64decode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from contracts.envelope import Message
from contracts.ledger.frontier import Frontier
from hub.audit.findings import Finding, FindingCode

_HASHED = 1024


@dataclass(slots=True)
class Gossip:
    """Checkpoints that messages name: shard, size and root, each with the first position at which it was said."""

    said: dict[tuple[int, int, bytes], int] = field(default_factory=dict)

    def hear(self, message: Message, position: int) -> None:
        """Take what a message says."""
        if message.checkpoint is None:
            return
        shard, size, root = message.checkpoint.split(":")
        self._note((int(shard), int(size), b64decode(root)), position)

    def add(self, other: "Gossip") -> None:
        """What was heard elsewhere too."""
        for said, position in other.said.items():
            self._note(said, position)

    def contradictions(self, leaves: Iterable[bytes], *, shard: int) -> Iterator[Finding]:
        """What the ledger of a shard, given leaf by leaf, does not bear out."""
        of_shard = sorted((size, root, at) for (where, size, root), at in self.said.items() if where == shard)
        early = [(size, root, at) for size, root, at in of_shard if size <= at]
        for size, _, at in (one for one in of_shard if one[0] > one[2]):
            yield Finding(FindingCode.CONTRADICTED, at, f"its author had seen {size} entries, and it stands at {at}")
        tree, some, rest = Frontier(), list[bytes](), iter(leaves)
        for size, root, at in early:
            while tree.size + len(some) < size:
                leaf = next(rest, None)
                if leaf is None:
                    return  # rows are missing, which is a finding of its own
                some.append(leaf)
                if len(some) == _HASHED:
                    tree, some = tree.extended(some), []
            tree, some = tree.extended(some), []
            if tree.root != root:
                yield Finding(FindingCode.CONTRADICTED, at, f"its author had seen another history of {size} entries")

    def _note(self, said: tuple[int, int, bytes], position: int) -> None:
        self.said[said] = min(position, self.said.get(said, position))
