"""outcome.recorded: what came of it."""

from typing import Annotated

from pydantic import Field

from contracts.code_lists import CodeOf
from contracts.code_lists.external import IscoCode
from contracts.facts import Facts, SealedContent, coded
from contracts.names import Code, Referral, ShortText, Text


class OutcomeRecorded(Facts):
    """One outcome; a later look at the same is a message of its own with `follow_up_months`."""

    outcome: Annotated[str, CodeOf("outcome-type")] | None = coded()
    isco: IscoCode | None = coded(required=False)
    contract: Annotated[str, CodeOf("contract-type")] | None = coded(required=False)
    destination: Code | None = coded(required=False)
    follow_up_months: Annotated[int, Field(ge=0, le=120)] | None = coded(required=False)
    inferred: bool = False
    """True where the source does not state it and a mapping inferred it."""
    referral_id: Referral | None = None


class OutcomeContent(SealedContent):
    """With whom, and notes."""

    employer: ShortText | None = None
    notes: Text | None = None
