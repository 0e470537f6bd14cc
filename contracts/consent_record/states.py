"""The states of a consent in DPV 2.3, and what each means for sharing.

Invariants: sharing is allowed in two states only; the client alone gives, refuses and withdraws, someone else alone
asks, revokes, invalidates and lets expire (DPV: a withdrawal is the subject's, a revocation anyone else's).
"""

from enum import StrEnum
from typing import Final


class ConsentState(StrEnum):
    """Named as in DPV 2.3, module consent status."""

    REQUESTED = "ConsentRequested"
    REQUEST_DEFERRED = "ConsentRequestDeferred"
    GIVEN = "ConsentGiven"
    RENEWED = "RenewedConsentGiven"
    REFUSED = "ConsentRefused"
    WITHDRAWN = "ConsentWithdrawn"
    """By the client."""
    REVOKED = "ConsentRevoked"
    """By someone else."""
    EXPIRED = "ConsentExpired"
    INVALIDATED = "ConsentInvalidated"
    UNKNOWN = "ConsentUnknown"


SHARING_ALLOWED: Final = frozenset({ConsentState.GIVEN, ConsentState.RENEWED})
"""DPV's `ConsentStatusValidForProcessing`; all others are `ConsentStatusInvalidForProcessing`."""

BY_THE_CLIENT: Final = SHARING_ALLOWED | {ConsentState.REFUSED, ConsentState.WITHDRAWN}
"""Indicated by the client, or by whoever represents the client by law."""

AFTER_GIVEN: Final = frozenset(
    {
        ConsentState.RENEWED,
        ConsentState.WITHDRAWN,
        ConsentState.REVOKED,
        ConsentState.EXPIRED,
        ConsentState.INVALIDATED,
    }
)
"""States that only a consent once given can come to."""
