"""ground.*: a statutory ground, within the unit's mandate of the trust list."""

from typing import Annotated

from pydantic import StringConstraints

from contracts.facts import Facts, SealedContent
from contracts.grants import Grants
from contracts.names import Code, Ground, ShortText

LegalBasis = Annotated[str, StringConstraints(pattern=r"^A(6-1-[b-f]|9-2-[bcgh]|10)$")]
"""GDPR article in DPV's writing: `A6-1-e`, `A9-2-g`, `A10`."""


class GroundRegistered(Facts):
    """A basis in law to share, as a list of grants."""

    ground_id: Ground
    basis: tuple[LegalBasis, ...]
    statute: Code
    grants: Grants


class GroundEnded(Facts):
    """The statutory ground no longer holds."""

    ground_id: Ground


class GroundContent(SealedContent):
    """The file that the ground rests on."""

    reference: ShortText | None = None
