"""Consents: taken, attested, extended, narrowed, withdrawn, refused.

Invariant: the request says what the client said, to the day; dates end in the programme's time zone.
"""

from http import HTTPStatus
from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from adapters.api import answers
from adapters.api.fields import Answer, Body, ClientName, Day, Made, When, made
from adapters.api.recording import Act
from adapters.api.routing import UnitRoutes, body_of
from adapters.desk.actions.consents import ConsentRecorded, Paper, Terms
from adapters.process.tokens import Scope
from contracts.categories import Category, Purpose
from contracts.code_lists import CodeOf
from contracts.grants import RecipientName
from contracts.names import Code, Ground, Text, Unit

routes = UnitRoutes("consents")

_MOST = 50
Units = Annotated[tuple[Unit, ...], Field(min_length=1, max_length=_MOST, description="Units whose entries are shared")]
Recipients = Annotated[
    tuple[RecipientName, ...],
    Field(min_length=1, max_length=_MOST, description="`unit:NAME` or `class:ROLE` that may see them"),
]
Categories = Annotated[
    tuple[Category, ...], Field(min_length=1, max_length=_MOST, description="What about; never conduct")
]
_EXAMPLE: JsonDict = {
    "client": "2026/117",
    "sources": ["op", "up"],
    "recipients": ["unit:op", "unit:up"],
    "categories": ["identity", "employment", "housing"],
    "until": "2027-01-31",
    "history_from": "2026-02-02",
    "paper": ["consent", "release-from-secrecy"],
}


class AboutConsent(Body):
    """What every request about a consent says."""

    client: ClientName = Field(description="Your case number")
    time: When | None = Field(default=None, description="When the client said so; absent: now")


class ConsentTerms(AboutConsent):
    """What the client agreed to."""

    sources: Units
    recipients: Recipients
    categories: Categories
    until: Day = Field(description="The last day")
    history_from: Day | None = Field(default=None, description="Entries from this day on; absent: from now on")
    purpose: Purpose = Field(default=Purpose.SUPPORT, description="`support` or `statistics`")
    evidence: Text = Field(default="paper on file", description="Where the paper is; only the parties can read it")

    def terms(self) -> Terms:
        """As the desk takes them."""
        return Terms(
            sources=self.sources,
            recipients=self.recipients,
            categories=self.categories,
            until=self.until,
            history_from=self.history_from,
            purpose=self.purpose,
        )


class NewConsent(ConsentTerms):
    """A consent and the paper that was signed."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})
    paper: Annotated[
        tuple[Annotated[str, CodeOf("paper-kind")], ...],
        Field(min_length=1, max_length=4, description="What the paper is: a consent, a release from secrecy, or both"),
    ] = ("consent",)
    notice_version: Code = Field(default="1", description="Which information notice it followed")
    method: Annotated[str, CodeOf("consent-method")] = Field(default="signed-paper")
    explicit: bool = Field(default=False, description="Explicit in the sense of GDPR Art. 9, as health needs")


class Attestation(AboutConsent):
    """This unit has seen the paper."""

    method: Annotated[str, CodeOf("attestation-method")] = Field(default="saw-original")


class Narrowing(AboutConsent):
    """What remains."""

    recipients: Recipients
    categories: Categories
    sources: Units | None = Field(
        default=None, description="Units whose entries are still shared; absent: all as before"
    )


class Refusal(AboutConsent):
    """The client was asked and said no."""

    notice_version: Code = Field(default="1", description="Which information notice was shown")


class ConsentMade(Answer):
    """A consent and what became of its messages: one a recipient, so that none learns of the others."""

    consent: str = Field(description="Its id: what attesting, extending, narrowing and withdrawing name")
    made: tuple[Made, ...]


@routes.record("/consents", scope=Scope.CONSENTS_WRITE, takes=body_of(NewConsent), gives=ConsentMade)
def take_consent(act: Act, body: NewConsent) -> tuple[HTTPStatus, bytes]:
    """The client said yes. What was held here until now and is open by this leaves at once."""
    paper = Paper(
        kinds=body.paper,
        notice_version=body.notice_version,
        method=body.method,
        evidence=body.evidence,
        explicit=body.explicit,
    )
    return _made(act.desk.take_consent(body.client, body.terms(), paper, occasion=act.occasion(body.time)))


@routes.record("/consents/refused", scope=Scope.CONSENTS_WRITE, takes=body_of(Refusal), gives=Made)
def refuse_consent(act: Act, body: Refusal) -> tuple[HTTPStatus, bytes]:
    """The client was asked and said no. Nothing follows from it."""
    occasion = act.occasion(body.time)
    refused = act.desk.refuse_consent(body.client, notice_version=body.notice_version, occasion=occasion)
    return answers.recorded(made(refused), refused)


@routes.record("/consents/{consent_id}/attest", scope=Scope.CONSENTS_WRITE, takes=body_of(Attestation), gives=Made)
def attest_consent(act: Act, body: Attestation, consent_id: Ground) -> tuple[HTTPStatus, bytes]:
    """This unit has seen the paper: its own entries may be shared from now on."""
    attested = act.desk.attest(body.client, consent_id, method=body.method, occasion=act.occasion(body.time))
    return answers.recorded(made(attested), attested)


@routes.record(
    "/consents/{consent_id}/extend", scope=Scope.CONSENTS_WRITE, takes=body_of(ConsentTerms), gives=ConsentMade
)
def extend_consent(act: Act, body: ConsentTerms, consent_id: Ground) -> tuple[HTTPStatus, bytes]:
    """The client added to a consent that this unit took."""
    occasion = act.occasion(body.time)
    return _made(act.desk.extend(body.client, consent_id, body.terms(), evidence=body.evidence, occasion=occasion))


@routes.record("/consents/{consent_id}/narrow", scope=Scope.CONSENTS_WRITE, takes=body_of(Narrowing), gives=ConsentMade)
def narrow_consent(act: Act, body: Narrowing, consent_id: Ground) -> tuple[HTTPStatus, bytes]:
    """The client keeps only a part of a consent that this unit took. Nothing is ever added by it."""
    narrowed = act.desk.narrow(
        body.client,
        consent_id,
        recipients=body.recipients,
        categories=body.categories,
        sources=body.sources,
        occasion=act.occasion(body.time),
    )
    return _made(narrowed)


@routes.record("/consents/{consent_id}/withdraw", scope=Scope.CONSENTS_WRITE, takes=body_of(AboutConsent), gives=Made)
def withdraw_consent(act: Act, body: AboutConsent, consent_id: Ground) -> tuple[HTTPStatus, bytes]:
    """The client takes a whole consent back, wherever it was given. Sharing ends; who holds entries is asked to erase them."""
    withdrawn = act.desk.withdraw(body.client, consent_id, occasion=act.occasion(body.time))
    return answers.recorded(made(withdrawn), withdrawn)


def _made(one: ConsentRecorded) -> tuple[HTTPStatus, bytes]:
    told = ConsentMade(consent=one.consent_id, made=tuple(made(each) for each in one.messages))
    return answers.recorded(told, *one.messages)
