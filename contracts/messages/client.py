"""client.*: that a unit works with this person, and where the person lives."""

from typing import Annotated

from pydantic import Field

from contracts.code_lists import CodeOf
from contracts.code_lists.external import AreaCode
from contracts.facts import Facts, SealedContent, coded
from contracts.names import ShortText, Text


class Areas(Facts):
    """Area codes by role (NUTS, LAU or TERYT); codes are text, leading zeros matter."""

    registered: AreaCode | None = None
    actual: AreaCode | None = None
    service: AreaCode | None = None


class ClientEnrolled(Facts):
    """The unit began to work with this person."""

    status: Annotated[str, CodeOf("status")] | None = coded(required=False)
    areas: Areas | None = coded(required=False)


class ClientMoved(Facts):
    """The person moved: the areas that hold from `time` on."""

    areas: Areas | None = coded()


class ClientClosed(Facts):
    """The unit's work with this person ended."""

    reason: Annotated[str, CodeOf("closing-reason")] | None = coded(required=False)


class Contact(SealedContent):
    """How to reach the person."""

    phone: ShortText | None = None
    email: ShortText | None = None
    address: ShortText | None = None


class ClientContent(SealedContent):
    """Who the person is; `case_number` is the author's own and lets a restored adapter rebuild its map."""

    case_number: ShortText | None = None
    given_name: ShortText | None = None
    family_name: ShortText | None = None
    birth_year: Annotated[int, Field(ge=1900, le=2100)] | None = None
    contact: Contact | None = None
    note: Text | None = None
