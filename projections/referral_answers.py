"""What the other side said in the moves of a referral: whom to turn to, and why.

Invariant: only moves that count are looked at, the latest word of each kind holds.
"""

import json
from dataclasses import dataclass
from typing import Any, get_args

from sqlalchemy import Connection, select

from contracts.catalogue import CATALOGUE
from contracts.code_lists.coded import CodeOf
from contracts.names import MessageType, ReferralId, SubjectId
from projections.worklist import MOVE


@dataclass(frozen=True, slots=True)
class ReferralAnswer:
    """The latest contact and the reason of the last move that had one."""

    contact: str | None = None
    reason: str | None = None
    """A code of `reason_list`."""
    reason_list: str | None = None


def answer_of(connection: Connection, subject: SubjectId, referral_id: ReferralId) -> ReferralAnswer:
    """What was said about a referral. Asks tables that `worklist.outgoing` has found served."""
    wanted = select(MOVE).where(MOVE.c.referral_id == referral_id, MOVE.c.subject == subject)
    contact = reason = reason_list = None
    for row in connection.execute(wanted.order_by(MOVE.c.time, MOVE.c.arrived)):
        content = json.loads(row.content) if row.content else {}
        contact = content.get("contact") or contact
        reason = json.loads(row.facts).get("reason") or content.get("reason")
        reason_list = _reason_list(MessageType(row.type)) if reason else None
    return ReferralAnswer(contact, reason, reason_list)


def _reason_list(message_type: MessageType) -> str | None:
    field = CATALOGUE[message_type].facts.model_fields.get("reason")
    metadata: list[Any] = [] if field is None else [*field.metadata, *_inner(field.annotation)]
    return next((one.name for one in metadata if isinstance(one, CodeOf)), None)


def _inner(annotation: Any) -> list[Any]:  # noqa: ANN401 - a field's type is whatever it was declared as
    return [mark for one in get_args(annotation) for mark in getattr(one, "__metadata__", ())]
