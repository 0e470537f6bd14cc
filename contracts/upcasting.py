"""What was stored or published under an older version, lifted to the version that the code knows (DESIGN section 5, contracts publish themselves).

Invariants: a lift goes from one version of a name to the next of the same name, so that a chain always ends; it is pure and total over what its
version allowed; it changes what is read, never what is stored or signed. A lift once released stays: a corpus of stored examples proves it.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from contracts.errors import ContractsError

Document = dict[str, Any]
"""JSON values: what a stored state or the `data` of a message is before it is validated."""

_VERSIONED: Final = re.compile(r"(?P<name>[a-z0-9.-]+?)(?:/|\.v)(?P<version>[1-9][0-9]*|0)")


class UpcastError(ContractsError):
    """A registry of lifts does not lead upwards one version at a time."""


class Lift(NamedTuple):
    """The name that an old one becomes, and how its document becomes the new one (the old document is not changed)."""

    to: str
    change: Callable[[Document], Document]


class Upcasters:
    """The lifts of one kind of names: topics (`message-accepted/1`) or message types (`eu.spojka.session.held.v1`).

    Raises `UpcastError` for a lift that is not from a version to the next of the same name.
    """

    def __init__(self, lifts: Mapping[str, Lift]) -> None:
        for old, lift in lifts.items():
            (name, version), (new_name, new_version) = _parts(old), _parts(lift.to)
            if (new_name, new_version) != (name, version + 1):
                raise UpcastError(f"{old} is lifted to {lift.to}", advice="Lift to the next version of the same name.")
        self.lifts: Final[Mapping[str, Lift]] = MappingProxyType(dict(lifts))

    def lift(self, name: str, document: Document) -> tuple[str, Document]:
        """The newest name that leads on from this one, with its document; both unchanged where there is no lift."""
        while (found := self.lifts.get(name)) is not None:
            name, document = found.to, found.change(document)
        return name, document


def _parts(versioned: str) -> tuple[str, int]:
    found = _VERSIONED.fullmatch(versioned)
    if found is None:
        raise UpcastError(
            f"{versioned} has no version", advice="Write <name>/<n> for topics, <type>.v<n> for messages."
        )
    return found["name"], int(found["version"])


STORED_EVENTS: Final = Upcasters({})
"""Topics of the log. All are at their first version."""

MESSAGES: Final = Upcasters({})
"""`data` of message types, by type. All are at their first version."""
