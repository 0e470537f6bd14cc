"""What rows become: the rules of the shipped mappings over small folders."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from adapters.connectors.refusal import RefusalReason
from contracts.categories import Category
from contracts.envelope import compose
from contracts.messages.entry import EntryCorrected
from contracts.messages.outcome import OutcomeRecorded
from contracts.messages.referral import ReferralAccepted, ReferralDeclined, ReferralSent, ReferralVoided
from contracts.messages.service import ServiceContent, ServiceDelivered
from contracts.names import MessageId, ProgrammeId, Source, SubjectId
from tests.unit.connectors.folder import make, write, write_hmis

CZECH = (
    "Číslo případu;Datum;Služba;Hodin;Výsledek;Poznámka;Změněno;Smazáno\r\n"
    "2026/17;24. 2. 2026;dluhová poradna;1,5;;Splátkový kalendář;24. 2. 2026 16:05;\r\n"
    "2026/17;24.2.2026;kurz;8;osvědčení;-;25. 2. 2026 9:30;\r\n"
)


def test_equal_ids_of_two_institutions_stay_two_people(tmp_path: Path) -> None:
    made = make(write_hmis(tmp_path, Enrollment="e1,7,1,2026-01-05,,\ne2,7,2,2026-01-06,,\n"))
    assert {one.client for one in made.drafts} == {"10/7", "20/7"}


def test_a_slash_in_an_id_does_not_make_two_people_one(tmp_path: Path) -> None:
    projects = "ProjectID,OrganizationID,DateUpdated\n1,a/b,\n2,a,\n"
    folder = write_hmis(tmp_path, Enrollment="e1,c,1,2026-01-05,,\ne2,b/c,2,2026-01-06,,\n")
    assert len({one.client for one in make(write(folder, {"Project.csv": projects})).drafts}) == 2


def test_only_the_earliest_enrolment_counts_whatever_the_order_of_rows(tmp_path: Path) -> None:
    rows = "e1,7,1,2026-01-05,,\ne2,7,1,2025-03-01,,\ne3,7,1,2025-03-01,,\n"
    made = make(write_hmis(tmp_path, Enrollment=rows))
    assert [one.time for one in made.drafts] == [datetime(2025, 3, 1, tzinfo=UTC)]
    earlier = make(write_hmis(tmp_path, Enrollment=rows + "e0,7,1,2024-01-01,,\n"))
    assert earlier.drafts[0].local_key == made.drafts[0].local_key, "a correction, not a second enrolment"


def test_a_referrals_result_names_the_referral_and_is_as_reported(tmp_path: Path) -> None:
    events = "v1,e1,7,2026-01-10,13,,1,2026-01-12,,\nv2,e1,7,2026-01-11,4,Room 4,2,,,\nv3,e1,7,2026-01-11,1,,3,2026-01-20,,\n"
    made = make(write_hmis(tmp_path, Enrollment="e1,7,1,2026-01-05,,\n", Event=events))
    sent = [one.facts for one in made.named("referral-sent")]
    assert [(one.kind, one.external, one.service) for one in sent if isinstance(one, ReferralSent)] == [
        ("referral", True, "hmis-2024:event/13"),
        ("assessment", True, "hmis-2024:event/4"),
        ("referral", True, "hmis-2024:event/1"),
    ]
    results = [one for one in made.drafts if isinstance(one.facts, ReferralAccepted | ReferralDeclined)]
    assert [one.time.date() for one in results] == [date(2026, 1, 12), date(2026, 1, 11), date(2026, 1, 20)]
    ids = [one.referral_id for one in sent if isinstance(one, ReferralSent)]
    facts = [one.facts for one in results if isinstance(one.facts, ReferralAccepted | ReferralDeclined)]
    assert [(one.referral_id, one.as_reported) for one in facts] == [(each, True) for each in ids]
    assert [one.reason for one in facts if isinstance(one, ReferralDeclined)] == ["client-declined", "other"]


def test_a_referrals_id_is_stable_for_a_unit_and_a_riddle_to_everyone_else(tmp_path: Path) -> None:
    folder = write_hmis(tmp_path, Enrollment="e1,7,1,2026-01-05,,\n", Event="v1,e1,7,2026-01-10,13,,,,,\n")
    ours, again, others = (make(folder, secret=key * 32).named("referral-sent")[0] for key in (b"a", b"a", b"b"))
    assert ours == again
    assert ours.facts != others.facts


@pytest.mark.parametrize(
    ("record", "kind", "category"),
    [
        ("200", "200", Category.HOUSING),
        ("141", "4", Category.HEALTH),
        ("143", "1", Category.HEALTH),
        ("151", "1", Category.HEALTH),
        ("142", "5", Category.EDUCATION),
        ("142", "17", Category.HEALTH),
        ("142", "99", Category.HEALTH),
        ("152", "1", Category.INCOME_DEBT),
    ],
)
def test_a_service_that_reveals_an_illness_is_never_a_clear_code(
    tmp_path: Path, record: str, kind: str, category: Category
) -> None:
    services = f"s1,e1,7,2026-01-10,{record},{kind},12.50,2026-01-01,2026-01-31,,\n"
    made = make(write_hmis(tmp_path, Enrollment="e1,7,1,2026-01-05,,\n", Services=services))
    (service,) = (one for one in made.drafts if isinstance(one.facts, ServiceDelivered))
    assert service.category is category
    raw = compose(
        service.facts,
        id=MessageId("01890000-0000-7000-8000-000000000000"),
        source=Source("urn:spojka:p:u"),
        time=service.time,
        programme=ProgrammeId("p"),
        sequence=1,
        subject=SubjectId("r1." + "a" * 26),
        category=service.category,
    )
    clear = raw[: raw.index(b'"sealed"')] if b'"sealed"' in raw else raw
    assert (b"hmis-2024:service" in clear) is (category is not Category.HEALTH)


@pytest.mark.parametrize(("code", "category"), [("207", "criminal"), ("205", "health"), ("410", "housing")])
def test_where_a_person_went_is_special_data_when_it_was_prison_or_hospital(
    tmp_path: Path, code: str, category: str
) -> None:
    made = make(write_hmis(tmp_path, Enrollment="e1,7,1,2026-01-05,,\n", Exit=f"x1,e1,7,2026-02-01,{code},,\n"))
    assert made.named("exit")[0].category == category


def test_work_found_between_entry_and_exit_is_marked_as_inferred(tmp_path: Path) -> None:
    rows = (
        "m1,e1,7,2026-01-05,0,1,,\nm2,e1,7,2026-02-01,1,3,,\n"
        "m3,e2,8,2026-01-05,1,1,,\nm4,e2,8,2026-02-01,1,3,,\n"
        "m5,e3,9,2026-01-05,,1,,\nm6,e3,9,2026-02-01,1,3,,\n"
    )
    enrollments = "e1,7,1,2026-01-05,,\ne2,8,1,2026-01-05,,\ne3,9,1,2026-01-05,,\n"
    made = make(write_hmis(tmp_path, Enrollment=enrollments, EmploymentEducation=rows))
    outcomes = [one for one in made.drafts if isinstance(one.facts, OutcomeRecorded)]
    assert [(one.client, one.facts.inferred) for one in outcomes if isinstance(one.facts, OutcomeRecorded)] == [
        ("10/7", True)
    ]


def test_an_unknown_optional_code_costs_the_field_and_not_the_message(tmp_path: Path) -> None:
    made = make(write_hmis(tmp_path, Enrollment="e1,7,1,2026-01-05,,\n", Exit="x1,e1,7,2026-02-01,999,,\n"))
    facts = made.named("exit")[0].facts
    assert isinstance(facts, OutcomeRecorded)
    assert facts.destination is None
    assert [(one.column, one.value, one.reason) for one in made.refusals] == [
        ("Destination", "999", RefusalReason.UNKNOWN_CODE)
    ]


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        ("x1,e1,7,2025-12-31,410,,", "ExitDate", RefusalReason.BEFORE),
        ("x1,e1,8,2026-02-01,410,,", "PersonalID", RefusalReason.DIFFERS),
        ("x1,e9,7,2026-02-01,410,,", "EnrollmentID", RefusalReason.NO_SUCH_ROW),
        ("x1,,7,2026-02-01,410,,", "EnrollmentID", RefusalReason.MISSING),
        (",e1,7,2026-02-01,410,,", "ExitID", RefusalReason.MISSING),
        ("x1,e1,7,2026-02-31,410,,", "ExitDate", RefusalReason.NOT_A_DATE),
        ("x1,e1,7,2026-03-02,410,,", "ExitDate", RefusalReason.IN_FUTURE),
        ("x1,e1,7,,410,,", "ExitDate", RefusalReason.MISSING),
    ],
)
def test_a_fault_is_named_by_row_column_and_reason(
    tmp_path: Path, row: str, column: str, reason: RefusalReason
) -> None:
    made = make(write_hmis(tmp_path, Enrollment="e1,7,1,2026-01-05,,\n", Exit=row + "\n"))
    assert [(one.file, one.row, one.column, one.reason) for one in made.refusals] == [("Exit.csv", 2, column, reason)]
    assert not made.named("exit")


def test_one_bad_date_of_a_result_does_not_cost_the_referral(tmp_path: Path) -> None:
    events = "v1,e1,7,2026-01-10,13,,1,yesterday,,\n"
    made = make(write_hmis(tmp_path, Enrollment="e1,7,1,2026-01-05,,\n", Event=events))
    assert len(made.named("referral-sent")) == 1
    assert not made.named("referral-accepted")
    assert [one.column for one in made.refusals] == ["ResultDate"]


def test_of_two_rows_with_one_key_an_unusable_one_never_shadows_the_good_one(tmp_path: Path) -> None:
    rows = "x1,e1,7,nonsense,410,,\nx1,e1,7,2026-02-01,410,,\n"
    made = make(write_hmis(tmp_path, Enrollment="e1,7,1,2026-01-05,,\n", Exit=rows))
    assert len(made.named("exit")) == 1
    assert [(one.row, one.reason) for one in made.refusals] == [(2, RefusalReason.NOT_A_DATE)]


def test_the_same_key_again_is_a_correction_only_when_it_is_newer(tmp_path: Path) -> None:
    rows = "x1,e1,7,2026-02-01,410,2026-02-02 10:00:00,\nx1,e1,7,2026-02-01,435,2026-02-03 10:00:00,\n"
    older = "x1,e1,7,2026-02-01,101,2026-02-01 10:00:00,\n"
    made = make(write_hmis(tmp_path, Enrollment="e1,7,1,2026-01-05,,\n", Exit=rows + older + older))
    assert made.report["eu.spojka.outcome.recorded.v1"] == made.report["eu.spojka.entry.corrected.v1"] == 1
    assert [(one.row, one.reason) for one in made.refusals] == [
        (4, RefusalReason.KEY_TWICE),
        (5, RefusalReason.KEY_TWICE),
    ]


def test_a_deleted_row_is_no_message_but_withdraws_what_it_was(tmp_path: Path) -> None:
    deleted = "2026-02-05 10:00:00"
    events = f"v1,e1,7,2026-01-10,13,,1,2026-01-12,,{deleted}\n"
    rows = f"x1,e1,7,2026-02-01,410,,{deleted}\n"
    folder = write_hmis(tmp_path, Enrollment="e1,7,1,2026-01-05,,\n", Exit=rows, Event=events)
    gone = make(folder)
    lived = make(
        write_hmis(
            tmp_path,
            Enrollment="e1,7,1,2026-01-05,,\n",
            Exit=rows.replace(deleted, ""),
            Event=events.replace(deleted, ""),
        )
    )
    assert [type(one.draft.facts) for one in gone.withdrawals] == [ReferralVoided, EntryCorrected]
    assert [one.of for one in gone.withdrawals] == [
        lived.named("referral-sent")[0].local_key,
        lived.named("exit")[0].local_key,
    ]
    assert gone.report == {"eu.spojka.client.enrolled.v1": 1}


def test_a_deleted_first_enrolment_gives_way_to_the_next(tmp_path: Path) -> None:
    made = make(write_hmis(tmp_path, Enrollment="e1,7,1,2025-01-05,,2026-01-01\ne2,7,1,2026-01-05,,\n"))
    assert [one.time.year for one in made.drafts] == [2026]
    assert not made.withdrawals


def test_an_import_can_be_limited_to_one_institution(tmp_path: Path) -> None:
    folder = write_hmis(tmp_path, Enrollment="e1,7,1,2026-01-05,,\ne2,7,2,2026-01-06,,\n")
    assert [one.client for one in make(folder, institution="20").drafts] == ["20/7"]


def test_a_czech_spreadsheet_is_imported_with_its_decimal_commas_and_dates(tmp_path: Path) -> None:
    made = make(write(tmp_path, {"sluzby.csv": CZECH.encode("cp1250")}), "example")
    assert not made.refusals
    first, second, outcome = made.drafts
    assert first.facts == ServiceDelivered(
        service="debt-counselling", begun=date(2026, 2, 24), quantity="1.5", unit_of_quantity="hours"
    )
    assert first.content == ServiceContent(notes="Splátkový kalendář")
    assert (first.client, first.category, first.time.utcoffset()) == (
        "2026/17",
        "income-debt",
        outcome.time.utcoffset(),
    )
    assert second.content is None, "`-` is what people write into an empty cell"
    assert isinstance(outcome.facts, OutcomeRecorded)
    assert outcome.facts.outcome == "certificate"
