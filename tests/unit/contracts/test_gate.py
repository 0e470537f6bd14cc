"""The gate, lock by lock: a story that is permitted, and what one missing condition does to it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from contracts.categories import Category, Purpose
from contracts.codes import DenialReason
from contracts.gate import Denied, Mandate, Party, Permit, Restriction, permit
from contracts.grants import Recipient
from contracts.grounds import Ground, Opening
from contracts.names import GroundId, UnitId

ADVICE = Party(UnitId("advice"))
LABOUR = Party(UnitId("labour"), roles=frozenset({"labour-office"}), can_sanction=True)
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
OPENING = Opening(
    sources=frozenset({ADVICE.unit}),
    recipient=Recipient("unit:labour"),
    purpose=Purpose.SUPPORT,
    categories=frozenset({Category.HOUSING}),
    history_from=NOW - timedelta(days=1),
    until=NOW + timedelta(days=1),
)
CONSENT = Ground(
    ground_id=GroundId("c"),
    collector=ADVICE.unit,
    statutory=False,
    paper=frozenset({"consent"}),
    basis=frozenset(),
    explicit=False,
    openings=(OPENING,),
)
STATUTORY = replace(CONSENT, statutory=True, paper=frozenset(), basis=frozenset({"A6-1-e"}))
MANDATE = Mandate(
    unit=ADVICE.unit,
    bases=frozenset({"A6-1-e", "A9-2-g", "A10"}),
    purposes=frozenset(Purpose),
    categories=frozenset(Category),
)


def asked(  # noqa: PLR0913 - what the gate judges by
    ground: Ground = CONSENT,
    *,
    mandates: tuple[Mandate, ...] = (),
    restrictions: tuple[Restriction, ...] = (),
    publisher: Party = ADVICE,
    recipient: Party = LABOUR,
    purpose: Purpose = Purpose.SUPPORT,
    category: Category = Category.HOUSING,
    occurred: datetime = NOW,
    at: datetime = NOW,
) -> Permit | Denied:
    return permit(
        {ground.ground_id: ground},
        mandates,
        restrictions,
        publisher=publisher,
        recipient=recipient,
        purpose=purpose,
        category=category,
        occurred=occurred,
        at=at,
    )


def opened(ground: Ground = CONSENT, **changes: object) -> Ground:
    return replace(ground, openings=(replace(OPENING, **changes),))  # type: ignore[arg-type] # the keys are its fields


HEALTH = opened(categories=frozenset({Category.HEALTH}))
CRIMINAL = opened(categories=frozenset({Category.CRIMINAL}))


def test_a_unit_that_the_client_named_is_given_what_the_client_named() -> None:
    assert asked() == Permit(GroundId("c"))


def test_a_class_of_units_is_named_by_its_role() -> None:
    to_class = opened(recipient=Recipient("class:labour-office"))
    assert asked(to_class) == Permit(GroundId("c"))
    assert asked(to_class, recipient=replace(LABOUR, roles=frozenset())) == Denied(DenialReason.NO_GRANT)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"purpose": Purpose.STATISTICS}, DenialReason.NO_GRANT),
        ({"category": Category.LEGAL}, DenialReason.NO_GRANT),
        ({"recipient": Party(UnitId("training"))}, DenialReason.NO_GRANT),
        ({"publisher": Party(UnitId("training"))}, DenialReason.NO_GRANT),
        ({"at": OPENING.until}, DenialReason.EXPIRED),
        ({"ground": replace(CONSENT, ended_at=NOW)}, DenialReason.EXPIRED),
        ({"ground": replace(CONSENT, collector=LABOUR.unit)}, DenialReason.NOT_ATTESTED),
        ({"occurred": OPENING.history_from - timedelta(microseconds=1)}, DenialReason.BEFORE_HISTORY),
        ({"publisher": replace(ADVICE, bound_by_secrecy=True)}, DenialReason.NO_RELEASE_FROM_SECRECY),
        ({"ground": HEALTH, "category": Category.HEALTH}, DenialReason.SPECIAL_NEEDS_EXPLICIT_CONSENT),
        ({"ground": CRIMINAL, "category": Category.CRIMINAL}, DenialReason.CRIMINAL_NEEDS_MANDATE),
        ({"ground": opened(purpose=Purpose.CONTROL), "purpose": Purpose.CONTROL}, DenialReason.OUTSIDE_MANDATE),
        ({"restrictions": (Restriction(LABOUR.unit),)}, DenialReason.RESTRICTED),
        ({"restrictions": (Restriction(ADVICE.unit, frozenset({Category.HOUSING})),)}, DenialReason.RESTRICTED),
        ({"recipient": replace(LABOUR, admitted=False)}, DenialReason.RECIPIENT_NOT_ADMITTED),
        ({"recipient": ADVICE}, DenialReason.RECIPIENT_NOT_ADMITTED),
        ({"ground": STATUTORY}, DenialReason.OUTSIDE_MANDATE),
    ],
)
def test_one_missing_condition_denies_and_says_which(changes: dict[str, object], reason: DenialReason) -> None:
    assert asked(**changes) == Denied(reason)  # type: ignore[arg-type] # the keys are its parameters


def test_what_each_denial_asks_for_opens_it() -> None:
    secret = replace(ADVICE, bound_by_secrecy=True)
    released = replace(CONSENT, paper=frozenset({"consent", "release-from-secrecy"}))
    attested = replace(CONSENT, collector=LABOUR.unit, attested=frozenset({ADVICE.unit}))
    assert isinstance(asked(released, publisher=secret), Permit)
    assert isinstance(asked(attested), Permit)
    assert isinstance(asked(replace(HEALTH, explicit=True), category=Category.HEALTH), Permit)
    assert isinstance(asked(occurred=OPENING.history_from), Permit)
    assert isinstance(asked(restrictions=(Restriction(ADVICE.unit, frozenset({Category.LEGAL})),)), Permit)


def test_a_statutory_ground_opens_within_its_mandate_and_no_further() -> None:
    assert isinstance(asked(STATUTORY, mandates=(MANDATE,)), Permit)
    for narrower in (
        replace(MANDATE, unit=LABOUR.unit),
        replace(MANDATE, bases=frozenset({"A9-2-g"})),
        replace(MANDATE, purposes=frozenset({Purpose.CONTROL})),
        replace(MANDATE, categories=frozenset({Category.LEGAL})),
        replace(MANDATE, sources=frozenset({LABOUR.unit})),
    ):
        assert asked(STATUTORY, mandates=(narrower,)) == Denied(DenialReason.OUTSIDE_MANDATE)


def test_a_statute_replaces_the_release_from_secrecy_only_where_the_trust_list_says_so() -> None:
    secret = replace(ADVICE, bound_by_secrecy=True)
    assert asked(STATUTORY, mandates=(MANDATE,), publisher=secret) == Denied(DenialReason.NO_RELEASE_FROM_SECRECY)
    lifting = replace(MANDATE, lifts_secrecy=True)
    assert isinstance(asked(STATUTORY, mandates=(lifting,), publisher=secret), Permit)


@pytest.mark.parametrize(("category", "basis"), [(Category.HEALTH, "A9-2-g"), (Category.CRIMINAL, "A10")])
def test_special_and_criminal_data_need_their_own_basis_in_law(category: Category, basis: str) -> None:
    ground = replace(opened(STATUTORY, categories=frozenset({category})))
    assert isinstance(asked(ground, mandates=(MANDATE,), category=category), Denied)
    based = replace(ground, basis=frozenset({basis}))
    assert isinstance(asked(based, mandates=(MANDATE,), category=category), Permit)


def test_conduct_is_denied_even_where_a_ground_names_it() -> None:
    conduct = replace(opened(STATUTORY, categories=frozenset(Category)), basis=frozenset({"A10"}))
    verdict = asked(conduct, mandates=(MANDATE,), category=Category.CONDUCT, recipient=Party(LABOUR.unit))
    assert verdict == Denied(DenialReason.CONDUCT_NEVER_SHARED)


def test_the_reason_is_that_of_the_ground_that_came_closest() -> None:
    ended = replace(CONSENT, ground_id=GroundId("a"), ended_at=NOW)
    unattested = replace(CONSENT, ground_id=GroundId("b"), collector=LABOUR.unit)
    verdict = permit(
        {one.ground_id: one for one in (unattested, ended)},
        (),
        (),
        publisher=ADVICE,
        recipient=LABOUR,
        purpose=Purpose.SUPPORT,
        category=Category.HOUSING,
        occurred=NOW,
        at=NOW,
    )
    assert verdict == Denied(DenialReason.NOT_ATTESTED)
