"""Corrections of one's own entries: what they inherit, and how a changed row becomes one.

Invariants: a correction bears category, purpose and time of the entry that it corrects (the hub refuses any other); it always names the first entry,
never another correction. What a referral was decided by is corrected by nobody.
"""

from typing import Final

from adapters.drafts import Draft
from adapters.gate.verdict import OwnReason, Refuses
from adapters.storage.journal import Entry
from contracts.catalogue import CATALOGUE, Audience
from contracts.categories import Category
from contracts.envelope import parse
from contracts.messages.entry import CorrectionContent, EntryCorrected
from contracts.messages.referral import ReferralFacts, ReferralSent
from contracts.names import SubjectId

_DECIDED_BY: Final = frozenset(
    {
        "answer_due",
        "as_reported",
        "expected",
        "external",
        "legal_effect",
        "on_behalf_of_client",
        "parent",
        "question_id",
        "referral_id",
        "target",
    }
)
"""Facts of referrals that every side decides by: no correction changes them, since what followed from them stands."""
ROW_CHANGED = "incomplete"
"""The coded reason of a correction that a changed row causes: the entry did not say all that holds."""


def inherit(draft: Draft, corrected: Entry | None) -> Draft:
    """The correction with what it must share with its entry; unchanged where there is no such entry."""
    if corrected is None or corrected.payload is None:
        return draft
    message = parse(corrected.payload)
    return draft._replace(category=message.category, purpose=message.purpose, time=message.time)


def changed_row(draft: Draft, corrected: Entry | None, subject: SubjectId | None) -> Draft | Refuses:
    """The correction that brings an entry to what its row says now, or why there can be none."""
    if corrected is None or corrected.subject != subject:
        return Refuses(OwnReason.CHANGED_ROW, "The row now names another client: enter it as a new row.")
    spec = CATALOGUE[corrected.type]
    if spec.audience not in (Audience.GROUNDED, Audience.REFERRAL) or spec.facts is not type(draft.facts):
        return Refuses(
            OwnReason.CHANGED_ROW, "What the row became cannot be corrected: withdraw or void it, and enter it anew."
        )
    if draft.category is not None and draft.category is not Category(str(corrected.category)):
        return Refuses(OwnReason.CHANGED_ROW, "The row is now in another category: enter it as a new row.")
    facts = draft.facts.model_dump(mode="json", exclude_none=True)
    if isinstance(draft.facts, ReferralFacts):
        if not _asks_the_same(draft.facts, corrected):
            return Refuses(
                OwnReason.CHANGED_ROW,
                "Who was asked, and by when, cannot be corrected after it was sent: void the referral, and enter it anew.",
            )
        facts = {name: value for name, value in facts.items() if name not in _DECIDED_BY}
    content = CorrectionContent(
        facts=facts,
        content=None if draft.content is None else draft.content.model_dump(mode="json", exclude_none=True),
        note=None if draft.time == corrected.time else f"It happened on {draft.time.isoformat(timespec='minutes')}.",
    )
    return draft._replace(facts=EntryCorrected(reason=ROW_CHANGED), content=content, corrects=corrected.message_id)


def _asks_the_same(facts: ReferralFacts, corrected: Entry) -> bool:
    """Whether nothing changed by which the referral is moved and timed. Outside the programme nobody is held to a deadline."""
    if corrected.payload is None:
        return False
    before = parse(corrected.payload).facts
    outside = isinstance(facts, ReferralSent) and facts.external
    names = _DECIDED_BY - {"answer_due"} if outside else _DECIDED_BY
    return all(getattr(before, name, None) == getattr(facts, name, None) for name in names)
