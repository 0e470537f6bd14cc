"""What the doctor looks at and how it found it. Pure.

Invariant: every pair of `FOUND` has a text in every language (a test compares), which says what is so and what to do; details are counts, names of
machines and coded states, nothing about a person.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from projections.process.health import Status


class Check(StrEnum):
    """One thing that an adapter needs to work."""

    FIRST_LIST = "first-list"
    KEY = "key"
    LOCKED = "locked"
    PRIVATE = "private"
    AT_REST = "at-rest"
    DATABASE = "database"
    DISK = "disk"
    BACKUP = "backup"
    ADDRESS = "address"
    PORT = "port"
    NO_TLS = "no-tls"
    CA_FILE = "ca-file"
    CERTIFICATE_UNKNOWN = "certificate-unknown"
    CERTIFICATE_EXPIRED = "certificate-expired"
    CERTIFICATE_NAME = "certificate-name"
    CERTIFICATE = "certificate"
    SIGN_IN_FILE = "sign-in-file"
    SIGN_IN = "sign-in"
    BROKER = "broker"
    TOPICS = "topics"
    ADMITTED = "admitted"
    IN_TOUCH = "in-touch"
    CLOCK = "clock"
    WAITING = "waiting"
    TO_CORRECT = "to-correct"
    DUTIES = "duties"
    RECORDS = "records"
    RECOVERY = "recovery"
    ALARMS = "alarms"
    PROOFS = "proofs"
    OPENED = "opened"


FOUND: Final[Mapping[Check, tuple[Status, ...]]] = {
    Check.FIRST_LIST: ("pass", "fail"),
    Check.KEY: ("pass", "fail"),
    Check.LOCKED: ("pass", "warn"),
    Check.PRIVATE: ("pass", "warn"),
    Check.AT_REST: ("pass", "warn", "fail"),
    Check.DATABASE: ("pass", "fail"),
    Check.DISK: ("pass", "warn", "fail"),
    Check.BACKUP: ("pass", "warn"),
    Check.ADDRESS: ("pass", "fail"),
    Check.PORT: ("pass", "fail"),
    Check.NO_TLS: ("fail",),
    Check.CA_FILE: ("fail",),
    Check.CERTIFICATE_UNKNOWN: ("fail",),
    Check.CERTIFICATE_EXPIRED: ("fail",),
    Check.CERTIFICATE_NAME: ("fail",),
    Check.CERTIFICATE: ("fail",),
    Check.SIGN_IN_FILE: ("fail",),
    Check.SIGN_IN: ("fail",),
    Check.BROKER: ("pass", "fail"),
    Check.TOPICS: ("pass", "fail"),
    Check.ADMITTED: ("pass", "warn", "fail"),
    Check.IN_TOUCH: ("pass", "warn"),
    Check.CLOCK: ("pass", "warn"),
    Check.WAITING: ("pass", "warn"),
    Check.TO_CORRECT: ("pass", "warn"),
    Check.DUTIES: ("pass", "warn"),
    Check.RECORDS: ("pass", "warn"),
    Check.RECOVERY: ("pass", "warn"),
    Check.ALARMS: ("pass", "warn"),
    Check.PROOFS: ("pass",),
    Check.OPENED: ("pass",),
}
"""How each check can come out."""

_RANK: Final[Mapping[Status, int]] = {"pass": 0, "warn": 1, "fail": 2}


@dataclass(frozen=True, slots=True)
class Finding:
    """How one check came out; `details` fill the text."""

    check: Check
    status: Status
    details: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The key of its text in `adapters.words`."""
        return f"doctor.{self.check}.{self.status}"


def worst(findings: Iterable[Finding]) -> Status:
    """`pass` where there is none."""
    return max((one.status for one in findings), key=_RANK.__getitem__, default="pass")
