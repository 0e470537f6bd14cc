"""Typed cells as the text that the same cell has in a CSV file."""

# ruff: noqa: DTZ001 - a sheet knows no zones

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from adapters.connectors.cell_text import text_of
from adapters.connectors.cell_values import decimal, moment
from adapters.connectors.file_format import SERIAL, FileFormat

CZECH = FileFormat(decimal=",", dates=("%d. %m. %Y", "%d.%m.%Y %H:%M"), booleans=("ano", "ne"))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("007", "007"),
        (True, "ano"),
        (False, "ne"),
        (2026, "2026"),
        (2026.0, "2026"),
        (1.5, "1,5"),
        (0.1 + 0.2, "0,3"),
        (1e20, "100000000000000000000"),
        (Decimal("10.50"), "10,5"),
        (-0.0, "0"),
        (date(2026, 2, 24), "24. 02. 2026"),
        (datetime(2026, 2, 24, 10, 4, 59, 999_700), "24.02.2026 10:05"),
        (datetime(2026, 2, 24, 10, 5, 6), "2026-02-24T10:05:06"),
        (datetime(2026, 2, 24, 10, 5, tzinfo=UTC), "2026-02-24T10:05:00+00:00"),
        (time(8, 30), "08:30"),
        (timedelta(hours=26, minutes=5), "26:05"),
    ],
)
def test_a_typed_cell_is_written_as_the_mappings_text_cells_are(value: object, text: str) -> None:
    assert text_of(value, CZECH) == text


@given(st.datetimes(datetime(1900, 1, 1), datetime(2100, 12, 31)))
def test_every_moment_of_a_sheet_is_understood_again_to_the_second(value: datetime) -> None:
    found = moment(text_of(value, CZECH), CZECH.dates)
    assert found is not None
    assert abs(found - value) <= timedelta(milliseconds=500)


@given(st.integers(-(10**12), 10**12) | st.floats(-1e9, 1e9))
def test_every_number_of_a_sheet_is_understood_again(value: float) -> None:
    found = decimal(text_of(value, CZECH), ",")
    assert found is not None
    assert float(found) == pytest.approx(value, rel=1e-14)


@pytest.mark.parametrize(("text", "hour"), [("46077", 0), ("46077,5", 12), ("46077.5", 12)])
def test_a_date_that_lost_its_format_is_a_number_of_days_where_the_mapping_says_so(text: str, hour: int) -> None:
    assert moment(text, ("%d. %m. %Y", SERIAL)) == datetime(2026, 2, 24, hour)
    assert moment(text, ("%d. %m. %Y",)) is None, "never guessed"


def test_a_date_format_that_python_cannot_read_is_refused_with_an_example() -> None:
    with pytest.raises(ValidationError, match="write for instance"):
        FileFormat(dates=("%d.%Q",))
