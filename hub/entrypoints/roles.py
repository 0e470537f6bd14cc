"""What a hub process can do, by name."""

from enum import StrEnum


class Role(StrEnum):
    """What a hub process does."""

    INTAKE = "intake"
    DISPATCH = "dispatch"
    PROJECTIONS = "projections"
    LEDGER = "ledger"
