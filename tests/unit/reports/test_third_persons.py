"""Nothing of a third person is left where a worker blacked it out, whatever the texts are."""

from __future__ import annotations

from importlib.resources import files

import pytest
from fontTools.ttLib import TTFont
from hypothesis import given
from hypothesis import strategies as st

from adapters.reports.third_persons import NothingFoundError, blacked, digest_of, find, texts
from adapters.words import LANGUAGES, Language
from adapters.words import texts as words
from contracts.code_lists.lists import list_names, load
from contracts.personal_report import BLACKED

NAMES = st.sampled_from(["Jana", "Šárka", "an", "Jan", "Łucja", "a b"])
TEXTS = st.lists(st.one_of(NAMES, st.text(alphabet="abJnš ł.", max_size=6)), max_size=8).map("".join)


@given(st.lists(TEXTS, max_size=4), st.lists(NAMES, min_size=1, max_size=3))
def test_no_blacked_out_word_is_left_anywhere(written: list[str], black: list[str]) -> None:
    content = {"notes": "".join(written), "deep": {"list": written}, "count": 3}
    try:
        spans = find(content, black)
    except NothingFoundError:
        return
    left = blacked(content, spans)
    for word in black:
        assert not [text for _, text in texts(left) if word.casefold() in text.replace(BLACKED, "\x00").casefold()]
    assert left["count"] == 3


def test_a_word_is_found_in_any_case_and_touching_ones_go_as_one() -> None:
    content = {"notes": "JANA jana; Janaš"}
    left = blacked(content, find(content, ["jana", "jana "]))
    assert left == {"notes": f"{BLACKED}; {BLACKED}š"}


@pytest.mark.parametrize("nothing", ["", "  "])
def test_nothing_is_no_word_to_black_out(nothing: str) -> None:
    with pytest.raises(NothingFoundError):
        find({"notes": "a  b"}, [nothing])


def test_a_decision_is_bound_to_facts_and_texts() -> None:
    one = digest_of({"level": "high"}, {"notes": "a"})
    assert one != digest_of({"level": "low"}, {"notes": "a"})
    assert one != digest_of({"level": "high"}, {"notes": "b"})
    assert one == digest_of({"level": "high"}, {"notes": "a"})


def letters(language: Language) -> set[str]:
    labels = (one.labels[language] for name in list_names() for one in load(name).concepts)
    return set("".join((*words(language).values(), *labels))) - {"\n"}


@pytest.mark.parametrize("style", ["Regular", "Bold"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_font_that_comes_along_has_every_letter_of_the_words_and_labels(language: Language, style: str) -> None:
    font = files("adapters.reports") / "fonts" / f"Roboto-{style}.ttf"
    with font.open("rb") as stream:
        drawable = TTFont(stream).getBestCmap()
    assert not {one for one in letters(language) if ord(one) not in drawable}
    assert {ord(one) for one in "ěščřžýáíéúůďťňóĚŠČŘŽŇŤĎŮąćęłńóśźżĄĆĘŁŃÓŚŹŻĄїєі"} <= drawable.keys()


def test_the_licence_of_the_font_lies_beside_it() -> None:
    assert "Apache License" in (files("adapters.reports") / "fonts" / "LICENSE").read_text(encoding="utf-8")
