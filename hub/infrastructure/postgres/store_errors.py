"""What PostgreSQL's errors mean to the use cases, with what to do next.

Invariants: an error that time or an operator heals is a `StoreUnavailableError`; a row that is there already is a `StoreConflictError`, which the
event-sourcing library knows as its `IntegrityError`; everything else is a fault of ours and passes unchanged.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import psycopg
from eventsourcing.persistence import IntegrityError
from psycopg import errors

from hub.application.ports import HubError, StoreUnavailableError
from projections.certificate_fault import CertificateFault
from projections.database_certificate import refusal

_READ_HEAD = "Read the head row again before writing."
_ADVICE: tuple[tuple[type[psycopg.Error], str, str], ...] = (
    (errors.DiskFull, "The database's disk is full.", "Free space or enlarge the volume; writing goes on by itself."),
    (
        errors.TooManyConnections,
        "The database takes no more connections.",
        "Raise max_connections or stop what is idle.",
    ),
    (errors.ReadOnlySqlTransaction, "The database is read-only.", "Point the address at the primary server."),
    (errors.UndefinedTable, "A table is missing.", "Run the migrations of this shard."),
    (errors.UndefinedColumn, "A column is missing.", "Run the migrations of this shard."),
    (
        errors.InsufficientPrivilege,
        "The database refused access.",
        "Set privileges right: `spojka-hub transport database`.",
    ),
    (errors.IdleSessionTimeout, "The session stood idle for too long and was ended.", _READ_HEAD),
    (errors.IdleInTransactionSessionTimeout, "A transaction stood still for too long and was ended.", _READ_HEAD),
    (errors.AdminShutdown, "The session was ended by another process or an operator.", _READ_HEAD),
    (
        errors.LockNotAvailable,
        "A lock was not free in time.",
        "Look for a migration or an open administration session.",
    ),
    (psycopg.OperationalError, "The database cannot be reached or broke the session.", _READ_HEAD),
    (psycopg.InterfaceError, "The database session is closed.", _READ_HEAD),
)

_CERTIFICATE: Final[Mapping[CertificateFault, str]] = {
    "unknown-authority": "Set SPOJKA_HUB_DATABASE_CA_FILE (or `sslrootcert`) to the `ca.pem` of `spojka-hub transport`; "
    "if it is that, somebody else answers there.",
    "expired": "Renew it: `spojka-hub transport rotate certificates`, put the files where PostgreSQL reads them, and have it reload.",
    "not-yet-valid": "Set the clocks of both machines right.",
    "wrong-name": "Write the host as the certificate names it, or have one issued for this one: "
    "`spojka-hub transport apply --server database=HOST`.",
    "other": "Have it issued anew: `spojka-hub transport rotate certificates`.",
}


class StoreConflictError(HubError, IntegrityError):
    """A stream version, message or tracking position that is to be written is there already: the writer's memory of the log is wrong."""


def meaning(error: psycopg.Error) -> HubError | None:
    """The hub's error for one of psycopg's, or None when it is a fault of ours."""
    if isinstance(error, psycopg.IntegrityError):
        constraint = error.diag.constraint_name or "a constraint"
        return StoreConflictError(
            f"Already recorded ({constraint}).", advice="Empty the caches and read the log again."
        )
    if (refused := refusal(error)) is not None:
        return StoreUnavailableError(refused.problem, advice=_CERTIFICATE[refused.fault])
    for kind, problem, advice in _ADVICE:
        if isinstance(error, kind):
            return StoreUnavailableError(
                f"{problem} ({str(error).strip().splitlines()[0] if str(error) else kind.__name__})", advice=advice
            )
    return None


@contextmanager
def translated() -> Iterator[None]:
    """Raise the hub's errors in place of psycopg's."""
    try:
        yield
    except psycopg.Error as error:
        known = meaning(error)
        if known is None:
            raise
        raise known from error
