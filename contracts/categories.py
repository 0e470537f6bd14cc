"""Categories and purposes: what an entry is about and what it may be used for (DESIGN section 6).

Invariants: a grounded message has exactly one category; `conduct` is in no consent package; health is special (GDPR Art. 9), criminal is Art. 10.
"""

from enum import StrEnum
from typing import Final


class Category(StrEnum):
    """The dimensions of support, and three that are none."""

    EMPLOYMENT = "employment"
    SKILLS = "skills"
    EDUCATION = "education"
    HOUSING = "housing"
    HEALTH = "health"
    INCOME_DEBT = "income-debt"
    FAMILY_CARE = "family-care"
    LEGAL = "legal"
    DIGITAL = "digital"
    MOBILITY = "mobility"
    LANGUAGE = "language"
    IDENTITY = "identity"
    """Who the client is, contact, enrolment."""
    CRIMINAL = "criminal"
    CONDUCT = "conduct"
    """Missed meetings, excuses, motivation: promise 7."""


class Purpose(StrEnum):
    """What the data may be used for. A consent may name only the first two."""

    SUPPORT = "support"
    STATISTICS = "statistics"
    ELIGIBILITY = "eligibility"
    CONTROL = "control"


SPECIAL: Final = frozenset({Category.HEALTH})
"""GDPR Art. 9."""
CRIMINAL: Final = frozenset({Category.CRIMINAL})
"""GDPR Art. 10."""
WHOLLY_SEALED: Final = SPECIAL | CRIMINAL
"""There every code is sealed; only the routing attributes are clear."""
CONSENT_PURPOSES: Final = frozenset({Purpose.SUPPORT, Purpose.STATISTICS})
DIMENSIONS: Final = tuple(c for c in Category if c not in {Category.IDENTITY, Category.CRIMINAL, Category.CONDUCT})
