"""The story of Děčín as rows: on which day, who, what, and what is done at the desk. Rows that need the support path's messages follow with it.

Invariants: rows are in the order of time; every row is followed by rest: what one does the next one sees; rows of `operator` are what goes wrong or
is done beside the story.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Protocol

from adapters.desk.actions.consents import Terms
from contracts.categories import Category
from contracts.grants import to_unit
from contracts.messages import referral as r
from contracts.names import UnitId
from deploy.story.actors import Worker
from deploy.story.clock import morning
from deploy.story.places import MD, OP, UP, VZ

OPERATOR: Final = "operator"
C: Final = Category


class Mishaps(Protocol):
    """What goes wrong, and what is done beside the story."""

    def import_export(self) -> None:
        """A real export is imported at the city, without any consent."""

    def forge(self) -> None:
        """A stranger signs a consent in the advice office's name."""

    def stray(self) -> None:
        """A message of another programme comes to the hub."""

    def kill_hub(self) -> None:
        """The hub is killed in the midst of a burst, and started again."""

    def cut_line(self) -> None:
        """The labour office's line goes down."""

    def look_offline(self) -> None:
        """What the labour office sees meanwhile."""

    def mend_line(self) -> None:
        """The line is back."""

    def lose_broker(self) -> None:
        """The broker loses everything, with a message on its way."""


class Stage(Protocol):
    """Who can be asked to act."""

    @property
    def mishaps(self) -> Mishaps:
        """What goes wrong."""

    def worker(self, unit: UnitId) -> Worker:
        """The worker of a unit who knows Karel."""


Act = Callable[[Stage], object]


@dataclass(frozen=True, slots=True)
class Row:
    """One row."""

    day: date
    who: str
    what: str
    act: Act


def _row(day: str, who: str, what: str, act: Act) -> Row:
    year = "2026" if len(day) == len("02-02") else ""
    return Row(date.fromisoformat(f"{year}-{day}" if year else day), who, what, act)


def _at(unit: UnitId, act: Callable[[Worker], object]) -> Act:
    return lambda stage: act(stage.worker(unit))


def _terms(
    sources: tuple[UnitId, ...], recipients: tuple[UnitId, ...], categories: tuple[Category, ...], dates: str
) -> Terms:
    history, until = (date.fromisoformat(one) for one in dates.split(".."))
    return Terms(sources, [to_unit(unit) for unit in recipients], categories, until, history)


C1: Final = _terms(
    (OP, UP, MD), (OP, UP, MD), (C.IDENTITY, C.EMPLOYMENT, C.SKILLS, C.HOUSING), "2026-02-02..2027-01-31"
)
C2: Final = _terms((OP,), (MD,), (C.INCOME_DEBT,), "2026-02-02..2026-08-31")
C3: Final = _terms((OP, UP, VZ), (OP, UP, VZ), (C.EMPLOYMENT, C.SKILLS), "2026-02-10..2027-01-31")


def _day(text: str) -> date:
    return date.fromisoformat(f"2026-{text}")


WINTER: Final[tuple[Row, ...]] = (
    _row("02-02", OP, "enrols Karel; no consent yet, so it stays local", _at(OP, lambda w: w.enrol())),
    _row("02-09", OP, "takes consent C1; the enrolment leaves now", _at(OP, lambda w: w.take_consent("C1", C1))),
    _row("02-10", OP, "a need: housing", _at(OP, lambda w: w.assess(C.HOUSING, "A bed in a hostel until May."))),
    _row("02-10", OP, "a need: skills", _at(OP, lambda w: w.assess(C.SKILLS, "Welding certificate lapsed in 2023."))),
    _row("02-10", OP, "a need: debts; no ground, held", _at(OP, lambda w: w.assess(C.INCOME_DEBT, "Nine executions."))),
    _row("02-10", UP, "meets Karel: its own case from now on", _at(UP, lambda w: w.meet(OP))),
    _row("02-10", MD, "meets Karel: its own case from now on", _at(MD, lambda w: w.meet(OP))),
    _row("02-10", OPERATOR, "a stranger forges a consent in OP's name", lambda s: s.mishaps.forge()),
    _row(
        "02-11",
        OP,
        "refers to the labour office: R1",
        _at(OP, lambda w: w.refer("R1", C.EMPLOYMENT, target=UP, due=_day("02-20"), message="Wants to weld again.")),
    ),
    _row(
        "02-11",
        OP,
        "refers to the city: R2",
        _at(OP, lambda w: w.refer("R2", C.HOUSING, target=MD, due=_day("02-20"), message="A flat with assistance.")),
    ),
    _row("02-12", UP, "attests C1", _at(UP, lambda w: w.attest("C1"))),
    _row("02-12", MD, "attests C1", _at(MD, lambda w: w.attest("C1"))),
    _row("02-13", UP, "asks about R1", _at(UP, lambda w: w.ask("R1", "When did the certificate lapse?"))),
    _row("02-16", OP, "answers", _at(OP, lambda w: w.answer("R1", "In March 2023."))),
    _row(
        "02-17",
        MD,
        "puts R2 on its waiting list until 05-04",
        _at(MD, lambda w: w.move("R2", r.ReferralWaitlisted, expected=morning(_day("05-04")))),
    ),
    _row(
        "02-18",
        UP,
        "accepts R1",
        _at(UP, lambda w: w.move("R1", r.ReferralAccepted, first_meeting=morning(_day("02-24")))),
    ),
    _row("02-19", OPERATOR, "a message of another programme comes", lambda s: s.mishaps.stray()),
    _row(
        "02-24",
        OP,
        "joint session, its part: work",
        _at(
            OP, lambda w: w.hold_session(C.EMPLOYMENT, kind="social", form="case-conference", notes="Plan for spring.")
        ),
    ),
    _row(
        "02-24",
        UP,
        "joint session, its part: work",
        _at(
            UP,
            lambda w: w.hold_session(
                C.EMPLOYMENT, kind="labour-market", form="case-conference", notes="A course first, then placement."
            ),
        ),
    ),
    _row(
        "02-24",
        MD,
        "joint session, its part: housing",
        _at(MD, lambda w: w.hold_session(C.HOUSING, kind="housing", form="case-conference", notes="Third in line.")),
    ),
    _row(
        "02-24",
        OP,
        "joint session, its part on debts is held",
        _at(OP, lambda w: w.hold_session(C.INCOME_DEBT, kind="debt", form="case-conference", notes="Nine executions.")),
    ),
    _row(
        "02-24",
        UP,
        "R1 in service",
        _at(UP, lambda w: w.move("R1", r.ReferralStarted, first_contact=morning(_day("02-24")))),
    ),
    _row("02-25", OPERATOR, "the city imports a real export; without consent", lambda s: s.mishaps.import_export()),
    _row("02-26", OPERATOR, "OP enters a backlog; the hub is killed in its midst", lambda s: s.mishaps.kill_hub()),
)

SPRING: Final[tuple[Row, ...]] = (
    _row("03-03", OP, "takes consent C2: debts to the city", _at(OP, lambda w: w.take_consent("C2", C2))),
    _row("03-10", UP, "takes consent C3: work and skills to the school", _at(UP, lambda w: w.take_consent("C3", C3))),
    _row("03-10", OP, "attests C3", _at(OP, lambda w: w.attest("C3"))),
    _row(
        "03-11",
        UP,
        "refers to the welding school: R3",
        _at(UP, lambda w: w.refer("R3", C.SKILLS, target=VZ, due=_day("03-25"), message="The March course.")),
    ),
    _row("03-11", VZ, "meets Karel", _at(VZ, lambda w: w.meet(UP))),
    _row("03-11", VZ, "attests C3", _at(VZ, lambda w: w.attest("C3"))),
    _row("03-16", VZ, "declines R3", _at(VZ, lambda w: w.move("R3", r.ReferralDeclined, reason="no-capacity"))),
    _row(
        "03-17",
        UP,
        "refers again, for May: R4",
        _at(
            UP,
            lambda w: w.refer("R4", C.SKILLS, target=VZ, due=_day("03-31"), message="The May course.", parent="R3"),
        ),
    ),
    _row("03-19", VZ, "accepts R4", _at(VZ, lambda w: w.move("R4", r.ReferralAccepted))),
    _row("04-08", OPERATOR, "UP's line goes down", lambda s: s.mishaps.cut_line()),
    _row(
        "04-08",
        UP,
        "offers an appointment all the same",
        _at(UP, lambda w: w.offer_appointment(morning(_day("04-20")), "Bring the course contract.")),
    ),
    _row("04-08", OPERATOR, "UP looks at Karel's path", lambda s: s.mishaps.look_offline()),
    _row("04-09", OPERATOR, "UP's line is back; the others see the appointment", lambda s: s.mishaps.mend_line()),
    _row(
        "04-21",
        OP,
        "notes a missed meeting: conduct, never shared",
        _at(OP, lambda w: w.hold_session(C.CONDUCT, kind="social", form="individual", notes="Did not come.")),
    ),
    _row(
        "04-28",
        OP,
        "drafts the debt-relief petition",
        _at(OP, lambda w: w.deliver(C.INCOME_DEBT, service="debt-counselling", notes="Petition drafted.")),
    ),
    _row("05-04", OPERATOR, "MD accepts R2, and the broker loses everything", lambda s: s.mishaps.lose_broker()),
    _row(
        "05-06",
        MD,
        "R2 in service",
        _at(MD, lambda w: w.move("R2", r.ReferralStarted, first_contact=morning(_day("05-06")))),
    ),
    _row(
        "05-18",
        VZ,
        "R4 in service; a slip is refused, mended and sent again",
        _at(VZ, lambda w: w.slip_and_mend("R4", r.ReferralStarted, first_contact=morning(_day("05-18")))),
    ),
    _row("05-20", MD, "turns away a clerk of Claims", _at(MD, lambda w: w.turn_away())),
)

SUMMER: Final[tuple[Row, ...]] = (
    _row("06-03", OP, "Karel withdraws C2: he fears the city as creditor", _at(OP, lambda w: w.withdraw("C2"))),
    _row("06-05", MD, "erases the debt entries and says so", _at(MD, lambda w: w.answer_obligations())),
    _row(
        "06-05",
        VZ,
        "the course: 80 hours",
        _at(
            VZ,
            lambda w: w.deliver(
                C.SKILLS, service="vocational-training", notes="Welding course.", hours="80", name="course"
            ),
        ),
    ),
    _row(
        "06-05",
        VZ,
        "the certificate",
        _at(VZ, lambda w: w.record_outcome(C.SKILLS, outcome="certificate", notes="Certificate renewed.")),
    ),
    _row("06-05", VZ, "R4 completed", _at(VZ, lambda w: w.move("R4", r.ReferralCompleted, outcome="goal-reached"))),
    _row("06-08", VZ, "corrects the hours: 88", _at(VZ, lambda w: w.correct("course", hours="88"))),
    _row("06-09", UP, "closes R4", _at(UP, lambda w: w.move("R4", r.ReferralClosed))),
    _row(
        "06-16",
        OP,
        "the court permits debt relief; no ground any more, held",
        _at(OP, lambda w: w.deliver(C.INCOME_DEBT, service="debt-counselling", notes="The court permits debt relief.")),
    ),
    _row(
        "07-13",
        UP,
        "Karel is employed",
        _at(
            UP,
            lambda w: w.record_outcome(C.EMPLOYMENT, outcome="employed", notes="Welder, full time.", isco="7212"),
        ),
    ),
    _row("07-20", UP, "R1 completed", _at(UP, lambda w: w.move("R1", r.ReferralCompleted, outcome="goal-reached"))),
    _row("07-27", OP, "closes R1", _at(OP, lambda w: w.move("R1", r.ReferralClosed))),
    _row(
        "08-03",
        MD,
        "a city tenancy with assistance",
        _at(MD, lambda w: w.record_outcome(C.HOUSING, outcome="tenancy", notes="City flat, with assistance.")),
    ),
    _row(
        "08-18",
        OP,
        "a quarrel over wage deductions",
        _at(
            OP,
            lambda w: w.hold_session(C.EMPLOYMENT, kind="legal", form="individual", notes="Deductions from wages."),
        ),
    ),
    _row("08-19", UP, "reopens R1", _at(UP, lambda w: w.move("R1", r.ReferralReopened, reason="new-difficulty"))),
)

AUTUMN: Final[tuple[Row, ...]] = (
    _row("09-15", UP, "R1 completed", _at(UP, lambda w: w.move("R1", r.ReferralCompleted, outcome="goal-reached"))),
    _row("09-22", OP, "closes R1", _at(OP, lambda w: w.move("R1", r.ReferralClosed))),
    _row("09-30", MD, "R2 completed", _at(MD, lambda w: w.move("R2", r.ReferralCompleted, outcome="goal-reached"))),
    _row(
        "10-13",
        UP,
        "three months on: still employed",
        _at(UP, lambda w: w.record_outcome(C.EMPLOYMENT, outcome="employed", notes="Still employed.", months=3)),
    ),
    _row("10-14", OPERATOR, "the hub closes R2 by itself", lambda _: None),
    _row(
        "10-30",
        OP,
        "narrows C1 to work, between OP and UP",
        _at(OP, lambda w: w.narrow("C1", units=(OP, UP), category=C.EMPLOYMENT)),
    ),
    _row("10-30", UP, "Karel withdraws C3", _at(UP, lambda w: w.withdraw("C3"))),
    *(
        _row("11-02", unit, "erases what no consent covers any more", _at(unit, lambda w: w.answer_obligations()))
        for unit in (OP, UP, MD, VZ)
    ),
    _row(
        "11-05",
        UP,
        "a call about work: OP alone",
        _at(UP, lambda w: w.hold_session(C.EMPLOYMENT, kind="labour-market", form="phone", notes="All is well.")),
    ),
    _row(
        "11-05",
        MD,
        "a call about the flat: nobody",
        _at(MD, lambda w: w.hold_session(C.HOUSING, kind="housing", form="phone", notes="All is well.")),
    ),
    _row(
        "2027-01-13",
        UP,
        "six months on: still employed",
        _at(UP, lambda w: w.record_outcome(C.EMPLOYMENT, outcome="employed", notes="Still employed.", months=6)),
    ),
)

ROWS: Final = (*WINTER, *SPRING, *SUMMER, *AUTUMN)
START: Final = ROWS[0].day - timedelta(days=1)
