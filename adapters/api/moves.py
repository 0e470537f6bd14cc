"""The moves of a referral, as bodies of requests: one model a move, from the table's own facts.

Invariant: every move that a unit can make by itself is here, told apart by `move`; the two texts between the parties are moves too.
"""

from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import Annotated, Any, Final, Literal, cast

from pydantic import Field, TypeAdapter, create_model

from adapters.api.fields import Body, ClientName, When
from adapters.api.routing import Takes
from contracts.messages.referral import STATUS_MESSAGES, MoveFacts, ReferralContent
from contracts.names import Id, ReferralId, ShortText, Text

_NOT_BY_A_WORKER: Final = frozenset({"sent", "received", "info-requested", "info-given", "expired", "detached"})
"""The first has its own address; the rest are the adapter's, follow from question and answer, or are the hub's."""

MOVES: Final[Mapping[str, type[MoveFacts]]] = {
    name: cast("type[MoveFacts]", facts) for name, facts in STATUS_MESSAGES.items() if name not in _NOT_BY_A_WORKER
}


class ReferralBody(Body):
    """What every request about a referral may say."""

    client: ClientName | None = Field(
        default=None, description="Your case number, where the referral is not linked yet"
    )
    time: When | None = Field(default=None, description="When it happened; absent: now")


class MoveBody(ReferralBody):
    """What every move may say besides its own facts."""

    as_reported: bool = Field(
        default=False, description="True where you record what a target outside the programme told you"
    )
    message: Text | None = Field(default=None, description="For those with a reason to see it")
    contact: ShortText | None = Field(default=None, description="Whom to ask for")

    def facts(self, referral_id: ReferralId) -> MoveFacts:
        """As the referral table takes them."""
        model = MOVES[cast("Any", self).move]
        own = {name: getattr(self, name) for name in model.model_fields if name != "referral_id"}
        return model(referral_id=referral_id, **own)

    def content(self) -> ReferralContent | None:
        """The sealed part."""
        if self.message is None and self.contact is None:
            return None
        return ReferralContent(message=self.message, contact=self.contact)


class AskBody(ReferralBody):
    """The target asks the source."""

    move: Literal["ask"]
    question: Text = Field(description="For the unit that sent it, nobody else")


class AnswerBody(ReferralBody):
    """The source answers."""

    move: Literal["answer"]
    question_id: Id = Field(description="The question's id, as GET …/referrals/{id} shows it")
    answer: Text = Field(description="For the unit that asked, nobody else")


def model_name(move: str) -> str:
    """How the model of a move is called in the API's document."""
    return "Move" + "".join(part.title() for part in move.split("-"))


def _model(name: str, facts: type[MoveFacts]) -> Any:  # noqa: ANN401 - a class made here
    fields: dict[str, Any] = {"move": (Literal[name], Field(description="The move"))}
    for own, field in facts.model_fields.items():
        if own in MoveBody.model_fields or own == "referral_id":
            continue
        fields[own] = (field.rebuild_annotation(), ... if field.is_required() else field.default)
    return create_model(model_name(name), __base__=MoveBody, __doc__=facts.__doc__, **fields)


_UNION: Final[Any] = Annotated[
    reduce(or_, [_model(name, facts) for name, facts in MOVES.items()], AskBody | AnswerBody),
    Field(discriminator="move"),
]

MOVE: Final = Takes("ReferralMove", TypeAdapter(_UNION))
"""A move, told apart by `move`."""
