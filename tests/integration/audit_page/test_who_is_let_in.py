"""Nobody sees anything of the auditor's page but who holds a token: judged on every route there is, from the router itself."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from fastapi.routing import APIRoute

from hub.audit.page.app import create_app
from hub.audit.page.door import HEADERS
from tests.simulation.programme import KAREL

if TYPE_CHECKING:
    import httpx

    from tests.integration.audit_page.page_rig import Page

pytestmark = pytest.mark.embedded
OPEN = {"/sign-in", "/page.css", "/replay.js"}
"""The form, and what it is drawn with: nothing else may answer to whoever has not signed in."""


def routes(page: Page) -> list[tuple[str, str]]:
    """Every method and address."""
    app = create_app(page.house, page.evidence, None, page.tokens)  # type: ignore[arg-type] # only asked for its routes
    found = [one for one in app.routes if isinstance(one, APIRoute)]
    assert len(found) == len(app.routes)
    return [(method, one.path.format(client=KAREL)) for one in found for method in one.methods or ()]


def denied(answer: httpx.Response) -> bool:
    """Nothing but the form to sign in."""
    return answer.status_code == 401 and 'action="/sign-in"' in answer.text and "<table" not in answer.text


def test_without_a_session_no_route_answers_but_the_form_and_what_it_is_drawn_with(page: Page) -> None:
    tried = routes(page)
    assert {"/search", f"/clients/{KAREL}", "/duties", "/alarms", "/proof-record", "/sign-out", "/"} <= {
        path for _, path in tried
    }
    for cookie in ("", "x", "spojka-audit=", f"spojka-audit={'A' * 43}"):
        browser = page.browser(**({"Cookie": cookie} if cookie else {}))
        for method, path in tried:
            answer = browser.request(method, path)
            if path in OPEN:
                assert answer.status_code in {200, 422, 429}
                assert KAREL not in answer.text
            else:
                assert denied(answer), (method, path)


def test_every_answer_forbids_what_is_not_the_pages_own(page: Page) -> None:
    for browser in (page.browser(), page.signed_in()):
        for method, path in [*routes(page), ("GET", "/no-such-page"), ("PUT", "/search")]:
            headers = browser.request(method, path).headers
            assert {name: headers.get(name) for name in HEADERS} == HEADERS
            assert "server" not in headers


def test_a_token_that_was_ended_or_has_run_out_signs_out_who_used_it(page: Page) -> None:
    ended, short = page.tokens.issue("dpo-2"), page.tokens.issue("dpo-3", valid=timedelta(hours=1))
    browsers = [page.signed_in(ended), page.signed_in(short)]
    assert [one.get("/search").status_code for one in browsers] == [200, 200]
    page.tokens.end(ended.kept.token_id)
    before = page.hub.clock.read_text()
    page.hub.clock.write_text((page.house.clock.now() + timedelta(hours=1)).isoformat())
    try:
        assert all(denied(one.get("/search")) for one in browsers)
        for issued in (ended, short):
            page.clock.now += 120
            sent = {"token": issued.text, "purpose": "complaint"}
            assert page.browser().post("/sign-in", data=sent).status_code == 422
    finally:
        page.hub.clock.write_text(before)


def test_a_session_ends_when_it_was_not_used_for_half_an_hour_and_when_it_is_signed_out(page: Page) -> None:
    browser = page.signed_in()
    page.clock.now += 29 * 60
    assert browser.get("/search").status_code == 200
    page.clock.now += 31 * 60
    assert denied(browser.get("/search"))
    browser = page.signed_in()
    held = browser.cookies["spojka-audit"]
    form = browser.get("/search").text.split('name="form" value="')[1].split('"')[0]
    assert browser.post("/sign-out", data={"form": form}).headers["location"] == "/sign-in"
    assert denied(page.browser(Cookie=f"spojka-audit={held}").get("/search"))


def test_what_the_browser_holds_is_for_no_script_and_no_other_site(page: Page) -> None:
    issued = page.tokens.issue("dpo-1")
    page.clock.now += 120
    answer = page.browser().post("/sign-in", data={"token": issued.text, "purpose": "routine"})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert issued.text not in answer.text + str(answer.headers)


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://elsewhere.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}],
    ids=str,
)
def test_no_other_site_can_sign_anybody_in_or_out(page: Page, headers: dict[str, str]) -> None:
    page.clock.now += 120
    issued = page.tokens.issue("dpo-1")
    sent = {"token": issued.text, "purpose": "complaint"}
    assert page.browser().post("/sign-in", data=sent, headers=headers).status_code == 403
    browser = page.signed_in()
    assert browser.post("/sign-out", data={"form": "guessed"}).status_code == 403
    assert browser.post("/sign-out", headers=headers).status_code == 403
    assert browser.get("/search").status_code == 200


def test_after_signing_in_one_is_where_one_wanted_to_go_and_on_no_other_site(page: Page) -> None:
    asked = page.browser().get(f"/clients/{KAREL}?stop=3")
    assert f'name="next" value="/clients/{KAREL}?stop=3"' in asked.text
    issued = page.tokens.issue("dpo-1")
    for wanted in (
        "https://elsewhere.example/",
        "//elsewhere.example",
        "/\\elsewhere.example",
        "/x\r\nSet-Cookie: a=b",
    ):
        page.clock.now += 120
        sent = {"token": issued.text, "purpose": "complaint", "next": wanted}
        assert page.browser().post("/sign-in", data=sent).headers["location"] == "/search"


def test_whoever_tries_tokens_is_slowed_down_and_told_the_same_whatever_was_wrong(page: Page) -> None:
    page.clock.now += 3600
    good = page.tokens.issue("dpo-1").text
    head, _, secret = good.rpartition(".")
    wrong = ("", "x", head, f"{head}.{secret[:-1]}", f"{head}.{'A' * 43}")
    answers = [page.browser().post("/sign-in", data={"token": one, "purpose": "complaint"}) for one in wrong]
    assert {one.status_code for one in answers} == {422}
    assert len({one.text for one in answers}) == 1
    slowed = page.browser().post("/sign-in", data={"token": good, "purpose": "complaint"})
    assert (slowed.status_code, slowed.headers["retry-after"]) == (429, "60")
    page.clock.now += 60
    assert page.browser().post("/sign-in", data={"token": good, "purpose": "complaint"}).status_code == 303


def test_nobody_is_let_in_without_saying_what_for(page: Page) -> None:
    token = page.tokens.issue("dpo-1").text
    for purpose in ("", "curiosity"):
        page.clock.now += 120
        answer = page.browser().post("/sign-in", data={"token": token, "purpose": purpose})
        assert answer.status_code == 422
        assert 'href="#purpose"' in answer.text


def test_a_body_that_is_no_form_lets_nobody_in_and_breaks_nothing(page: Page) -> None:
    for body in (b"\xff\xfe", b"token=" + b"A" * 10_000, b"&" * 500, b"token=%zz&purpose=%00"):
        page.clock.now += 120
        assert page.browser().post("/sign-in", content=body).status_code == 422
