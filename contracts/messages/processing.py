"""processing.*: restriction of processing (GDPR Art. 18): nothing more is given about the client until its author lifts it."""

from contracts.categories import Category
from contracts.facts import Facts, SealedContent
from contracts.names import Text


class ProcessingRestricted(Facts):
    """Nothing of these categories is given any more (none named: nothing at all)."""

    categories: tuple[Category, ...] = ()


class ProcessingLifted(Facts):
    """The author's restriction no longer holds."""


class ProcessingContent(SealedContent):
    """Why."""

    reason: Text | None = None
