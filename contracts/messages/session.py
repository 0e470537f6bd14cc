"""session.held: counselling took place; joint sessions name the units present, and each unit publishes its own part."""

from typing import Annotated

from pydantic import Field

from contracts.code_lists import CodeOf
from contracts.facts import Facts, SealedContent, coded
from contracts.names import Code, Text, Unit


class SessionHeld(Facts):
    """One unit's part of a session."""

    kind: Annotated[str, CodeOf("session-kind")] | None = coded()
    form: Annotated[str, CodeOf("session-form")] | None = coded()
    minutes: Annotated[int, Field(ge=1, le=1440)] | None = coded(required=False)
    units_present: tuple[Unit, ...] = ()
    companion: bool | None = coded(required=False)
    interpreter: Code | None = coded(required=False)


class SessionContent(SealedContent):
    """What was talked about."""

    topics: tuple[Code, ...] = ()
    notes: Text | None = None
