"""Whoever has no mouse or no JavaScript, or listens to the page, gets all of it: judged on the HTML of every page in every language."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from hub.words import LANGUAGES
from tests.simulation.programme import KAREL

if TYPE_CHECKING:
    import httpx

    from tests.integration.audit_page.page_rig import Page

pytestmark = pytest.mark.embedded
PATHS = (
    "/sign-in",
    "/search",
    f"/search?client={KAREL}",
    "/search?client=wrong&since=wrong",
    f"/clients/{KAREL}",
    f"/clients/{KAREL}?stop=7",
    f"/clients/{KAREL}?at=wrong",
    "/duties",
    "/alarms",
    "/proof-record",
    "/no-such-page",
)
_VOID = {"meta", "link", "input", "br"}


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    parents: tuple[str, ...]
    text: str = ""


@dataclass
class Reading(HTMLParser):
    """Every element, with its text and what it stands in. A tag that is not closed in its turn is a fault."""

    elements: list[Element] = field(default_factory=list)
    _open: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        one = Element(tag, {name: value or "" for name, value in attrs}, tuple(each.tag for each in self._open))
        self.elements.append(one)
        if tag not in _VOID:
            self._open.append(one)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        for one in self._open:
            one.text += data

    def all(self, *tags: str) -> list[Element]:
        return [one for one in self.elements if one.tag in tags]


def read(answer: httpx.Response) -> Reading:
    reading = Reading()
    reading.feed(answer.text)
    reading.close()
    assert not reading._open
    return reading


@pytest.fixture(scope="module")
def browser(page: Page) -> httpx.Client:
    return page.signed_in()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", PATHS)
def test_every_page_can_be_read_aloud_and_used_by_keyboard(browser: httpx.Client, path: str, language: str) -> None:
    page = read(browser.get(path, headers={"Accept-Language": language}))
    assert page.all("html")[0].attributes["lang"] == language
    assert len(page.all("h1")) == len(page.all("main")) == 1
    levels = [int(one.tag[1]) for one in page.all("h1", "h2", "h3")]
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert all(one.text.strip() for one in page.all("h1", "h2", "a", "button", "label", "caption", "title", "legend"))
    ids = [one.attributes["id"] for one in page.elements if "id" in one.attributes]
    assert len(set(ids)) == len(ids)
    first = page.all("a")[0]
    assert (first.attributes["href"], "main" in ids) == ("#main", True), "the first stop leads past the menu"
    named = {one.attributes["for"] for one in page.all("label")}
    for one in page.all("input", "select"):
        assert one.attributes.get("type") == "hidden" or one.attributes["id"] in named
    for one in page.elements:
        for name in ("aria-labelledby", "aria-describedby"):
            assert set(one.attributes.get(name, "").split()) <= set(ids)
        if one.attributes.get("href", "").startswith("#"):
            assert one.attributes["href"][1:] in ids
        assert not {name for name in one.attributes if name.startswith("on") or name == "style"}
        assert int(one.attributes.get("tabindex", "0")) <= 0
    assert len(page.all("caption")) == len(page.all("table"))
    assert all(one.attributes["scope"] in {"col", "row", "rowgroup"} for one in page.all("th"))
    assert all("table" not in one.parents or "div" in one.parents for one in page.all("tr"))
    assert all(one.text == "" for one in page.all("script", "style")), (
        "nothing is written into the page that a policy forbids"
    )


def test_what_is_wrong_is_said_first_and_leads_to_its_field(browser: httpx.Client) -> None:
    page = read(browser.get("/search?client=wrong&since=wrong"))
    (alert,) = [one for one in page.elements if one.attributes.get("role") == "alert"]
    assert "Please correct" in alert.text
    assert page.all("title")[0].text.startswith("Please correct")
    invalid = {one.attributes["id"] for one in page.all("input", "select") if one.attributes.get("aria-invalid")}
    assert invalid == {"client", "since"}


def test_without_scripts_links_lead_to_every_moment_that_the_slider_has(browser: httpx.Client) -> None:
    page = read(browser.get(f"/clients/{KAREL}?stop=7"))
    (slider,) = [one for one in page.all("input") if one.attributes.get("type") == "range"]
    (form,) = [one for one in page.all("form") if one.attributes.get("id") == "slider"]
    assert "hidden" in form.attributes, "a script shows it: without one it would do nothing"
    moments = {one.attributes["href"] for one in page.all("a") if one.attributes["href"].startswith("?stop=")}
    count = int(slider.attributes["max"]) + 1
    assert moments == {f"?stop={number}" for number in range(count)}
    relations = {one.attributes["rel"]: one.attributes["href"] for one in page.all("a") if "rel" in one.attributes}
    assert relations == {"prev": "?stop=6", "next": "?stop=8"}
    assert len(page.all("option")) == count
    assert slider.attributes["aria-valuetext"].startswith("2026-")
