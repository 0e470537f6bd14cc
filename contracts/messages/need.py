"""need.assessed: what the person needs in one dimension."""

from typing import Annotated

from contracts.code_lists import CodeOf
from contracts.facts import Facts, SealedContent, coded
from contracts.names import Text


class NeedAssessed(Facts):
    """An assessment in the dimension that the message's category names."""

    dimension: Annotated[str, CodeOf("dimension")] | None = coded()
    instrument: Annotated[str, CodeOf("instrument")] | None = coded(required=False)
    level: Annotated[str, CodeOf("level")] | None = coded(required=False)


class NeedContent(SealedContent):
    """What was found, in words."""

    finding: Text | None = None
