"""entry.corrected: the author corrects an entry of its own; the old one stays in the log and the correction inherits its category."""

from typing import Annotated

from pydantic import JsonValue

from contracts.code_lists import CodeOf
from contracts.facts import Facts, SealedContent
from contracts.names import Text


class EntryCorrected(Facts):
    """Which entry, in the attribute `corrects`; why, here."""

    reason: Annotated[str, CodeOf("correction-reason")]


class CorrectionContent(SealedContent):
    """The facts and texts that now hold, by field name; a field left out is unchanged."""

    facts: dict[str, JsonValue] | None = None
    content: dict[str, JsonValue] | None = None
    note: Text | None = None
