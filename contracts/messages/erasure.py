"""erasure.*, retention.*: what is shared about a client is erased, as asked (GDPR Art. 17) or when kept long enough; the hub's word that it was."""

from typing import Annotated

from pydantic import Field

from contracts.categories import Category
from contracts.civil_time import Instant
from contracts.facts import Facts
from contracts.names import Id


class ErasureRequested(Facts):
    """The client asks for it: everything recorded until now, or what is of these categories. What is recorded later is shared as ever."""

    categories: tuple[Category, ...] = ()


class RetentionEnded(Facts):
    """What of this category was recorded before this instant has been kept for as long as the programme keeps it."""

    category: Category
    recorded_before: Instant


class ErasureCarriedOut(Facts):
    """The keys without which nobody opens the content again are destroyed: the certificate, with its two dates."""

    request_id: Id
    """The message that asked for it, or that said that it was kept long enough."""
    entries: Annotated[int, Field(ge=0)]
    keys: Annotated[int, Field(ge=0)]
    live_at: Instant
    """Since when no running system of the hub opens it."""
    beyond_at: Instant
    """Since when neither backups, nor write-ahead logs, nor the broker do."""
