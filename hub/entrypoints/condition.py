"""How each role of a process is, as `/health` tells it.

Invariants: counts, coded states and times only; a process fails exactly while a role of it cannot do its work (a standby can: it waits for the lock);
what a person should look at (parked messages, stuck timers) is a warning.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from projections.process.health import Health, Status

State = Literal[
    "writing",
    "relaying",
    "projecting",
    "releasing",
    "standby",
    "broker-unavailable",
    "store-unavailable",
    "no-list",
    "stopped",
    "ledger-behind",
    "restored",
]
"""`no-list`: the configured trust list cannot be used; `stopped`: a read model met an unknown event, or the ledger does not fit its log;
`ledger-behind`: nothing is done until the ledger has caught up; `restored`: the database is a backup, see `spojka-hub restore check`.
"""

_UNABLE: Final = frozenset(
    {"broker-unavailable", "store-unavailable", "no-list", "stopped", "ledger-behind", "restored"}
)


@dataclass(frozen=True, slots=True)
class Condition:
    """One role at this moment."""

    state: State
    counts: Mapping[str, object] = field(default_factory=dict)
    look: bool = False
    """A person should look."""


class Conditioned(Protocol):
    """A role's process."""

    def condition(self) -> Condition:
        """How it is; asked from another thread."""


def health_of(shard: int, roles: Sequence[tuple[str, Conditioned]]) -> Health:
    """What `/health` tells of these roles."""
    conditions = {name: one.condition() for name, one in roles}
    checks: dict[str, object] = {"shard": shard} | {name: one.state for name, one in conditions.items()}
    for one in conditions.values():
        checks |= one.counts
    return Health(_status(list(conditions.values())), checks)


def _status(conditions: Sequence[Condition]) -> Status:
    if any(one.state in _UNABLE for one in conditions):
        return "fail"
    return "warn" if any(one.look for one in conditions) else "pass"
