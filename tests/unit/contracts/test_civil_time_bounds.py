"""A date at the edge of what computers reckon with, in one partner's message, stops nobody else."""

import pytest
from pydantic import ValidationError

from contracts.messages.referral import ReferralSent, ReferralWaitlisted
from projections.column_types import Instant

ID = "00000000-0000-4000-8000-000000000001"


@pytest.mark.parametrize("when", ["0001-01-01T00:00:00+14:00", "1899-12-31T00:00:00Z", "9999-12-31T23:59:59-14:00"])
def test_an_instant_that_others_cannot_reckon_with_is_refused(when: str) -> None:
    with pytest.raises(ValidationError):
        ReferralWaitlisted.model_validate_json(f'{{"referral_id": "{ID}", "expected": "{when}"}}')


@pytest.mark.parametrize("when", ["1900-01-01T00:00:00Z", "1900-01-01T14:00:00+14:00", "2999-12-30T00:00:00-14:00"])
def test_the_first_and_the_last_that_are_taken_can_be_stored(when: str) -> None:
    written = f'{{"referral_id": "{ID}", "kind": "referral", "target": "up", "answer_due": "{when}"}}'
    facts = ReferralSent.model_validate_json(written)
    assert Instant().process_bind_param(facts.answer_due, None)  # type: ignore[arg-type] # the dialect is not looked at
