"""The words that identify things on the wire, as types.

Invariants: unit and programme match `[a-z0-9-]{1,40}`; a subject is `r1.` + 26 base32 characters (random) or `h1.` + 52 (derived); a source is
`urn:spojka:<programme>:<unit>`; message ids are UUIDs in lower-case canonical form. Nothing here is ever a national id or a name
(STANDARDS, names and limits).
"""

import re
from functools import lru_cache
from typing import Annotated, Final, NewType

from pydantic import StringConstraints

UnitId = NewType("UnitId", str)
InstitutionId = NewType("InstitutionId", str)
ProgrammeId = NewType("ProgrammeId", str)
SubjectId = NewType("SubjectId", str)
Source = NewType("Source", str)
MessageId = NewType("MessageId", str)
MessageType = NewType("MessageType", str)
KeyId = NewType("KeyId", str)
GroundId = NewType("GroundId", str)
ReferralId = NewType("ReferralId", str)
ObligationId = NewType("ObligationId", str)
MergeId = NewType("MergeId", str)
ActorId = NewType("ActorId", str)
RecordKey = NewType("RecordKey", str)
"""What a Kafka record is keyed by: the subject, else the source, else `hub-<n>`."""

HUB: Final = UnitId("hub")
"""The name under which the hub's own parts sign. No institution may take it."""

_SLUG = r"[a-z0-9-]{1,40}"
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

Slug = Annotated[str, StringConstraints(pattern=rf"^{_SLUG}$")]
Unit = Annotated[UnitId, StringConstraints(pattern=rf"^{_SLUG}$")]
Institution = Annotated[InstitutionId, StringConstraints(pattern=rf"^{_SLUG}$")]
Programme = Annotated[ProgrammeId, StringConstraints(pattern=rf"^{_SLUG}$")]
Subject = Annotated[SubjectId, StringConstraints(pattern=r"^(r1\.[a-z2-7]{26}|h1\.[a-z2-7]{52})$")]
SourceUrn = Annotated[Source, StringConstraints(pattern=rf"^urn:spojka:{_SLUG}:{_SLUG}$")]
Id = Annotated[MessageId, StringConstraints(pattern=rf"^{_UUID}$")]
Ground = Annotated[GroundId, StringConstraints(pattern=rf"^{_UUID}$")]
Referral = Annotated[ReferralId, StringConstraints(pattern=rf"^{_UUID}$")]
Obligation = Annotated[ObligationId, StringConstraints(pattern=rf"^{_UUID}$")]
Merge = Annotated[MergeId, StringConstraints(pattern=rf"^{_UUID}$")]
Key = Annotated[KeyId, StringConstraints(pattern=rf"^{_SLUG}/[a-z]{{1,20}}/[0-9a-f]{{16}}$")]
Sha256Hex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Actor = Annotated[ActorId, StringConstraints(pattern=r"^[a-z0-9-]{1,40}/[A-Za-z0-9._-]{1,60}$")]
"""Role and worker pseudonym: `counsellor/w7`."""
Text = Annotated[str, StringConstraints(min_length=1, max_length=20_000)]
ShortText = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,119}$")]
"""A coded value of an outside list (service id, ISCO, statute), checked by form only."""

_SOURCE = re.compile(rf"urn:spojka:({_SLUG}):({_SLUG})")


def source_of(programme: ProgrammeId, unit: UnitId) -> Source:
    """The `source` attribute under which a unit publishes in a programme."""
    return Source(f"urn:spojka:{programme}:{unit}")


@lru_cache(maxsize=4096)  # asked several times a message, of the same few sources
def unit_of(source: Source) -> UnitId:
    """The unit in a source that `SourceUrn` has checked."""
    found = _SOURCE.fullmatch(source)
    if found is None:
        raise ValueError(f"{source!r} is not urn:spojka:<programme>:<unit>")
    return UnitId(found[2])
