"""A proposal for any sheet is a mapping without a fault of its own, and reads the sheet to a report."""

import csv
import io
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.connectors.mapping_file import parse_mapping
from adapters.connectors.suggestion import SuggestionError, suggest
from tests.unit.connectors.folder import make

NAMES = st.sampled_from(
    [
        "Číslo",
        "Klient",
        "Datum",
        "Komu",
        "Oblast",
        "Služba",
        "Hodin",
        "Souhlas",
        "Zrušeno",
        "Poznámka",
        "x: y",
        '"',
        "#1",
    ]
)
CELLS = st.text(max_size=8) | st.sampled_from(
    ["1. 2. 2026", "1,5", "bydlení", "- a", "{b}", "null", "NO", "a: b", "&x", "*x", "'"]
)
TABLES = st.tuples(
    st.lists(NAMES | st.text(max_size=6), min_size=1, max_size=8), st.lists(st.lists(CELLS, max_size=8), max_size=5)
)


@settings(deadline=None, max_examples=80)
@given(
    TABLES,
    st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=8),
)
def test_a_proposal_for_any_sheet_is_a_mapping_in_order(table: tuple[list[str], list[list[str]]], name: str) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=";").writerows([table[0], *table[1]])
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.csv"
        path.write_bytes(text.getvalue().encode(errors="replace"))
        try:
            proposed = suggest(path)
        except SuggestionError:
            return
        made = make(path, parse_mapping(proposed, "m.yaml"))
    assert all(one.reason for one in made.refusals)
