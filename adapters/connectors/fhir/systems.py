"""The names that FHIR and we give to the same things: code systems, profiles, identifiers, and the two tables between their codes and ours.

Invariants: what we write is read back as the same code; a foreign code that is in no table is reported and never guessed. The tables are a decision,
not a fact: food, goods and money are `income-debt` here, whatever touches health insurance, cost or stress is `health` and so wholly sealed.
"""

from collections.abc import Mapping
from typing import Any, Final

from contracts.categories import Category
from contracts.code_lists import label, load

Json = dict[str, Any]

GUIDE: Final = "http://hl7.org/fhir/us/sdoh-clinicalcare"
GUIDE_CODES: Final = f"{GUIDE}/CodeSystem/SDOHCC-CodeSystemTemporaryCodes"
US_CORE_CATEGORY: Final = "http://hl7.org/fhir/us/core/CodeSystem/us-core-category"
OBSERVATION_CATEGORY: Final = "http://terminology.hl7.org/CodeSystem/observation-category"
SNOMED: Final = "http://snomed.info/sct"

OURS: Final = "https://spojka.eu/fhir"
EXTENSION: Final = f"{OURS}/field/"
"""Extensions carry a field of our facts or content under its own name: what FHIR has no element for is not lost."""
REFERRAL_ID: Final = f"{OURS}/referral-id"
CONSENT_ID: Final = f"{OURS}/consent-id"
CASE_NUMBER: Final = f"{OURS}/case-number"
UNIT: Final = f"{OURS}/unit"
CLASS: Final = f"{OURS}/class-of-units"
CORRELATION: Final = f"{OURS}/correlation-id"
MOVE: Final = f"{OURS}/referral-move"
"""Code system of what happened to a referral; its codes are the last parts of our message types."""
SERVICE: Final = f"{OURS}/service"

_SERVICE_PREFIXES: Final[Mapping[str, str]] = {
    SNOMED: "snomed:",
    "http://loinc.org": "loinc:",
    "http://hl7.org/fhir/sid/icd-10-cm": "icd-10-cm:",
    "http://www.ama-assn.org/go/cpt": "cpt:",
    "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets": "hcpcs:",
}

_CATEGORY_TO_GUIDE: Final[Mapping[Category, str]] = {
    Category.EMPLOYMENT: "employment-status",
    Category.EDUCATION: "educational-attainment",
    Category.HOUSING: "housing-instability",
    Category.INCOME_DEBT: "financial-insecurity",
    Category.MOBILITY: "transportation-insecurity",
}
_UNSPECIFIED: Final = "sdoh-category-unspecified"

CATEGORY_FROM_GUIDE: Final[Mapping[str, Category]] = {
    "educational-attainment": Category.EDUCATION,
    "employment-status": Category.EMPLOYMENT,
    "financial-insecurity": Category.INCOME_DEBT,
    "food-insecurity": Category.INCOME_DEBT,
    "health-insurance-coverage-status": Category.HEALTH,
    "homelessness": Category.HOUSING,
    "housing-instability": Category.HOUSING,
    "inadequate-housing": Category.HOUSING,
    "material-hardship": Category.INCOME_DEBT,
    "medical-cost-burden": Category.HEALTH,
    "personal-health-literacy": Category.HEALTH,
    "stress": Category.HEALTH,
    "transportation-insecurity": Category.MOBILITY,
}
WITHOUT_CATEGORY: Final = frozenset(
    {"elder-abuse", "intimate-partner-violence", "social-connection", "veteran-status", _UNSPECIFIED}
)
"""Codes of the guide for which we have no one category: a person decides."""


def profile(name: str) -> Json:
    """`meta` that claims a profile of the guide."""
    return {"profile": [f"{GUIDE}/StructureDefinition/SDOHCC-{name}"]}


def system_of(code_list: str) -> str:
    """The code system that one of our code lists is."""
    return load(code_list).iri


def coding(code_list: str, code: str) -> Json:
    """A code of ours, with its English label for whoever does not know the list."""
    return {"system": system_of(code_list), "code": code, "display": label(code_list, code, "en")}


def concept(code_list: str, code: str) -> Json:
    """The same as a CodeableConcept; `text` because the guide asks for one with a reason."""
    return {"coding": [coding(code_list, code)], "text": label(code_list, code, "en")}


def guide_concept(code: str, *, system: str = GUIDE_CODES) -> Json:
    """A code of the guide."""
    return {"coding": [{"system": system, "code": code}]}


def category_codings(category: Category) -> list[Json]:
    """The guide's category and, since it is coarser or other than ours, ours."""
    guide = {"system": GUIDE_CODES, "code": _CATEGORY_TO_GUIDE.get(category, _UNSPECIFIED)}
    return [guide, coding("category", category.value)]


def service_coding(service: str) -> Json:
    """A service: a published system's code under its own system, any other under ours."""
    for system, prefix in _SERVICE_PREFIXES.items():
        if service.startswith(prefix) and len(service) > len(prefix):
            return {"system": system, "code": service.removeprefix(prefix)}
    return {"system": SERVICE, "code": service}


def service_code(system: str, code: str) -> str | None:
    """The service that a coding names; None for a system that we do not know."""
    if system == SERVICE:
        return code
    prefix = _SERVICE_PREFIXES.get(system)
    return None if prefix is None else prefix + code
