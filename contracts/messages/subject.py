"""subject.*: that a unit joined a person, and that two subjects are one person. Nothing here opens an entry or renames one (decision record 0009)."""

from typing import Annotated

from pydantic import Field, StringConstraints

from contracts.civil_time import Instant
from contracts.code_lists import CodeOf
from contracts.facts import Facts, SealedContent
from contracts.names import Merge, Text, Unit

Wrapped = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{80,240}$")]
"""A subject that only the pairing code opens (`contracts.pairing`), base64url without padding."""

Told = Annotated[tuple[Unit, ...], Field(min_length=1, max_length=50, json_schema_extra={"uniqueItems": True})]


class SubjectFacts(Facts):
    """Every subject.* message."""


class PairingOffered(SubjectFacts):
    """A unit gave the person a pairing code. About the code's meeting subject, which nobody finds without the code."""

    until: Instant
    wrapped: Wrapped


class SubjectPaired(SubjectFacts):
    """The author joins the person by the code whose meeting subject this is; or, with `joined`, the issuer notes under its own subject who did."""

    method: Annotated[str, CodeOf("pairing-method")]
    joined: Unit | None = None


class PairingOpened(SubjectFacts):
    """The hub hands what the issuing unit left to the one unit that came first with the code."""

    unit: Unit
    issuer: Unit
    wrapped: Wrapped


class SubjectMerged(SubjectFacts):
    """The author holds that this subject and another one are the same person; published once about each, and the other is not named.

    The first of a merge id proposes; it takes effect when a unit of another institution that was told says the same.
    """

    merge_id: Merge
    method: Annotated[str, CodeOf("merge-method")]
    tell: Told
    """Units that the author knows to have a reason to share on both sides; the hub tells those that have one on this side."""


class SubjectSplit(SubjectFacts):
    """It was not the same person, or nobody can say any more; said before the review, the proposal is turned down."""

    merge_id: Merge
    reason: Annotated[str, CodeOf("split-reason")]


class MergeContent(SealedContent):
    """What the author compared, for those who are told."""

    evidence: Text | None = None
    note: Text | None = None
