"""Entries of any type, as the body of a request: one model a type, from the catalogue.

Invariants: whatever a unit may say about a client can be said here, but for what the adapter owes by itself (answers about erasure, what keeps its
feed in order) and what joins files of one person, which have their own places; facts and content are those of the exchange, judged by the same
models.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Annotated, Any, Final, Literal, cast

from pydantic import Field, StringConstraints, TypeAdapter, create_model

from adapters.api.fields import Body, ClientName, When
from adapters.api.routing import Takes
from adapters.drafts import Draft
from adapters.process.tokens import Scope
from contracts.catalogue import Audience, Author, MessageSpec, specs
from contracts.categories import Category, Purpose
from contracts.facts import Facts, SealedContent
from contracts.names import Actor, ActorId, Id

_OWN_PLACES: Final = ("obligation.", "feed.", "subject.")

LocalKey = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,500}$")]


class DraftBody(Body):
    """What every draft may say besides its type, facts and content."""

    client: ClientName | None = Field(
        default=None, description="Your case number; needed but for a correction of what names nobody here"
    )
    time: When | None = Field(default=None, description="When it happened; absent: now")
    category: Category | None = Field(
        default=None, description="The area of support; needed where the type has more than one"
    )
    purpose: Purpose | None = Field(default=None, description="What it may be used for; absent: support")
    actor: Actor | None = Field(
        default=None, description="Role and pseudonym of the worker; absent: as in Spojka-Actor"
    )
    corrects: Id | None = Field(default=None, description="The entry that an entry.corrected is about")
    causationid: Id | None = Field(default=None, description="The entry that caused this one")
    correlationid: Id | None = Field(default=None, description="What belongs together; never across clients")
    local_key: LocalKey | None = Field(
        default=None,
        description="Your own key of the row that it comes from: the same row again is nothing new, a changed row becomes a correction",
    )

    def draft(self, *, actor: ActorId | None, now: datetime) -> Draft:
        """As the desk takes it."""
        whole = cast("Any", self)
        return Draft(
            client=self.client,
            facts=cast("Facts", whole.facts),
            time=self.time or now,
            content=cast("SealedContent | None", getattr(whole, "content", None)),
            category=self.category,
            purpose=self.purpose,
            actor=self.actor or actor,
            corrects=self.corrects,
            causationid=self.causationid,
            correlationid=self.correlationid,
            local_key=self.local_key,
        )

    @property
    def spec(self) -> MessageSpec:
        """The row of the catalogue."""
        return SPECS[cast("Any", self).type]

    @property
    def scope(self) -> Scope:
        """What a token needs for it besides `entries:write`."""
        if self.spec.stream == "referral":
            return Scope.REFERRALS_WRITE
        return (
            Scope.CONSENTS_WRITE
            if self.spec.audience is Audience.PARTIES or self.spec.stream == "ground"
            else Scope.ENTRIES_WRITE
        )


SPECS: Final[Mapping[str, MessageSpec]] = {
    spec.type: spec for spec in specs() if spec.author is not Author.HUB and not spec.name.startswith(_OWN_PLACES)
}
"""Every type that can be recorded here."""


def model_name(spec: MessageSpec) -> str:
    """How the model of a type is called in the API's document."""
    return "".join(part.title() for part in spec.name.replace(".", "-").split("-")) + f"V{spec.version}Draft"


def _model(spec: MessageSpec) -> Any:  # noqa: ANN401 - a class made here
    fields: dict[str, Any] = {
        "type": (Literal[spec.type], Field(description="The type in the catalogue of messages")),
        "facts": (spec.facts, Field(description="Coded facts")),
    }
    if spec.sealed is not None:
        fields["content"] = (
            spec.sealed | None,
            Field(default=None, description="What only those with a reason to share can read"),
        )
    return create_model(model_name(spec), __base__=DraftBody, __doc__=spec.facts.__doc__, **fields)


_UNION: Final[Any] = Annotated[reduce(or_, [_model(spec) for spec in SPECS.values()]), Field(discriminator="type")]

DRAFT: Final = Takes("EntryDraft", TypeAdapter(_UNION))
"""A draft of any type, told apart by `type`."""
