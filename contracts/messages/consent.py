"""consent.*: what the client agreed to, one message per recipient or class under one consent id, so that no recipient learns of the others."""

from typing import Annotated

from pydantic import Field, model_validator

from contracts.categories import CONSENT_PURPOSES
from contracts.code_lists import CodeOf
from contracts.facts import Facts, SealedContent
from contracts.grants import Grant, Grants, RecipientName
from contracts.names import Code, Ground, Sha256Hex, ShortText, Text

Paper = Annotated[str, CodeOf("paper-kind")]


def _one_recipient(recipient: str, grants: tuple[Grant, ...]) -> None:
    if any(grant.recipient != recipient for grant in grants):
        raise ValueError("every grant must name the message's recipient: send one message per recipient")
    if any(grant.purpose not in CONSENT_PURPOSES for grant in grants):
        raise ValueError("a consent may name the purposes support and statistics only")


class ConsentGiven(Facts):
    """The client said yes to these grants."""

    consent_id: Ground
    recipient: RecipientName
    grants: Grants
    paper: Annotated[tuple[Paper, ...], Field(min_length=1, max_length=4, json_schema_extra={"uniqueItems": True})]
    """What the paper is, a set: a consent, a release from secrecy, an agreement, an application."""
    explicit: bool = False
    """An explicit consent in the sense of GDPR Art. 9(2)(a), as special categories need."""
    notice_version: Code
    evidence_hash: Sha256Hex
    """Salted SHA-256 of the evidence; the salt is in the sealed part."""
    method: Annotated[str, CodeOf("consent-method")]

    @model_validator(mode="after")
    def _closed(self) -> "ConsentGiven":
        _one_recipient(self.recipient, self.grants)
        if len(set(self.paper)) < len(self.paper):
            raise ValueError("paper is a set: name each kind once")
        return self


class ConsentExtended(Facts):
    """The client added these grants to a consent."""

    consent_id: Ground
    recipient: RecipientName
    grants: Grants
    evidence_hash: Sha256Hex

    @model_validator(mode="after")
    def _closed(self) -> "ConsentExtended":
        _one_recipient(self.recipient, self.grants)
        return self


class ConsentNarrowed(Facts):
    """What remains of a consent for one recipient; nothing when `grants` is empty."""

    consent_id: Ground
    recipient: RecipientName
    grants: Annotated[tuple[Grant, ...], Field(max_length=50)] = ()

    @model_validator(mode="after")
    def _closed(self) -> "ConsentNarrowed":
        _one_recipient(self.recipient, self.grants)
        return self


class ConsentRefused(Facts):
    """The client was asked and said no; nothing may follow from it."""

    consent_id: Ground
    notice_version: Code


class ConsentWithdrawn(Facts):
    """The client took the whole consent back, at any unit where the client is enrolled."""

    consent_id: Ground


class ConsentAttested(Facts):
    """A source has seen the paper: from now on its own entries open too, never those of others to itself."""

    consent_id: Ground
    method: Annotated[str, CodeOf("attestation-method")]


class ConsentContent(SealedContent):
    """The evidence itself, for the parties."""

    bundle_id: ShortText | None = None
    """Joins the messages of one paper at the collector."""
    evidence: Text | None = None
    salt: ShortText | None = None
    note: Text | None = None
