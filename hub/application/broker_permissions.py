"""Who may do what at the brokers: one user for each part of the hub and for each institution's adapter. Pure.

Invariants: nobody but dispatch and the key service writes a feed, nobody but intake reads the inbox, nobody but the ledger announces itself; an
institution writes `hub.inbox` and `hub.witness`, reads `hub.directory`, `hub.ledger` and the feeds of the units that its adapter serves, and nothing
else; nobody has a permission on a group, a transaction or the cluster. Reading and writing imply to be told of a topic and where it ends, which is
all that resuming needs.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from contracts.names import InstitutionId, UnitId
from contracts.trust_list import Directory

INBOX: Final = "hub.inbox"
DIRECTORY: Final = "hub.directory"
LEDGER: Final = "hub.ledger"
WITNESS: Final = "hub.witness"
FEEDS: Final = "feed."


class HubUser(StrEnum):
    """Parts of the hub that speak to the brokers."""

    INTAKE = "hub-intake"
    DISPATCH = "hub-dispatch"
    KEYS = "hub-keys"
    """The key service: releases on feeds, and its word to the log of what it released. It reads nothing."""
    LEDGER = "hub-ledger"
    OPERATOR = "hub-operator"
    """The operator's commands: they publish trust lists and settings."""
    AUDIT = "hub-audit"
    """The auditor's page: it says who looked."""


class Operation(StrEnum):
    """What is permitted."""

    READ = "read"
    WRITE = "write"
    CREATE = "create"


@dataclass(frozen=True, slots=True, order=True)
class Permission:
    """A user may do this with a topic, or with all whose names begin so."""

    user: str
    operation: Operation
    topic: str
    prefix: bool = False


HUB_PERMISSIONS: Final = frozenset(
    {
        Permission(HubUser.INTAKE, Operation.READ, INBOX),
        Permission(HubUser.DISPATCH, Operation.WRITE, INBOX),
        Permission(HubUser.DISPATCH, Operation.WRITE, DIRECTORY),
        Permission(HubUser.DISPATCH, Operation.WRITE, FEEDS, prefix=True),
        Permission(HubUser.DISPATCH, Operation.CREATE, INBOX),
        Permission(HubUser.DISPATCH, Operation.CREATE, DIRECTORY),
        Permission(HubUser.DISPATCH, Operation.CREATE, FEEDS, prefix=True),
        Permission(HubUser.KEYS, Operation.WRITE, INBOX),
        Permission(HubUser.KEYS, Operation.WRITE, FEEDS, prefix=True),
        Permission(HubUser.DISPATCH, Operation.CREATE, LEDGER),
        Permission(HubUser.DISPATCH, Operation.CREATE, WITNESS),
        Permission(HubUser.LEDGER, Operation.WRITE, LEDGER),
        Permission(HubUser.LEDGER, Operation.READ, WITNESS),
        Permission(HubUser.OPERATOR, Operation.WRITE, INBOX),
        Permission(HubUser.OPERATOR, Operation.CREATE, INBOX),
        Permission(HubUser.OPERATOR, Operation.CREATE, DIRECTORY),
        Permission(HubUser.AUDIT, Operation.WRITE, INBOX),
        Permission(HubUser.OPERATOR, Operation.CREATE, LEDGER),
        Permission(HubUser.OPERATOR, Operation.CREATE, WITNESS),
    }
)


def adapter_user(institution: InstitutionId) -> str:
    """The name under which an institution's adapter signs in, without its generation."""
    return f"adapter-{institution}"


def served_by(directory: Directory, hosted: Mapping[UnitId, InstitutionId]) -> dict[InstitutionId, set[UnitId]]:
    """Which units each institution's adapter serves: its own, but for those that another one hosts."""
    served: dict[InstitutionId, set[UnitId]] = {}
    for entry in directory.listed.units:
        if entry.admitted_until is None:
            served.setdefault(hosted.get(entry.unit, entry.institution), set()).add(entry.unit)
    return served


def adapter_permissions(user: str, units: Iterable[UnitId]) -> frozenset[Permission]:
    """What an adapter's user may do."""
    feeds = {Permission(user, Operation.READ, f"{FEEDS}{unit}") for unit in units}
    writes = {Permission(user, Operation.WRITE, topic) for topic in (INBOX, WITNESS)}
    reads = {Permission(user, Operation.READ, topic) for topic in (DIRECTORY, LEDGER)}
    return frozenset({*writes, *reads, *feeds})
