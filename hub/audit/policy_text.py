"""The policy that a hub suggests to its auditors, as the text of a C2SP tlog-policy.

Invariant: what it asks for is more than half of the units that the operator admitted, and one whom the operator did not admit, where there is one.
"""

from collections.abc import Sequence

from contracts.ledger.listed_keys import enough_of
from contracts.ledger.policy import NONE
from contracts.ledger.signed_note import NoteKey

_COMPARE = "compare these keys with the operator, and those of witnesses with their owners, by another way (c2sp.org/tlog-policy)"
_ALONE = "# Nobody witnesses whom the operator did not admit: name one of your own, and make the quorum all of both."


def policy_text(log: NoteKey, *, units: Sequence[NoteKey], outside: Sequence[NoteKey]) -> str:
    """Log, witnesses, groups and quorum, a line each."""
    inside = [one.name.rpartition("/")[2] for one in units]
    others = [f"outside-{number}" for number in range(1, len(outside) + 1)]
    lines = [f"# {log.name}: {_COMPARE}", f"log {log.text}"]
    named = zip((*inside, *others), (*units, *outside), strict=True)
    lines += [f"witness {name} {key.text}" for name, key in named]
    groups = []
    if inside:
        groups.append("units")
        lines.append(f"group units {enough_of(len(inside))} {' '.join(inside)}")
    if others:
        groups.append("outside")
        lines.append(f"group outside any {' '.join(others)}")
    else:
        lines.append(_ALONE)
    if len(groups) > 1:
        lines.append("group both all units outside")
    quorum = "both" if len(groups) > 1 else next(iter(groups), NONE)
    return "".join(f"{line}\n" for line in (*lines, f"quorum {quorum}"))
