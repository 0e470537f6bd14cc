"""A request that records something: done once, and answered alike however often it is sent.

Invariants: what was recorded, the key and the answer become durable in one transaction; the same key with another request is refused and does
nothing; a request that ended in an exception left nothing behind, its key included.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import Header, Request
from fastapi.responses import Response
from pydantic import ValidationError

from adapters.api import answers
from adapters.api.guard import ACTOR_HEADER, Caller
from adapters.api.problems import ProblemCode, ProblemError, faults_of, invalid
from adapters.api.served_unit import ServedUnit
from adapters.desk.actions.occasion import Occasion
from adapters.desk.desk import Desk
from adapters.storage.api_answers import KeptAnswer
from adapters.storage.unit_store import Transaction
from contracts.names import Actor, ActorId

KEPT: Final = timedelta(days=30)
"""How long an answer is kept."""

IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[!-~]{8,200}$",
        description="Your own name of this request, a UUID for instance: sent again under it, it is done once and answered alike for 30 days",
        examples=["0d5a2c62-8f3b-4a52-9a53-7e0a4f0d2b11"],
    ),
]
OptionalActor = Annotated[
    Actor | None,
    Header(alias=ACTOR_HEADER, description="Role and pseudonym of the worker who does it", examples=["adviser/w12"]),
]


@dataclass(frozen=True, slots=True)
class Act:
    """One request while it is done."""

    request: Request
    caller: Caller
    tx: Transaction
    desk: Desk
    actor: ActorId | None

    @property
    def served(self) -> ServedUnit:
        """The unit."""
        return self.caller.served

    def occasion(self, time: datetime | None) -> Occasion:
        """When, and by whom."""
        return Occasion(time, self.actor)


Action = Callable[[Act], tuple[HTTPStatus, bytes]]


@dataclass(frozen=True, slots=True)
class Asked:
    """What makes a request the same request."""

    request: Request
    caller: Caller
    key: str
    actor: ActorId | None
    body: bytes

    @property
    def digest(self) -> bytes:
        """Over method, address, worker and body."""
        asked = (self.request.method, str(self.request.url.path), str(self.request.url.query), self.actor or "")
        return sha256("\n".join(asked).encode() + b"\n" + self.body).digest()


def once(asked: Asked, action: Action) -> Response:
    """Do it, or tell what was answered before. Raises `ProblemError`, and what the desk raises, with nothing done."""
    caller = asked.caller
    house = caller.served.house
    token_id, at = caller.token.token_id, house.clock.now()
    with house.store.write() as tx:
        known = tx.api_answers.find(token_id, asked.key)
        if known is not None:
            return _again(asked, known)
        act = Act(asked.request, caller, tx, house.desk_within(tx), asked.actor)
        status, body = _judged(action, act)
        answer = KeptAnswer(asked.digest, status, body)
        tx.api_answers.forget(at - KEPT)
        tx.api_answers.keep(token_id, asked.key, answer, at=at)
    return answers.response(answer, repeated=False)


def _judged(action: Action, act: Act) -> tuple[HTTPStatus, bytes]:
    try:
        return action(act)
    except ValidationError as error:  # what the models of the exchange say about values that each look right alone
        raise invalid(faults_of(error, "body")) from None


def _again(asked: Asked, known: KeptAnswer) -> Response:
    if known.request != asked.digest:
        raise ProblemError(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            ProblemCode.KEY_REUSED,
            "This idempotency key came before with another request",
            advice="Take a new key for each request; the same one only to send the same request again.",
        )
    return answers.response(known, repeated=True)
