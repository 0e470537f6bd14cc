"""service.delivered: what was done for the person."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field, StringConstraints

from contracts.civil_time import CivilDate
from contracts.facts import Facts, SealedContent, coded
from contracts.names import Code, Referral, Text

Quantity = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,9}(\.[0-9]{1,4})?$")]
"""A decimal number as text, so that no reader rounds it; see `as_decimal`."""


def as_decimal(quantity: Quantity) -> Decimal:
    """The exact number."""
    return Decimal(quantity)


class ServiceDelivered(Facts):
    """A service and how much of it."""

    service: Code | None = coded()
    begun: CivilDate | None = coded(required=False)
    ended: CivilDate | None = coded(required=False)
    quantity: Quantity | None = coded(required=False)
    unit_of_quantity: Annotated[str, Field(pattern=r"^(hours|sessions|nights|days|items|money)$")] | None = coded(
        required=False
    )
    referral_id: Referral | None = None


class ServiceContent(SealedContent):
    """Notes on the service."""

    notes: Text | None = None
