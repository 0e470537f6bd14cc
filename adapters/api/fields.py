"""Fields that bodies and answers have in common.

Invariants: bodies are closed and strict; a client is named by the unit's own case number; a day is one of the programme's time zone.
"""

from typing import Annotated

from fastapi import Header, Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from adapters.api.guard import ACTOR_HEADER
from adapters.desk.recorded import Recorded
from adapters.drafts import ClientKey
from adapters.process.looks import Look
from contracts.categories import Purpose
from contracts.civil_time import CivilDate, Instant
from contracts.names import Actor

When = Instant
Day = CivilDate

ClientName = Annotated[ClientKey, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,200}$")]
"""The unit's own case number. It leaves the adapter only sealed, as a part of the enrolment."""

ClientQuery = Annotated[
    ClientName, Query(alias="client", description="Your case number", examples=["2026/117"], max_length=200)
]


class Body(BaseModel):
    """What a request says."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Answer(BaseModel):
    """What is answered."""

    model_config = ConfigDict(frozen=True)


class Made(Answer):
    """What became of one message."""

    message: str | None = Field(description="Its id; absent where it was refused before it became one")
    state: str = Field(description="`waiting`: on its way; `held`: kept here until there is a reason to share")
    reason: str | None = Field(default=None, description="Why it is held: a code")
    explanation: str | None = Field(default=None, description="The same for a person")
    repeated: bool = Field(default=False, description="The same row was recorded before; nothing new was made")
    item: int | None = Field(default=None, description="Under this number a refused one waits for a correction")


def made(one: Recorded) -> Made:
    """As it is answered."""
    return Made(
        message=one.message_id,
        state=one.state.value,
        reason=one.reason,
        explanation=one.explanation,
        repeated=one.repeated,
        item=one.quarantine,
    )


def looking(
    actor: Annotated[
        Actor,
        Header(
            alias=ACTOR_HEADER,
            description="Who looks: role and pseudonym of the worker. It is reported to the hub, and shown to the client.",
            examples=["adviser/w12"],
        ),
    ],
    purpose: Annotated[
        Purpose,
        Header(
            alias="Spojka-Purpose",
            description="What the look is for. It is reported; entries of others show to the purpose only for which they were given.",
            examples=["support"],
        ),
    ],
) -> Look:
    """Who looks, and what for, from the headers."""
    return Look(actor, purpose)
