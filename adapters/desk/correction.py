"""Corrections of one's own entries: what they inherit, and how a changed row becomes one.

Invariants: a correction bears category, purpose and time of the entry that it corrects (the hub refuses any other); it always names the first entry,
never another correction.
"""

from dataclasses import replace

from adapters.drafts import Draft
from adapters.gate.verdict import OwnReason, Refuses
from adapters.storage.journal import Entry
from contracts.catalogue import CATALOGUE, Audience
from contracts.categories import Category
from contracts.envelope import parse
from contracts.messages.entry import CorrectionContent, EntryCorrected
from contracts.names import SubjectId

ROW_CHANGED = "incomplete"
"""The coded reason of a correction that a changed row causes: the entry did not say all that holds."""


def inherit(draft: Draft, corrected: Entry | None) -> Draft:
    """The correction with what it must share with its entry; unchanged where there is no such entry."""
    if corrected is None or corrected.payload is None:
        return draft
    message = parse(corrected.payload)
    return replace(draft, category=message.category, purpose=message.purpose, time=message.time)


def changed_row(draft: Draft, corrected: Entry | None, subject: SubjectId | None) -> Draft | Refuses:
    """The correction that brings an entry to what its row says now, or why there can be none."""
    if corrected is None or corrected.subject != subject:
        return Refuses(OwnReason.CHANGED_ROW, "The row now names another client: enter it as a new row.")
    spec = CATALOGUE[corrected.type]
    if spec.audience is not Audience.GROUNDED or spec.facts is not type(draft.facts):
        return Refuses(
            OwnReason.CHANGED_ROW, "What the row became cannot be corrected: withdraw or void it, and enter it anew."
        )
    if draft.category is not None and draft.category is not Category(str(corrected.category)):
        return Refuses(OwnReason.CHANGED_ROW, "The row is now in another category: enter it as a new row.")
    content = CorrectionContent(
        facts=draft.facts.model_dump(mode="json", exclude_none=True),
        content=None if draft.content is None else draft.content.model_dump(mode="json", exclude_none=True),
    )
    return replace(draft, facts=EntryCorrected(reason=ROW_CHANGED), content=content, corrects=corrected.message_id)
