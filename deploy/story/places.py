"""The institutions and units of the story, and what the operator decided about each."""

from dataclasses import dataclass
from typing import Final

from contracts.names import InstitutionId, UnitId

PROGRAMME: Final = "decin"
TIME_ZONE: Final = "Europe/Prague"
PARTITIONS: Final = 4
"""What the embedded broker makes by itself."""

OP, UP, MD, CLAIMS, VZ = (UnitId(name) for name in ("op", "up", "md", "md-claims", "vz"))


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitPlan:
    """One unit: its name on screens, and how the trust list describes it."""

    unit: UnitId
    name: str
    role: str
    secrecy: bool = False
    sanctions: bool = False
    case_number: str = ""
    """Under which number of its own the unit keeps Karel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstitutionPlan:
    """One institution with one adapter."""

    institution: InstitutionId
    name: str
    units: tuple[UnitPlan, ...]


INSTITUTIONS: Final[tuple[InstitutionPlan, ...]] = (
    InstitutionPlan(
        institution=InstitutionId("poradna"),
        name="Poradna Labe, an advice NGO",
        units=(UnitPlan(unit=OP, name="Advice office", role="advice", secrecy=True, case_number="2026-017"),),
    ),
    InstitutionPlan(
        institution=InstitutionId("urad-prace"),
        name="Labour office",
        units=(UnitPlan(unit=UP, name="Branch Děčín", role="labour-office", secrecy=True, case_number="UP-4411"),),
    ),
    InstitutionPlan(
        institution=InstitutionId("mesto"),
        name="City of Děčín",
        units=(
            UnitPlan(unit=MD, name="Social work", role="social-work", secrecy=True, case_number="SP/203"),
            UnitPlan(unit=CLAIMS, name="Claims", role="claims", sanctions=True),
        ),
    ),
    InstitutionPlan(
        institution=InstitutionId("skola"),
        name="Welding school",
        units=(UnitPlan(unit=VZ, name="Courses", role="training-provider", case_number="K-88"),),
    ),
)

UNITS: Final = {plan.unit: plan for institution in INSTITUTIONS for plan in institution.units}
INSTITUTION_OF: Final = {plan.unit: one.institution for one in INSTITUTIONS for plan in one.units}
