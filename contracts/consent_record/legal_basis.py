"""Legal bases and rights of the GDPR, by DPV's names for the articles.

Invariants: these are terms of DPV's `eu-gdpr` extension 2.3. Criminal data (Art. 10) have no basis here: no consent
opens them, a statute must. Public bodies can seldom rely on consent (EDPB guidelines 05/2020, paragraph 16), so a record
may name another basis than consent beside what its paper is.
"""

from enum import StrEnum
from typing import Final


class LegalBasis(StrEnum):
    """GDPR Art. 6(1) and 9(2)."""

    CONSENT = "A6-1-a"
    EXPLICIT_CONSENT = "A6-1-a-explicit-consent"
    CONTRACT = "A6-1-b"
    LEGAL_OBLIGATION = "A6-1-c"
    VITAL_INTEREST = "A6-1-d"
    PUBLIC_TASK = "A6-1-e"
    LEGITIMATE_INTEREST = "A6-1-f"
    SPECIAL_EXPLICIT_CONSENT = "A9-2-a"
    SPECIAL_SOCIAL_LAW = "A9-2-b"
    SPECIAL_VITAL_INTEREST = "A9-2-c"
    SPECIAL_PUBLIC_INTEREST = "A9-2-g"
    SPECIAL_CARE = "A9-2-h"


CONSENT_BASES: Final = frozenset({LegalBasis.CONSENT, LegalBasis.EXPLICIT_CONSENT, LegalBasis.SPECIAL_EXPLICIT_CONSENT})
"""Hold only while the client agrees."""
SPECIAL_BASES: Final = frozenset(basis for basis in LegalBasis if basis.value.startswith("A9-"))
"""One of these is needed beside an Art. 6 basis for special categories."""


class Right(StrEnum):
    """Rights that a record names to the client."""

    WITHDRAW = "A7-3"
    ACCESS = "A15"
    RECTIFICATION = "A16"
    ERASURE = "A17"
    COMPLAINT = "A77"
