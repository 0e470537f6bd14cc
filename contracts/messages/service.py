"""service.delivered: what was done for the person."""

from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import Field, StringConstraints

from contracts.facts import Facts, SealedContent, coded
from contracts.names import Code, Referral, Text

Quantity = Annotated[str, StringConstraints(pattern=r"^\d{1,9}(\.\d{1,4})?$")]
"""A decimal number as text, so that no reader rounds it; see `as_decimal`."""


def as_decimal(quantity: Quantity) -> Decimal:
    """The exact number."""
    return Decimal(quantity)


class ServiceDelivered(Facts):
    """A service and how much of it."""

    service: Code | None = coded()
    begun: date | None = coded(required=False)
    ended: date | None = coded(required=False)
    quantity: Quantity | None = coded(required=False)
    unit_of_quantity: Annotated[str, Field(pattern=r"^(hours|sessions|nights|days|items|money)$")] | None = coded(
        required=False
    )
    referral_id: Referral | None = None


class ServiceContent(SealedContent):
    """Notes on the service."""

    notes: Text | None = None
