"""The form of the answer page: what came, and whether it is an answer.

Invariants: at most `MOST_BYTES`; a field that is not the form's is ignored; days are from today to two years on; a reason is a code of its list.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from urllib.parse import parse_qsl

from adapters.partners.answering import Answer
from contracts.code_lists import codes

MOST_BYTES: Final = 2048
REASONS: Final = "decline-reason"
_FARTHEST: Final = timedelta(days=731)
_MOST_FIELDS: Final = 8


@dataclass(frozen=True, slots=True)
class Given:
    """The fields as they were sent, to be shown again."""

    choice: str = ""
    meeting: str = ""
    expected: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is missing: the field, and the word that says it."""

    field: str
    text: str


def read(body: bytes) -> Given:
    """The fields of a form; of what is no form, none."""
    try:
        pairs = dict(parse_qsl(body.decode("ascii"), max_num_fields=_MOST_FIELDS, errors="strict"))
    except ValueError:
        return Given()
    return Given(*(pairs.get(name, "")[:40] for name in ("choice", "meeting", "expected", "reason")))


def answer(given: Given, today: date) -> Answer | Wrong:
    """The answer, or what it lacks."""
    match given.choice:
        case "accept":
            meeting = _day(given.meeting, today)
            return Wrong("meeting", "bad-date") if given.meeting and meeting is None else Answer("accept", day=meeting)
        case "wait":
            expected = _day(given.expected, today)
            return Wrong("expected", "no-date") if expected is None else Answer("wait", day=expected)
        case "decline":
            known = given.reason in codes(REASONS)
            return Answer("decline", reason=given.reason) if known else Wrong("reason", "no-reason")
        case _:
            return Wrong("accept", "no-choice")


def _day(text: str, today: date) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if today <= found <= today + _FARTHEST else None
