"""Dates and numbers as people write them."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from adapters.connectors.cell_values import day, decimal, instant

CZECH = ("%d. %m. %Y", "%d.%m.%Y", "%d. %m. %Y %H:%M")


@pytest.mark.parametrize("text", ["24. 2. 2026", "24.2.2026", "24.02.2026", " 24.  2.\u00a02026 ", "24. 2. 2026 16:05"])
def test_a_czech_date_is_understood_in_every_common_spelling(text: str) -> None:
    assert day(text, CZECH) == date(2026, 2, 24)


@pytest.mark.parametrize("text", ["31. 2. 2026", "2/24/2026", "24.2.26", "1. 1. 0001", "1. 1. 2150", "x" * 10_000, ""])
def test_what_is_no_date_is_never_guessed(text: str) -> None:
    assert day(text, CZECH) is None


def test_a_civil_date_is_its_first_moment_in_the_mappings_zone() -> None:
    found = instant("24.2.2026", CZECH, ZoneInfo("Europe/Prague"))
    assert found is not None
    assert found.astimezone(UTC) == datetime(2026, 2, 23, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "sign", "number"),
    [
        ("1,5", ",", "1.5"),
        ("1 234,50", ",", "1234.50"),
        ("1\u00a0234\u00a0567,5", ",", "1234567.5"),
        ("1.234,50", ",", "1234.50"),
        ("1,234.50", ".", "1234.50"),
        ("1100.00", ".", "1100.00"),
        ("+8", ",", "8"),
    ],
)
def test_amounts_keep_their_exact_value(text: str, sign: str, number: str) -> None:
    assert decimal(text, sign) == number


@pytest.mark.parametrize(
    ("text", "sign"), [("1.5", ","), ("1,5", "."), ("12,34,5", ","), ("", ","), ("1e3", "."), ("\u0661", ".")]
)
def test_a_number_in_the_other_notation_is_refused_and_not_multiplied(text: str, sign: str) -> None:
    assert decimal(text, sign) is None
