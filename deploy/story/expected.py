"""Who is given what, worked out by hand from the consents of the story and DESIGN section 7, apart from any code.

Invariants: `TABLE` is the table of the story, row by row: judged at the first date, the entry's own date in the fourth place, the referral in the
fifth. `AT_THE_END` names every message about Karel that bears a category, and everyone who was given it by the end, back-fills included.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Expected:
    """One row of the story's table; dates are month-day of 2026."""

    at: str
    unit: str
    category: str
    time: str
    referral: str
    given_to: frozenset[str]


_TABLE: Final = """
02-02 op identity    02-02 -  -
02-09 op identity    02-02 -  up md
02-10 op housing     02-10 -  up md
02-10 op skills      02-10 -  up md
02-10 op income-debt 02-10 -  -
02-11 op employment  02-11 R1 up md
02-11 up employment  02-11 R1 op
02-11 op housing     02-11 R2 up md
02-13 up employment  02-13 R1 op md
02-17 md housing     02-17 R2 op up
02-18 up employment  02-18 R1 op md
02-24 op employment  02-24 -  up md
02-24 up employment  02-24 -  op md
02-24 md housing     02-24 -  op up
02-24 op income-debt 02-24 -  -
03-03 op income-debt 02-10 -  md
03-03 op income-debt 02-24 -  md
03-10 op skills      02-10 -  up md vz
03-10 op housing     02-10 -  up md
03-11 up skills      03-11 R3 op md vz
03-16 vz skills      03-16 R3 op up
03-17 up skills      03-17 R4 op md vz
04-09 up employment  04-08 -  op md vz
04-21 op conduct     04-21 -  -
04-28 op income-debt 04-28 -  md
05-04 md housing     05-04 R2 op up
05-18 vz skills      05-18 R4 op up
06-05 vz skills      06-05 -  op up
06-08 vz skills      06-05 -  op up
06-16 op income-debt 06-16 -  -
07-13 up employment  07-13 -  op md vz
08-03 md housing     08-03 -  op up
08-18 op employment  08-18 -  up md vz
10-13 up employment  10-13 -  op md vz
11-05 up employment  11-05 -  op
11-05 md housing     11-05 -  -
"""

_AT_THE_END: Final = """
op client.enrolled            identity    02-02 -  up md
op need.assessed              housing     02-10 -  up md
op need.assessed              skills      02-10 -  up md vz
op need.assessed              income-debt 02-10 -  md
op referral.sent              employment  02-11 R1 up md vz
up referral.received          employment  02-11 R1 op md vz
op referral.sent              housing     02-11 R2 up md
md referral.received          housing     02-11 R2 op up
up referral.question-asked    employment  02-13 R1 op
up referral.info-requested    employment  02-13 R1 op md vz
op referral.question-answered employment  02-16 R1 up
op referral.info-given        employment  02-16 R1 up md vz
md referral.waitlisted        housing     02-17 R2 op up
up referral.accepted          employment  02-18 R1 op md vz
op session.held               employment  02-24 -  up md vz
up session.held               employment  02-24 -  op md vz
md session.held               housing     02-24 -  op up
op session.held               income-debt 02-24 -  md
up referral.started           employment  02-24 R1 op md vz
up referral.sent              skills      03-11 R3 op md vz
vz referral.received          skills      03-11 R3 op up
vz referral.declined          skills      03-16 R3 op up
up referral.sent              skills      03-17 R4 op md vz
vz referral.received          skills      03-17 R4 op up
vz referral.accepted          skills      03-19 R4 op up
up appointment.offered        employment  04-08 -  op md vz
op service.delivered          income-debt 04-28 -  md
md referral.accepted          housing     05-04 R2 op up
md referral.started           housing     05-06 R2 op up
vz referral.started           skills      05-18 R4 op up
vz service.delivered          skills      06-05 -  op up
vz outcome.recorded           skills      06-05 -  op up
vz referral.completed         skills      06-05 R4 op up
vz entry.corrected            skills      06-05 -  op up
up referral.closed            skills      06-09 R4 op md vz
up outcome.recorded           employment  07-13 -  op md vz
up referral.completed         employment  07-20 R1 op md vz
op referral.closed            employment  07-27 R1 up md vz
md outcome.recorded           housing     08-03 -  op up
op session.held               employment  08-18 -  up md vz
up referral.reopened          employment  08-19 R1 op md vz
up referral.completed         employment  09-15 R1 op md vz
op referral.closed            employment  09-22 R1 up md vz
md referral.completed         housing     09-30 R2 op up
up outcome.recorded           employment  10-13 -  op md vz
hub referral.closed           housing     10-14 R2 op up md
up session.held               employment  11-05 -  op
up outcome.recorded           employment  01-13 -  op
"""

STAYS_LOCAL: Final = frozenset({("op", "conduct", "04-21"), ("op", "income-debt", "06-16"), ("md", "housing", "11-05")})
"""Unit, category and date of what nobody may have to the end: held by its author's adapter."""

Named = tuple[str, str, str, str, str]
"""Unit, type, category, date and referral of a message."""


def _units(names: list[str]) -> frozenset[str]:
    return frozenset(name for name in names if name != "-")


def _expected(line: str) -> Expected:
    at, unit, category, time, referral, *given = line.split()
    return Expected(at, unit, category, time, referral, _units(given))


def _named(line: str) -> tuple[Named, frozenset[str]]:
    unit, kind, category, time, referral, *given = line.split()
    return (unit, kind, category, time, referral), _units(given)


TABLE: Final = tuple(_expected(line) for line in _TABLE.strip().splitlines())
AT_THE_END: Final = dict(_named(line) for line in _AT_THE_END.strip().splitlines())
OBLIGATIONS: Final = {("06-03", "md"), ("10-30", "op"), ("10-30", "up"), ("10-30", "md"), ("10-30", "vz")}
"""Day and unit of every duty to erase: a withdrawal asks everyone who holds what no other consent covers."""
