"""The moments that an auditor types: an instant with its offset, or a day in the programme's time zone.

Invariant: a day begins and ends as in the programme, whatever zone the auditor's machine is in.
"""

from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from contracts.admission import read_first_list
from hub.application.ports import HubError

_DAY: Final = len("2026-06-03")
_TICK: Final = timedelta(microseconds=1)


class MomentError(HubError):
    """What was typed names no moment."""


def zone_of(first_list: bytes) -> ZoneInfo:
    """The programme's time zone, as its first trust list names it. Raises `AdmissionError`."""
    return read_first_list(first_list)[0].zone


def begin_of(text: str, zone: ZoneInfo) -> datetime:
    """The instant, or the day's beginning. Raises `MomentError`."""
    return _moment(text, zone)[0]


def end_of(text: str, zone: ZoneInfo) -> datetime:
    """The instant, or the day's last moment. Raises `MomentError`."""
    return _moment(text, zone)[1]


def _moment(text: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    try:
        if len(text) == _DAY:
            day = date.fromisoformat(text)
            begin, after = (datetime.combine(day + timedelta(days=days), time(), zone) for days in (0, 1))
            return begin, after - _TICK
        at = datetime.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        raise MomentError(f"{text} is no moment.", advice=_ADVICE) from error
    if at.tzinfo is None:
        raise MomentError(f"{text} does not say in which time zone.", advice=_ADVICE)
    return at, at


_ADVICE: Final = "Write a day, 2026-06-03, or an instant with its offset, 2026-06-03T12:00:00+02:00."
