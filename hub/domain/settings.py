"""Settings that decide something: versioned, changed only by a message in the log, recorded with every decision."""

from dataclasses import dataclass
from typing import Final

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
    )
