"""Settings that decide something: versioned, changed only by a message in the log, recorded with every decision."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from contracts.categories import Category
from contracts.messages.hub import SettingsChanged


@dataclass(frozen=True, slots=True)
class DecisionSettings:
    """Periods in days."""

    version: int = 0
    obligation_days: int = 30
    close_after_days: int = 14
    """A completed referral is closed by the hub after so many days."""
    reopen_within_days: int = 60
    waitlist_grace_days: int = 14
    notice_days: int = 30
    """Parties of a consent are told so many days before it ends; 0: not at all."""
    retention: Mapping[Category, int] = field(default_factory=dict)
    """Days for which what is shared of a category is kept; of others until somebody asks."""


DEFAULT: Final = DecisionSettings()


def changed(facts: SettingsChanged) -> DecisionSettings:
    """The settings that a message sets."""
    return DecisionSettings(
        version=facts.version,
        obligation_days=facts.obligation_days,
        close_after_days=facts.close_after_days,
        reopen_within_days=facts.reopen_within_days,
        waitlist_grace_days=facts.waitlist_grace_days,
        notice_days=facts.notice_days,
        retention={one.category: one.days for one in facts.retention},
    )
