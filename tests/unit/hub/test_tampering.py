"""Whatever is done to a log is found by somebody, and the page for auditors says by whom and how."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.tampering.deeds import DEEDS, HOLDS, Deed, Found, honest
from tests.tampering.page import PAGE, answers, page


@pytest.fixture(scope="module")
def answered() -> Sequence[tuple[Deed, Sequence[Found]]]:
    return [(deed, answers(deed)) for deed in DEEDS]


def test_where_nothing_was_done_no_command_finds_anything(tmp_path: Path) -> None:
    assert {one.codes for one in honest(tmp_path)} == {(HOLDS,)}


def test_every_deed_is_found_by_whoever_the_page_names(answered: Sequence[tuple[Deed, Sequence[Found]]]) -> None:
    for deed, found in answered:
        alone = [one for one in found if one.command == "verify"]
        with_others = [one for one in found if one.command != "verify"]
        finders = alone if "alone" in deed.found_by else with_others
        assert finders, deed.what
        assert all(one.codes != (HOLDS,) for one in finders), deed.what


def test_the_page_for_auditors_says_what_the_commands_answer(answered: Sequence[tuple[Deed, Sequence[Found]]]) -> None:
    assert PAGE.read_text(encoding="utf-8") == page(answered), "run python -m tests.tampering.page"
