"""The slip that a person carries: readable in three languages, by a scanner too, and telling nothing about the person."""

import re

import pytest

from adapters.people.slip import Slip, page, qr
from adapters.words import LANGUAGES, Language, Words
from contracts.pairing import new_code, written

CODE = written(new_code(bytes(range(12))))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_slip_says_in_the_persons_language_what_it_is_for_how_long_and_from_whom(language: Language) -> None:
    shown = page(Slip(CODE, "2026-03-11", "Poradna <Děčín>"), Words(language))
    assert f'<html lang="{language}">' in shown
    assert CODE in shown
    assert "2026-03-11" in shown
    assert "Poradna &lt;Děčín&gt;" in shown
    assert Words(language)["slip.title"] in shown
    assert "{" not in re.sub(r"<style>.*?</style>", "", shown, flags=re.DOTALL)


def test_a_slip_prints_without_a_network_and_runs_nothing() -> None:
    shown = page(Slip(CODE, "2026-03-11", "OP"), Words("en"))
    assert not re.search(r"""(src|href)=|<script|url\(|@import""", shown)


def test_the_drawing_holds_the_code_as_it_is_typed() -> None:
    assert qr(CODE).startswith("<svg")
    assert qr(CODE) == qr(CODE)
    assert qr(CODE) != qr(written(new_code(bytes(12))))
