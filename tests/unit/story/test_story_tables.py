"""The script and the tables that the demo is judged by are the story's own, row by row."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from deploy.story.clock import A_DAY, FARTHEST, ZONE, next_stop
from deploy.story.expected import AT_THE_END, STAYS_LOCAL, TABLE
from deploy.story.promises.finding import Finding
from deploy.story.script import OPERATOR, ROWS

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2026, 3, 1, 12, tzinfo=ZONE)
SUPPORT_PATH_ONLY = {("07-07", "up"), ("10-21", "op")}
"""Rows marked † as a whole."""


@dataclass(frozen=True)
class StoryRow:
    day: str
    units: tuple[str, ...]
    text: str


@pytest.fixture(scope="module")
def story(shared_material: Path) -> str:
    return (shared_material / "STORY.md").read_text()


@pytest.fixture(scope="module")
def rows(story: str) -> list[StoryRow]:
    decin = story[: story.index("Who is given what")]
    found = re.findall(r"^\| (\d\d-\d\d) \| ([A-Z, ]+) \| (.*) \|$", decin, re.MULTILINE)
    return [StoryRow(day, tuple(unit.strip().lower() for unit in units.split(",")), text) for day, units, text in found]


def test_every_row_of_the_story_is_played_by_its_units(rows: list[StoryRow]) -> None:
    played = {(f"{row.day:%m-%d}", row.who) for row in ROWS}
    days_beside = {day for day, who in played if who == OPERATOR}
    wanted = {(row.day, unit) for row in rows for unit in row.units} - SUPPORT_PATH_ONLY
    assert len(rows) == 31
    assert {one for one in wanted - played if one[0] not in days_beside} == set()


def test_moves_that_a_row_names_for_a_later_day_are_played_on_that_day(rows: list[StoryRow]) -> None:
    later = {day for row in rows for day in re.findall(r"\b(\d\d-\d\d)\b", row.text.replace("†", ""))}
    not_acts = {"02-02", "02-10", "02-20", "02-24", "08-31", "01-31"}
    played = {f"{row.day:%m-%d}" for row in ROWS}
    assert later - not_acts - played == set()


def test_rows_are_in_the_order_of_time() -> None:
    days = [row.day for row in ROWS]
    assert days == sorted(days)
    assert days[0] == date(2026, 2, 2)


def test_the_table_is_the_story_s_own(story: str) -> None:
    own = story[story.index("Who is given what") : story.index("The story clock")]
    found = re.findall(r"^\| (\d\d-\d\d) \| (\w+) \| ([\w-]+) \| (\d\d-\d\d) \| (R\d)? ?\| (.*) \|$", own, re.MULTILINE)
    theirs = [
        (at, unit.lower(), category, time, referral or "-", frozenset(given.lower().split(", ")) - {"–"})
        for at, unit, category, time, referral, given in found
    ]
    assert [(row.at, row.unit, row.category, row.time, row.referral, row.given_to) for row in TABLE] == theirs
    assert len(theirs) == 36


def test_whoever_was_given_an_entry_by_the_table_has_it_at_the_end() -> None:
    for row in TABLE:
        same = [
            given
            for (unit, _, category, time, referral), given in AT_THE_END.items()
            if (unit, category, time, referral) == (row.unit, row.category, row.time, row.referral)
        ]
        if (row.unit, row.category, row.time) in STAYS_LOCAL:
            assert same == []
        else:
            assert any(row.given_to <= given for given in same), row


def test_what_stays_local_is_in_the_table_as_given_to_nobody() -> None:
    nobody = Counter((row.unit, row.category, row.time) for row in TABLE if not row.given_to)
    assert set(nobody) >= STAYS_LOCAL


def test_the_clock_goes_by_days_while_something_is_due_and_never_past_the_lease() -> None:
    far = NOON + timedelta(days=60)
    assert next_stop(NOON, far, None) == NOON + FARTHEST
    assert next_stop(NOON, far, NOON + timedelta(days=3)) == NOON + A_DAY
    assert next_stop(NOON, far, NOON + timedelta(days=30)) == NOON + FARTHEST
    assert next_stop(NOON, NOON + timedelta(hours=2), NOON) == NOON + timedelta(hours=2)


def test_a_promise_with_one_fault_is_not_held_and_says_which() -> None:
    finding = Finding("1-some", "Some promise")
    finding.fact("7 things looked at")
    finding.same(6, 6, "things")
    assert finding.promise().held
    finding.same(6, 7, "things")
    judged = finding.promise()
    assert not judged.held
    assert judged.evidence == "NOT HELD: things: 6, not 7; 7 things looked at"
