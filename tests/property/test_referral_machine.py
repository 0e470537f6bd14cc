"""The referral machine lets exactly those move a referral whom the agreed matrix names, judged by who signed.

The matrix is written out here by hand from section 8 of the design, apart from the code's own table.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.facts import Facts
from contracts.messages import referral as facts_of
from contracts.names import HUB, MessageId, ReferralId, UnitId
from contracts.referral_table import TERMINAL, ReferralParties, ReferralState, next_state

SOURCE, TARGET, OTHER = UnitId("advice"), UnitId("labour"), UnitId("training")
INSIDE = ReferralParties(SOURCE, TARGET)
OUTSIDE = ReferralParties(SOURCE, None)
WHEN = datetime(2026, 3, 2, tzinfo=UTC)
R, Q = ReferralId("01953a10-0000-7000-8000-0000000000f0"), MessageId("01953a10-0000-7000-8000-0000000000e0")

MATRIX: Final = """
sent                                   | received       | target
sent received                          | info-requested | target
sent received                          | waitlisted     | target
sent received                          | accepted       | target
sent received                          | declined       | target
info-requested                         | info-given     | source
waitlisted                             | accepted       | target
waitlisted                             | declined       | target
accepted                               | started        | target
accepted                               | not-taken-up   | target
in-service                             | paused         | target
on-hold                                | resumed        | target
accepted in-service on-hold            | completed      | target
accepted in-service on-hold            | failed         | target
completed                              | closed         | source hub
closed                                 | reopened       | target
sent received info-requested waitlisted | expired       | hub
accepted in-service on-hold completed  | detached       | hub
sent received info-requested waitlisted accepted in-service on-hold | withdrawn | source client
sent received info-requested waitlisted | withdrawn     | hub
sent received info-requested waitlisted | voided        | source
accepted in-service on-hold completed closed | voided   | source
declined not-taken-up failed expired withdrawn detached | voided | source
"""
"""From which states, by which message, by whom; `client`: any other unit, on behalf of the client."""

LEADS_TO: Final = {
    "received": "received",
    "info-requested": "info-requested",
    "info-given": "received",
    "waitlisted": "waitlisted",
    "accepted": "accepted",
    "declined": "declined",
    "started": "in-service",
    "not-taken-up": "not-taken-up",
    "paused": "on-hold",
    "resumed": "in-service",
    "completed": "completed",
    "failed": "failed",
    "closed": "closed",
    "reopened": "in-service",
    "expired": "expired",
    "withdrawn": "withdrawn",
    "detached": "detached",
    "voided": "void",
}


def allowed() -> set[tuple[str, str, str]]:
    """(state, message, who) of every move."""
    found: set[tuple[str, str, str]] = set()
    for line in MATRIX.strip().splitlines():
        states, message, who = (part.split() for part in line.split("|"))
        found |= set(product(states, message, who))
    return found


ALLOWED = allowed()


def message(name: str, *, as_reported: bool = False, on_behalf: bool = False) -> Facts:
    """The facts of a move, as little as they may hold."""
    more: dict[str, object] = {"expected": WHEN} if name == "waitlisted" else {}
    more |= {"due": WHEN} if name == "expired" else {}
    more |= {"question_id": Q} if name in {"info-requested", "info-given"} else {}
    more |= {"on_behalf_of_client": on_behalf} if name == "withdrawn" else {}
    kind = facts_of.STATUS_MESSAGES[name]
    return kind.model_validate({"referral_id": R, "as_reported": as_reported, **more})


def parts_of(signer: UnitId, *, on_behalf: bool) -> Iterator[str]:
    """The parts that a signature alone gives."""
    yield {SOURCE: "source", TARGET: "target", HUB: "hub", OTHER: "other"}[signer]
    if on_behalf and signer != HUB:
        yield "client"


@pytest.mark.parametrize("name", LEADS_TO)
def test_between_two_units_exactly_the_matrix_is_allowed_to_exactly_those_roles(name: str) -> None:
    for state, signer, on_behalf in product(ReferralState, (SOURCE, TARGET, OTHER, HUB), (False, True)):
        facts = message(name, on_behalf=on_behalf)
        parts = set(parts_of(signer, on_behalf=on_behalf and name == "withdrawn"))
        expected = LEADS_TO[name] if any((state, name, part) in ALLOWED for part in parts) else None
        assert next_state(state, facts, signer=signer, parties=INSIDE) == expected, (state, signer, on_behalf)


@pytest.mark.parametrize("name", LEADS_TO)
def test_of_a_target_that_is_no_unit_the_source_records_the_moves_as_reported(name: str) -> None:
    targets = any(move == name and who == "target" for _, move, who in ALLOWED)
    for state, signer, reported in product(ReferralState, (SOURCE, OTHER, HUB), (False, True)):
        facts = message(name, as_reported=reported)
        part = {SOURCE: "target" if targets else "source", OTHER: "other", HUB: "hub"}[signer]
        moves = (state, name, part) in ALLOWED and reported is (signer == SOURCE and targets)
        outcome = next_state(state, facts, signer=signer, parties=OUTSIDE)
        assert outcome == (LEADS_TO[name] if moves else None), (state, signer, reported)


def test_no_source_reports_moves_of_a_target_that_can_sign_for_itself() -> None:
    for name, state, signer in product(LEADS_TO, ReferralState, (SOURCE, TARGET, OTHER, HUB)):
        assert next_state(state, message(name, as_reported=True), signer=signer, parties=INSIDE) is None


def test_every_move_of_the_catalogue_is_in_the_matrix_and_texts_move_nothing() -> None:
    assert set(LEADS_TO) == set(facts_of.STATUS_MESSAGES) - {"sent"}
    for state in ReferralState:
        asked = facts_of.QuestionAsked(referral_id=R)
        assert next_state(state, asked, signer=TARGET, parties=INSIDE) is None
        again = facts_of.ReferralSent(referral_id=R, kind="referral", target=TARGET, answer_due=WHEN)
        assert next_state(state, again, signer=SOURCE, parties=INSIDE) is None


moves = st.tuples(
    st.sampled_from(sorted(LEADS_TO)), st.sampled_from((SOURCE, TARGET, OTHER, HUB)), st.booleans(), st.booleans()
)


@settings(max_examples=200)
@given(st.lists(moves, max_size=25))
def test_whatever_comes_an_ended_referral_is_left_only_by_reopening_or_as_entered_in_error(
    history: list[tuple[str, UnitId, bool, bool]],
) -> None:
    state = ReferralState.SENT
    for name, signer, reported, on_behalf in history:
        facts = message(name, as_reported=reported, on_behalf=on_behalf)
        after = next_state(state, facts, signer=signer, parties=INSIDE)
        if after is None:
            continue
        if state in TERMINAL:
            assert (state, name) == (ReferralState.CLOSED, "reopened") or after is ReferralState.VOID
        state = after
