"""Referrals: the worklist, one referral, sending one, and every move of the referral table.

Invariants: a look at referrals is reported for each client concerned; a move that the table does not allow to this unit is refused with the reason.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import Response
from pydantic import ConfigDict, Field

from adapters.api import answers
from adapters.api.fields import Answer, Body, ClientName, Day, Made, When, looking, made
from adapters.api.guard import Caller
from adapters.api.moves import MOVE, AnswerBody, AskBody, MoveBody
from adapters.api.pages import PageAsked, page_asked
from adapters.api.people import client_for, missing_referral, referral_of
from adapters.api.recording import Act
from adapters.api.routing import UnitRoutes, body_of
from adapters.api.served_unit import ServedUnit
from adapters.api.tags import require_match, tag_of
from adapters.desk.recorded import Recorded
from adapters.process import looks
from adapters.process.looks import Look
from adapters.process.person_files import also_kept_as
from adapters.process.tokens import Scope
from contracts.categories import Category
from contracts.code_lists import CodeOf
from contracts.messages.referral import ReferralContent
from contracts.names import Code, MessageId, ReferralId, ShortText, SubjectId, Text, Unit, UnitId
from contracts.names import Referral as ReferralName
from projections.referral_fold import Referral
from projections.worklist import ReferralText, texts

routes = UnitRoutes("referrals")

Files = Mapping[SubjectId, Sequence[str]]
"""Case numbers of other files of the same person."""

_NO_DUE_DATE = "9999"
"""Behind every date."""


class ReferralShown(Answer):
    """Where a referral stands."""

    referral: str = Field(description="Its id")
    client: str | None = Field(description="Your case number; null: not linked yet")
    same_person: tuple[str, ...] = Field(description="Your case numbers of other files of this person")
    source: str = Field(description="The unit that sent it")
    target: str | None = Field(description="The unit that is asked; null: somebody outside the programme")
    kind: str
    category: str | None = Field(description="The area of support")
    service: str | None
    state: str = Field(description="A state of the referral table")
    sent_at: datetime
    due: datetime | None = Field(description="By when the target must answer; null: it did")
    overdue: bool | None = Field(description="null while the unit is out of touch: an answer may lie at the hub")
    first_meeting: datetime | None
    parent: str | None = Field(description="The referral that this one follows")


class WorklistPage(Answer):
    """A part of the worklist."""

    hidden: str | None = Field(description="Why referrals to us do not show now; null: they do")
    items: tuple[ReferralShown, ...]
    next: str | None = Field(description="`cursor` of the next page; null on the last")


class TextShown(Answer):
    """A question of the target, or the source's answer to it."""

    message: str = Field(description="Its id: what an answer names as `question_id`")
    author: str
    time: datetime
    text: str | None = Field(description="null where it does not open here")
    answers: str | None = Field(description="The question that it answers; null: it is a question")


class ReferralWithTexts(Answer):
    """A referral with what its two parties wrote to each other."""

    referral: ReferralShown
    texts: tuple[TextShown, ...]


class NewReferral(Body):
    """A request to another unit to help."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"client": "2026/117", "to": "md", "category": "housing", "answer_due": "2026-02-20"}]
        }
    )
    client: ClientName = Field(description="Your case number")
    category: Category = Field(description="What help is asked for")
    answer_due: Day = Field(description="Last day for an answer")
    to: Unit | None = Field(default=None, description="The unit that is asked; absent: somebody outside the programme")
    kind: Annotated[str, CodeOf("referral-kind")] = Field(default="referral")
    service: Code | None = Field(default=None, description="The service asked for")
    parent: ReferralName | None = Field(default=None, description="The referral that this one follows")
    message: Text | None = Field(default=None, description="For those with a reason to see it")
    contact: ShortText | None = Field(default=None, description="Whom to ask at your unit")
    external_target: ShortText | None = Field(default=None, description="Who is asked, where it is somebody outside")
    time: When | None = Field(default=None, description="When it was agreed; absent: now")


class ReferralMade(Answer):
    """A referral and what became of its first message."""

    referral: str = Field(description="Its id")
    made: Made


class MoveMade(Answer):
    """What became of a move, and of the text that went with it."""

    made: Made
    text: Made | None = Field(default=None, description="Of a question or an answer: what became of the text itself")


class LinkReferral(Body):
    """Which of the unit's clients a referral is about."""

    client: ClientName = Field(description="Your case number for this person")


class Linked(Answer):
    """The link that holds now."""

    referral: str
    client: str


@routes.read("/worklist", scope=Scope.REFERRALS_READ, gives=WorklistPage)
def worklist(
    request: Request,
    caller: Caller,
    look: Annotated[Look, Depends(looking)],
    page: Annotated[PageAsked, Depends(page_asked)],
) -> Response:
    """Referrals to us and from us, those with the nearest due date first. The look is reported for each client on the page."""
    served = caller.served
    seen = looks.worklist(served.house, served.overviews(), look=look)
    every = list({one.referral_id: one for one in (*seen.came, *seen.went)}.values())
    items, following = page.of(every, _place)
    files = _files(served, items)
    found = WorklistPage(
        hidden=None if seen.hidden is None else seen.hidden.value,
        items=tuple(_shown(served, one, files, in_touch=seen.hidden is None) for one in items),
        next=following,
    )

    def report() -> None:
        looks.report_referrals(served.house, items, look=look)

    tag = tag_of(answers.document(found), look.reader, look.purpose.value, served.today(), weak=True)
    return answers.shown(request, found, tag=tag, report=report)


@routes.read("/referrals/{referral_id}", scope=Scope.REFERRALS_READ, gives=ReferralWithTexts)
def referral(
    request: Request, caller: Caller, referral_id: ReferralName, look: Annotated[Look, Depends(looking)]
) -> Response:
    """One referral with its questions and answers. Each look is reported. Its ETag can be sent as `If-Match` with a move."""
    served = caller.served
    seen = looks.worklist(served.house, served.overviews(), look=look)
    one = next((one for one in (*seen.came, *seen.went) if one.referral_id == referral_id), None)
    if one is None:
        raise missing_referral()
    written = looks.texts_between(served.house, served.overviews(), one, look=look)
    found = _with_texts(served, one, written, in_touch=seen.hidden is None)

    def report() -> None:
        looks.report_referrals(served.house, [one], look=look)

    return answers.shown(request, found, tag=_tag(found), report=report, report_unchanged=True)


@routes.record("/referrals", scope=Scope.REFERRALS_WRITE, takes=body_of(NewReferral), gives=ReferralMade)
def refer(act: Act, body: NewReferral) -> tuple[HTTPStatus, bytes]:
    """Ask another unit to help, or note that somebody outside the programme was asked."""
    content = ReferralContent(message=body.message, contact=body.contact, external_target=body.external_target)
    sent = act.desk.refer(
        body.client,
        body.category,
        target=None if body.to is None else UnitId(body.to),
        answer_due=act.served.end_of(body.answer_due),
        kind=body.kind,
        service=body.service,
        parent=body.parent,
        content=content if content.model_dump(exclude_none=True) else None,
        occasion=act.occasion(body.time),
    )
    return answers.recorded(ReferralMade(referral=sent.referral_id, made=made(sent.recorded)), sent.recorded)


@routes.record("/referrals/{referral_id}/moves", scope=Scope.REFERRALS_WRITE, takes=MOVE, gives=MoveMade)
def move_referral(
    act: Act, body: MoveBody | AskBody | AnswerBody, referral_id: ReferralName
) -> tuple[HTTPStatus, bytes]:
    """Answer a referral, and say how it goes on: one `move` of the referral table, or `ask` and `answer`.

    With `If-Match` the move is made only while the referral is as you saw it.
    """
    one = referral_of(act.served, referral_id)
    with act.served.overviews().look() as connection:
        written = texts(connection, one.subject, one.referral_id)
    require_match(act.request, _tag(_with_texts(act.served, one, written)))
    client = client_for(act, one, body.client)
    occasion = act.occasion(body.time)
    if isinstance(body, AskBody):
        said = act.desk.ask(client, one.referral_id, body.question, occasion=occasion)
        return _said(said.text, said.move)
    if isinstance(body, AnswerBody):
        said = act.desk.answer(client, one.referral_id, MessageId(body.question_id), body.answer, occasion=occasion)
        return _said(said.text, said.move)
    moved = act.desk.move(client, body.facts(one.referral_id), content=body.content(), occasion=occasion)
    return _said(None, moved)


@routes.record("/referrals/{referral_id}/link", scope=Scope.CLIENTS_WRITE, takes=body_of(LinkReferral), gives=Linked)
def link_referral(act: Act, body: LinkReferral, referral_id: ReferralName) -> tuple[HTTPStatus, bytes]:
    """Say which of your clients a referral is about. Nothing leaves the unit by it."""
    one = referral_of(act.served, referral_id)
    act.desk.adopt(one.subject, body.client)
    return answers.done(Linked(referral=ReferralId(one.referral_id), client=body.client))


def _said(text: Recorded | None, move: Recorded | None) -> tuple[HTTPStatus, bytes]:
    main = move or text
    if main is None:
        raise TypeError("a move or a text was recorded")
    return answers.recorded(MoveMade(made=made(main), text=None if text is None else made(text)), text, move)


def _files(served: ServedUnit, referrals: Sequence[Referral]) -> Files:
    return also_kept_as(served.house.store, served.overviews(), [one.subject for one in referrals])


def _place(one: Referral) -> str:
    due = _NO_DUE_DATE if one.due is None else one.due.isoformat(timespec="microseconds")
    return f"{due} {one.referral_id}"


def _tag(found: ReferralWithTexts) -> str:
    """What can be acted upon, without what the clock alone changes."""
    still = found.referral.model_copy(update={"overdue": False, "client": None, "same_person": ()})
    return tag_of(answers.document(found.model_copy(update={"referral": still})))


def _with_texts(
    served: ServedUnit, one: Referral, written: Sequence[ReferralText], *, in_touch: bool = True
) -> ReferralWithTexts:
    return ReferralWithTexts(
        referral=_shown(served, one, _files(served, [one]), in_touch=in_touch),
        texts=tuple(_text(each) for each in written),
    )


def _text(one: ReferralText) -> TextShown:
    return TextShown(message=one.message_id, author=one.author, time=one.time, text=one.text, answers=one.answers)


def _shown(served: ServedUnit, one: Referral, files: Files, *, in_touch: bool) -> ReferralShown:
    with served.house.store.read() as tx:
        client = tx.clients.client_of(one.subject)
    return ReferralShown(
        referral=one.referral_id,
        client=client,
        same_person=tuple(files.get(one.subject, ())),
        source=one.source,
        target=one.target,
        kind=one.kind,
        category=None if one.category is None else one.category.value,
        service=one.service,
        state=one.state.value,
        sent_at=one.sent_at,
        due=one.due,
        overdue=one.overdue(served.house.clock.now()) if in_touch else None,
        first_meeting=one.first_meeting,
        parent=one.parent,
    )
