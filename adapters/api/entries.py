"""Entries: recorded from a draft of any type; what became of one.

Invariant: a consent or a referral needs its own scope, whichever way it is sent.
"""

from http import HTTPStatus

from fastapi import Request
from fastapi.responses import Response
from pydantic import Field

from adapters.api import answers
from adapters.api.drafts import DRAFT, DraftBody
from adapters.api.fields import Answer, Made, made
from adapters.api.guard import Caller
from adapters.api.problems import Fault, ProblemCode, ProblemError, invalid
from adapters.api.recording import Act
from adapters.api.routing import UnitRoutes
from adapters.api.tags import tag_of
from adapters.process.tokens import Scope
from adapters.storage.journal import EntryKind
from contracts.names import Id, MessageId

routes = UnitRoutes("entries")


class Standing(Answer):
    """Where an entry of this unit stands."""

    message: str = Field(description="Its id")
    type: str
    state: str = Field(description="`held`, `waiting`, `accepted` or `refused`")
    reason: str | None = Field(description="The hub's code where it refused it, ours where it is held")
    position: int | None = Field(description="The place in the hub's log, once it answered")


@routes.record("/entries", scope=Scope.ENTRIES_WRITE, takes=DRAFT, gives=Made)
def record_entry(act: Act, body: DraftBody) -> tuple[HTTPStatus, bytes]:
    """Record an entry of any type.

    It is checked, numbered and signed, and leaves when the line is up. What nobody has a reason to see yet is `held` here and leaves by itself when
    there is one. Consents and what changes them also need `consents:write`, referrals `referrals:write`.
    """
    act.caller.require(body.scope)
    if body.client is None:
        raise invalid([Fault(where="body.client", what="name the client: every entry is about one")])
    recorded = act.desk.record(body.draft(actor=act.actor, now=act.served.house.clock.now()))
    return answers.recorded(made(recorded), recorded)


@routes.read("/entries/{message_id}", scope=Scope.ENTRIES_READ, gives=Standing)
def entry_standing(request: Request, caller: Caller, message_id: Id) -> Response:
    """What became of an entry of this unit: its state, and the hub's answer. Nothing of its content, so it is no look."""
    with caller.served.house.store.read() as tx:
        entry = tx.journal.find(MessageId(message_id))
        if entry is None or entry.kind is not EntryKind.OWN or entry.state is None:
            raise ProblemError(
                HTTPStatus.NOT_FOUND,
                ProblemCode.NOT_FOUND,
                "This unit recorded no such entry",
                advice="Take the id from the answer to POST …/entries.",
            )
        outcome = tx.receipts.outcomes([entry.message_id]).get(entry.message_id)
        waiting = () if entry.subject is None else tx.held.of_subject(entry.subject)
        held = next((one.reason for one in waiting if one.message_id == entry.message_id), None)
    refused = None if outcome is None or outcome.code is None else outcome.code.value
    standing = Standing(
        message=entry.message_id,
        type=entry.type,
        state=entry.state.value,
        reason=refused or held,
        position=None if outcome is None else outcome.position,
    )
    return answers.shown(request, standing, tag=tag_of(answers.document(standing)))
