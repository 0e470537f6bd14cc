"""The consent record's own rules: what a paper can carry, and until when it lets anything be shared."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from contracts.categories import Category, Purpose
from contracts.consent_record import (
    ConsentReceipt,
    ConsentRecord,
    ConsentState,
    Granted,
    Heading,
    LegalBasis,
    Notice,
    Right,
    StatusEvent,
    Storage,
    from_grants,
    to_jsonld,
)
from contracts.consent_record.record import Period
from contracts.grants import Grant, Recipient, to_class
from contracts.grounds import opening
from contracts.names import GroundId, InstitutionId, MessageId, ProgrammeId, SubjectId, UnitId

GIVEN = datetime(2026, 2, 9, 9, 0, tzinfo=UTC)
UNTIL = datetime(2027, 1, 31, 23, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
EXPLICIT = (LegalBasis.EXPLICIT_CONSENT, LegalBasis.SPECIAL_EXPLICIT_CONSENT)


def heading(**changed: Any) -> Heading:  # noqa: ANN401 - any field
    fields: dict[str, Any] = {
        "record_id": GroundId("0198e5f0-7a3c-7c11-8d5e-2b7f9a1c3d4e"),
        "programme": ProgrammeId("decin"),
        "subject": SubjectId("r1." + "a" * 26),
        "collector": UnitId("op"),
        "controllers": (InstitutionId("poradna"),),
        "notice": Notice.of_text("Souhlasím.", version="c1", language="cs"),
        "paper": ("consent", "release-from-secrecy"),
        "withdrawn_at": ("https://hub.example/withdraw",),
        "jurisdictions": ("CZ", "EU"),
    }
    return Heading(**{**fields, **changed})


def a_grant(*categories: Category, purpose: Purpose = Purpose.SUPPORT, until: datetime = UNTIL) -> Grant:
    return Grant(
        sources=(UnitId("up"), UnitId("op")),
        recipient=Recipient("unit:md"),
        purpose=purpose,
        categories=categories or (Category.HOUSING, Category.EMPLOYMENT),
        until=until,
    )


def given(at: datetime = GIVEN, until: datetime = UNTIL) -> StatusEvent:
    return StatusEvent(state=ConsentState.GIVEN, at=at, indicated_by="client", method="signed-paper", until=until)


def a_record(
    *events: StatusEvent,
    grants: tuple[Granted, ...] = (),
    bases: tuple[LegalBasis, ...] = EXPLICIT,
    paper: Heading | None = None,
) -> ConsentRecord:
    return from_grants(
        paper or heading(),
        grants=grants or (a_grant(),),
        bases=bases,
        storage=Storage(locations=("CZ",)),
        events=events or (given(),),
    )


class TestSharing:
    def test_a_withdrawn_consent_lets_nothing_be_shared_from_that_instant(self) -> None:
        end = GIVEN + timedelta(days=100)
        record = a_record(given(), StatusEvent(state=ConsentState.WITHDRAWN, at=end, indicated_by="client"))
        assert record.allows_sharing(end - SECOND)
        assert not record.allows_sharing(end)

    def test_a_consent_ends_at_its_until_though_nobody_recorded_it(self) -> None:
        assert a_record().allows_sharing(UNTIL - SECOND)
        assert a_record().state_at(UNTIL) is ConsentState.EXPIRED

    def test_nothing_is_shared_before_it_was_given(self) -> None:
        assert a_record().state_at(GIVEN - SECOND) is ConsentState.UNKNOWN
        assert not a_record().allows_sharing(GIVEN - SECOND)

    def test_a_renewed_consent_lets_share_again(self) -> None:
        stop, again = GIVEN + timedelta(days=10), GIVEN + timedelta(days=20)
        renewed = StatusEvent(state=ConsentState.RENEWED, at=again, indicated_by="client", until=UNTIL)
        record = a_record(given(), StatusEvent(state=ConsentState.WITHDRAWN, at=stop, indicated_by="client"), renewed)
        assert [record.allows_sharing(at) for at in (GIVEN, stop, again)] == [True, False, True]

    @pytest.mark.parametrize("state", sorted(set(ConsentState) - {ConsentState.GIVEN, ConsentState.RENEWED}, key=str))
    def test_no_other_state_lets_share(self, state: ConsentState) -> None:
        by = "client" if state in {ConsentState.REFUSED, ConsentState.WITHDRAWN} else "unit:op"
        later = GIVEN + timedelta(days=1)
        assert not a_record(given(), StatusEvent(state=state, at=later, indicated_by=by)).allows_sharing(later)


class TestBuilding:
    def test_equal_grants_make_equal_records_whatever_their_order(self) -> None:
        one = a_grant(Category.HOUSING, Category.EMPLOYMENT)
        other = one.model_copy(update={"sources": one.sources[::-1], "categories": one.categories[::-1]})
        assert a_record(grants=(one,)) == a_record(grants=(other,))
        assert a_record(grants=(one,)).processes[0].categories == (Category.EMPLOYMENT, Category.HOUSING)

    def test_each_grant_is_a_process_so_that_nothing_is_bundled(self) -> None:
        to_others = a_grant(Category.SKILLS).model_copy(update={"recipient": to_class("training-provider")})
        record = a_record(grants=(a_grant(), to_others))
        assert [process.recipient for process in record.processes] == ["unit:md", "class:training-provider"]

    def test_a_ground_as_the_log_keeps_it_serves_as_well_as_the_grant_on_the_wire(self) -> None:
        recorded = opening(a_grant(), GIVEN)
        process = a_record(grants=(recorded,)).processes[0]
        assert process.sources == ("op", "up")
        assert process.history_from == GIVEN

    def test_the_basis_for_health_stands_only_where_there_is_health(self) -> None:
        record = a_record(grants=(a_grant(Category.SKILLS), a_grant(Category.HEALTH)))
        assert [process.bases for process in record.processes] == [EXPLICIT[:1], EXPLICIT]

    def test_a_unit_and_a_class_of_the_same_name_are_two_recipients_in_the_export(self) -> None:
        grants = (a_grant(), a_grant().model_copy(update={"recipient": to_class("md")}))
        processes = to_jsonld(a_record(grants=grants))["dpv:hasProcess"]
        assert [one["dpv:hasRecipient"] for one in processes] == [
            ["urn:spojka:decin:md"],
            ["urn:spojka:decin:class:md"],
        ]

    def test_an_export_can_be_changed_without_changing_the_next(self) -> None:
        to_jsonld(a_record())["@context"].clear()
        assert to_jsonld(a_record())["@context"]["dpv"] == "https://w3id.org/dpv#"

    def test_the_notice_is_proven_by_the_hash_of_its_text_alone(self) -> None:
        first = Notice.of_text("Souhlasím.", version="c1", language="cs")
        assert first.sha256 == "8848ec3cbdec1fa86bc801b23ebe9b682d144162d8b4d914506356402f1f5c16"
        assert Notice.of_text("Souhlasím. ", version="c1", language="cs").sha256 != first.sha256


class TestWhatAPaperCannotCarry:
    @pytest.mark.parametrize(
        ("grants", "bases", "advice"),
        [
            ((a_grant(Category.HEALTH),), (LegalBasis.CONSENT,), r"explicit consent \(A9-2-a\)"),
            (
                (a_grant(Category.HEALTH),),
                (LegalBasis.CONSENT, LegalBasis.SPECIAL_EXPLICIT_CONSENT),
                "use A6-1-a-explicit-consent",
            ),
            ((a_grant(Category.HEALTH),), (LegalBasis.SPECIAL_SOCIAL_LAW,), r"name an Art. 6\(1\) basis"),
            ((a_grant(Category.CRIMINAL),), EXPLICIT, "leave them out"),
            ((a_grant(purpose=Purpose.CONTROL),), EXPLICIT, "use a statutory ground"),
            ((a_grant(purpose=Purpose.ELIGIBILITY),), EXPLICIT, "use a statutory ground"),
            ((a_grant(until=UNTIL + SECOND),), EXPLICIT, "shorten it or renew"),
        ],
    )
    def test_is_refused_with_what_to_change(
        self, grants: tuple[Grant, ...], bases: tuple[LegalBasis, ...], advice: str
    ) -> None:
        with pytest.raises(ValidationError, match=advice):
            a_record(grants=grants, bases=bases)

    def test_an_application_is_no_consent(self) -> None:
        application = heading(paper=("application",))
        with pytest.raises(ValidationError, match="add `consent` to the paper"):
            a_record(paper=application)
        assert a_record(paper=application, bases=(LegalBasis.PUBLIC_TASK,)).paper == ("application",)

    @pytest.mark.parametrize(
        ("changed", "advice"),
        [
            ({"paper": ("consent", "consent")}, "name each kind once"),
            ({"paper": ("concent",)}, "nearest: consent"),
            ({"rights": (Right.ACCESS,)}, "right to withdraw"),
            ({"withdrawn_at": ()}, "at least 1 item"),
            ({"withdrawn_at": ("ask at the counter",)}, "pattern"),
            ({"controllers": ()}, "at least 1 item"),
            ({"subject": SubjectId("750812/1234")}, "pattern"),
        ],
    )
    def test_a_heading_that_lacks_what_the_client_needs_is_refused(self, changed: dict[str, Any], advice: str) -> None:
        with pytest.raises(ValidationError, match=advice):
            heading(**changed)


class TestEvents:
    @pytest.mark.parametrize(
        ("state", "by", "until", "advice"),
        [
            (ConsentState.GIVEN, "unit:op", UNTIL, "only the client"),
            (ConsentState.WITHDRAWN, "unit:op", None, "only the client"),
            (ConsentState.REVOKED, "client", None, "the client's is ConsentWithdrawn"),
            (ConsentState.GIVEN, "client", None, "needs `until`"),
            (ConsentState.GIVEN, "client", GIVEN, "later than"),
        ],
    )
    def test_whoever_did_not_act_cannot_be_named(
        self, state: ConsentState, by: str, until: datetime | None, advice: str
    ) -> None:
        with pytest.raises(ValidationError, match=advice):
            StatusEvent(state=state, at=GIVEN, indicated_by=by, until=until)

    def test_an_instant_without_offset_is_refused(self) -> None:
        with pytest.raises(ValidationError, match="timezone"):
            StatusEvent(state=ConsentState.REQUESTED, at=GIVEN.replace(tzinfo=None), indicated_by="unit:op")

    def test_a_withdrawal_needs_something_that_was_given(self) -> None:
        with pytest.raises(ValidationError, match="record the giving first"):
            a_record(StatusEvent(state=ConsentState.WITHDRAWN, at=GIVEN, indicated_by="client"))

    def test_events_out_of_order_are_refused(self) -> None:
        earlier = StatusEvent(state=ConsentState.REQUESTED, at=GIVEN - SECOND, indicated_by="unit:op")
        assert a_record(earlier, given()).state_at(GIVEN) is ConsentState.GIVEN
        with pytest.raises(ValidationError, match="sort them by time"):
            a_record(given(), earlier)


def test_a_receipt_never_mixes_two_clients() -> None:
    other = a_record(paper=heading(subject=SubjectId("r1." + "b" * 26)))
    with pytest.raises(ValidationError, match="one receipt for each"):
        ConsentReceipt(
            receipt_id=MessageId("0198e5f0-7a3c-7c11-8d5e-2b7f9a1c3d4f"),
            created=GIVEN,
            publisher=UnitId("op"),
            records=(a_record(), other),
        )


@pytest.mark.parametrize("period", ["P", "P1H", "1M", "P1M ", "P-1M", "PT1H"])
def test_a_period_that_is_none_is_refused(period: Period) -> None:
    with pytest.raises(ValidationError):
        Storage(locations=("CZ",), kept_for=period)


def test_a_record_survives_the_way_to_json_and_back() -> None:
    record = a_record(grants=(a_grant(Category.HEALTH),))
    assert ConsentRecord.model_validate_json(record.model_dump_json()) == record
