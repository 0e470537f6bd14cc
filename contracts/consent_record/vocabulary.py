"""Our categories and purposes in the terms of DPV 2.3, as compact IRIs with the prefixes of `context.jsonld`.

Invariants: every term exists in DPV 2.3, or is one of ours (`spojka:`) that `vocabulary.ttl` defines below a DPV term.
A category means at least the data named here; the category itself stands beside them in the record, since DPV is coarser
in places and finer in others. `criminal` and `conduct` have no mapping because no consent names them.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from contracts.categories import Category, Purpose

PERSONAL_DATA: Final[Mapping[Category, tuple[str, ...]]] = MappingProxyType(
    {
        Category.EMPLOYMENT: ("pd:EmploymentHistory", "pd:CurrentEmployment"),
        Category.SKILLS: ("pd:ProfessionalCertification", "pd:ProfessionalTraining", "pd:WorkExperience"),
        Category.EDUCATION: ("pd:EducationQualification", "pd:EducationExperience"),
        Category.HOUSING: ("pd:HomeLocation", "pd:Residency"),
        Category.HEALTH: ("pd:Health", "pd:Disability"),
        Category.INCOME_DEBT: ("pd:Income", "pd:FinancialStatus", "pd:LoanRecord"),
        Category.FAMILY_CARE: ("pd:FamilyStructure", "pd:Household"),
        Category.LEGAL: ("pd:Citizenship", "pd:Residency", "pd:Nationality"),
        Category.DIGITAL: ("pd:TechnicalKnowledge",),
        Category.MOBILITY: ("pd:Vehicle", "pd:VehicleLicense"),
        Category.LANGUAGE: ("pd:Language",),
        Category.IDENTITY: ("pd:Name", "pd:BirthDate", "pd:TelephoneNumber", "pd:EmailAddress", "pd:PhysicalAddress"),
    }
)

PURPOSES: Final[Mapping[Purpose, tuple[str, ...]]] = MappingProxyType(
    {
        Purpose.SUPPORT: ("ps:SocialAssistanceManagement", "ps:PublicServiceProvision", "spojka:SupportReferral"),
        Purpose.STATISTICS: ("dpv:ProvideOfficialStatistics",),
        Purpose.ELIGIBILITY: ("ps:PublicServiceEligibilityAssessment",),
        Purpose.CONTROL: ("ps:PublicServiceFraudPreventionDetection",),
    }
)

PROCESSING: Final = ("dpv:Share", "dpv:Store", "dpv:Use")
"""What sharing entries about a client comes to: the source shares, the recipient stores and uses."""


def personal_data(categories: tuple[Category, ...]) -> tuple[str, ...]:
    """The DPV terms of these categories, each once, in the order of the categories."""
    return tuple(dict.fromkeys(term for category in categories for term in PERSONAL_DATA[category]))
