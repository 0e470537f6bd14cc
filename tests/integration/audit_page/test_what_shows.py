"""What an auditor sees: the same as `spojka-audit replay` at every moment, only after it is on record who looks, and never what an entry says."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from contracts.ledger import signed_note
from contracts.ledger.announcement import Sighting
from contracts.ledger.checkpoint import Checkpoint
from contracts.ledger.listed_keys import witness_name
from contracts.ledger.signed_note import NoteSigner, SignatureType
from contracts.names import UnitId
from hub.application.announcing import WITNESSED
from hub.application.ports import HubError
from hub.audit.page import asked
from hub.audit.replay import replay
from hub.entrypoints.commands import app
from hub.entrypoints.ledger_files import files_of
from hub.infrastructure.ledger_alarms import LedgerAlarms
from hub.words import LANGUAGES
from projections.access_search import Question
from tests.integration.audit_page.page_rig import HALINA, NOBODY, PLANTED, WORKER, Page, vouch
from tests.simulation.exported import exported
from tests.simulation.programme import KAREL

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

pytestmark = pytest.mark.embedded
PRAGUE = ZoneInfo("Europe/Prague")
PAGES = ("/search", f"/search?client={KAREL}", f"/clients/{KAREL}", "/duties", "/alarms", "/proof-record")


@pytest.fixture(scope="module")
def browser(page: Page) -> httpx.Client:
    return page.signed_in()


def shown(answer: httpx.Response) -> str:
    """The text of a page, one blank between words."""
    assert answer.status_code == 200, answer.text
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def test_at_every_moment_the_page_says_what_the_audit_of_an_export_says(page: Page, tmp_path: Path) -> None:
    simulation = page.hub.simulation
    bundle = exported(simulation, tmp_path / "export")
    last = simulation.clock.at
    stops = [one for one in page.evidence.stops(KAREL) if one.at < last]
    assert len(stops) > 30
    moments = [one.at for one in stops] + [one.at + timedelta(hours=5) for one in stops[::5]]
    different = [at for at in moments if at < last and page.evidence.replayed(KAREL, at) != replay(bundle, KAREL, at)]
    assert different == []


def test_the_day_after_the_client_took_a_consent_back_shows_who_must_erase_what(browser: httpx.Client) -> None:
    before, after = (shown(browser.get(f"/clients/{KAREL}?at=2026-06-0{day}")) for day in (2, 4))
    assert "Nothing had to be erased" in before
    assert "md By" not in before
    assert "Units that had not answered yet" in after
    assert "consent yes" not in after[after.index("ended 2026-06-03") - 120 : after.index("ended 2026-06-03")]
    assert "no longer permitted" in after


def test_nothing_shows_before_it_is_on_record_who_looks_and_what_for(page: Page) -> None:
    browser = page.signed_in(purpose="client-request")
    known = page.looks()
    browser.get(f"/clients/{KAREL}")
    (look,) = [one for one in page.looks() if one not in known]
    assert (look.reader, look.purpose_of_audit, look.shown, look.since) == (
        "auditor/dpo-1",
        "client-request",
        "path",
        None,
    )
    said = page.looks()
    for stop in range(5):
        assert browser.get(f"/clients/{KAREL}?stop={stop}").status_code == 200
    assert page.looks() == said, "what was on record as shown whole was said again at each move"
    page.clock.now += 15 * 60
    browser.get(f"/clients/{KAREL}")
    assert len(page.looks()) >= len(said)


def test_a_list_is_a_look_at_everybody_on_it_over_the_period_that_was_asked_for(page: Page) -> None:
    browser = page.signed_in()
    known = {one: page.looks(one) for one in (KAREL, HALINA)}
    found = shown(browser.get("/search?kind=read&since=2026-11-01&until=2026-11-30"))
    assert KAREL in found
    assert HALINA in found
    for subject, before in known.items():
        (look,) = [one for one in page.looks(subject) if one not in before]
        assert (look.shown, look.since, look.until) == (
            "accesses",
            datetime(2026, 11, 1, tzinfo=PRAGUE),
            datetime(2026, 12, 1, tzinfo=PRAGUE),
        )
    assert len(page.looks(HALINA)) == 1


def test_a_list_of_duties_is_a_look_too(page: Page) -> None:
    browser = page.signed_in()
    known = page.looks()
    listed = shown(browser.get("/duties"))
    assert KAREL in listed
    assert "consent withdrawn" in listed
    assert [one.shown for one in page.looks() if one not in known] == ["duties"]


def test_the_client_finds_the_auditor_among_those_who_looked(page: Page, browser: httpx.Client) -> None:
    browser.get(f"/clients/{KAREL}")
    page.catch_up()
    found = page.evidence.search(Question(subject=KAREL, units=frozenset({UnitId("hub")})), limit=100)
    assert ("auditor/dpo-1", "read") in {(one.record.reader, one.record.outcome) for one in found}
    assert {(one.record.reader or "").partition("/")[0] for one in found} <= {"auditor", "operator"}
    told = shown(browser.get("/search?worker=dpo-1"))
    assert "audit: complaint" in told
    assert "auditor/dpo-1" in shown(browser.get(f"/clients/{KAREL}"))


def test_while_looks_cannot_be_put_on_record_no_client_shows(page: Page) -> None:
    browser = page.signed_in()
    page.hub.pause("intake")
    patience, page.server._looks._patience = page.server._looks._patience, 0.5
    try:
        for path in (f"/clients/{KAREL}", "/search?kind=read", "/duties"):
            answer = browser.get(path)
            assert answer.status_code == 503, path
            assert "could not be put on record" in answer.text
            assert KAREL not in answer.text.split("<main")[1]
            assert WORKER not in answer.text
        for path in ("/alarms", "/proof-record", "/search"):
            assert browser.get(path).status_code == 200
    finally:
        page.server._looks._patience = patience
        page.hub.resume("intake")
    assert browser.get(f"/clients/{KAREL}").status_code == 200


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_page_shows_what_an_entry_says(browser: httpx.Client, path: str, language: str) -> None:
    answer = browser.get(path, headers={"Accept-Language": language})
    assert answer.status_code == 200
    assert [one for one in PLANTED if one in answer.text] == []


def test_searches_find_by_unit_institution_worker_kind_and_period(browser: httpx.Client) -> None:
    def lines(query: str) -> list[str]:
        answer = browser.get(f"/search?{query}")
        assert answer.status_code == 200
        rows = re.findall(r"<tr>\n<th scope=\"row\">.*?</tr>", answer.text, re.DOTALL)
        return [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in rows]

    everything = lines(f"client={KAREL}")
    assert len(everything) == asked.ROWS
    (refused,) = lines("kind=refused")
    assert "clerk/claims-3" in refused
    assert "md-claims" in refused
    assert lines("receiver=unit:md-claims") == [refused]
    assert len(lines(f"worker={WORKER}")) == len(lines("worker=w7")) == 3
    assert lines("worker=7") == lines("worker=social-worker") == []
    school = lines("receiver=unit:vz")
    assert school
    assert all("vz" in row for row in school)
    assert [row[:10] for row in lines("kind=read&receiver=unit:md&until=2026-11-05")] == ["2026-11-05"]
    assert [row[:10] for row in lines("receiver=institution:mesto&since=2026-11-06&kind=read")] == ["2026-11-06"] * 2
    assert lines("receiver=institution:mesto")
    assert lines("since=2027-01-01") == []


def test_a_long_list_goes_on_over_the_page_and_nothing_is_on_two(browser: httpx.Client) -> None:
    seen: list[str] = []
    path = f"/search?client={KAREL}&kind=given"
    while True:
        text = browser.get(path).text
        seen += re.findall(r"<tr>\n<th scope=\"row\">.*?</tr>", text, re.DOTALL)
        onward = re.search(r'<a href="([^"]+)" rel="next"', text)
        if onward is None:
            break
        path = onward[1].replace("&amp;", "&")
    assert len(seen) > asked.ROWS
    assert len(set(seen)) == len(seen)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("client=Karel", "client"),
        ("client=r1.short", "client"),
        ("receiver=unit:nobody", "receiver"),
        ("receiver=mesto", "receiver"),
        ("worker=%25", "worker"),
        ("worker=a%00b", "worker"),
        ("kind=everything", "kind"),
        ("since=3.6.2026", "since"),
        ("since=2026-02-30", "since"),
        ("since=0001-01-01", "since"),
        ("since=2026-06-03&until=2026-06-02", "until"),
    ],
)
def test_what_cannot_be_searched_for_is_said_at_its_field_and_nothing_is_searched(
    browser: httpx.Client, query: str, field: str
) -> None:
    answer = browser.get(f"/search?{query}")
    assert answer.status_code == 422
    assert f'<a href="#{field}">' in answer.text
    assert re.search(rf'id="{field}"[^>]*aria-invalid="true"', answer.text)
    assert "<table" not in answer.text


def test_a_client_of_whom_nothing_is_known_and_what_is_no_client_look_alike(browser: httpx.Client) -> None:
    answers = [browser.get(f"/clients/{one}") for one in ("r1." + "z" * 26, "Karel", "r1.", "%00", "..%2Fsearch")]
    assert {one.status_code for one in answers} == {404}


@settings(max_examples=40, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(
    path=st.sampled_from(["/search", f"/clients/{KAREL}", "/duties", "/sign-in"]),
    query=st.dictionaries(
        st.sampled_from([*asked.FIELDS, "page", "at", "stop", "state", "lang", "x"]),
        st.one_of(
            st.text(max_size=30),
            st.sampled_from(
                ["-1", "0", "1", "99999999999999999999", "٣", "2026-06-03", "9999-12-31", KAREL, "read", "cs"]
            ),
        ),
        max_size=5,
    ),
)
def test_whatever_stands_in_an_address_the_page_answers(
    browser: httpx.Client, path: str, query: dict[str, str]
) -> None:
    answer = browser.get(path, params=query)
    assert answer.status_code in {200, 303, 404, 422}, (path, query, answer.text)


def test_of_whom_nothing_but_a_refusal_is_known_the_moment_of_it_shows(browser: httpx.Client) -> None:
    told = shown(browser.get(f"/clients/{NOBODY}?stop=0"))
    assert "needs assessment, op (op) (refused)" in told
    assert "Nothing was recorded about this client by then" in told


def test_what_was_opened_in_an_emergency_shows_with_what_was_said_of_it_and_until_when_the_client_is_not_told(
    browser: httpx.Client,
) -> None:
    for path in ("/search?kind=emergency", f"/clients/{HALINA}"):
        told = shown(browser.get(path))
        assert "opened in an emergency" in told
        assert "found not justified" in told
        assert "The client is not told before the end of 2026-12-06" in told
    assert "1 times something was opened in an emergency" in shown(browser.get("/alarms"))


def test_before_anything_was_recorded_the_page_says_so(browser: httpx.Client) -> None:
    assert "Nothing was recorded about this client by then" in shown(browser.get(f"/clients/{KAREL}?at=2026-01-01"))


def test_the_language_is_the_browsers_until_one_is_chosen(page: Page, browser: httpx.Client) -> None:
    czech, polish = (page.browser(**{"Accept-Language": one}).get("/sign-in").text for one in ("cs-CZ,en;q=0.5", "pl"))
    assert '<html lang="cs">' in czech
    assert '<html lang="pl">' in polish
    chooser = page.browser()
    assert '<html lang="pl">' in chooser.get("/sign-in?lang=pl").text
    assert '<html lang="pl">' in chooser.get("/sign-in").text
    assert '<html lang="en">' in browser.get("/search", headers={"Accept-Language": "de"}).text


def test_the_page_cannot_change_the_database_even_if_it_wanted_to(page: Page) -> None:
    shard = page.evidence.shards[0]
    with pytest.raises((HubError, psycopg.Error), match="read-only"), shard.session.use() as connection:
        connection.execute("DELETE FROM dead_letter")
    with pytest.raises((HubError, psycopg.Error), match="read-only"):
        shard.models.ask(lambda opened: opened.exec_driver_sql("DELETE FROM access_read_1"))


def test_a_unit_that_signed_for_another_history_shows_until_the_operator_says_who_looked(
    page: Page, browser: httpx.Client
) -> None:
    home = page.house.settings.home
    seen = Checkpoint("spojka/decin/0", 7, b"\x07" * 32)
    LedgerAlarms(home, 0).ring(
        Sighting.about(seen, unit=UnitId("op"), cosignature="— signed"), at=page.house.clock.now()
    )
    said = "1 units signed for another history than this proof record"
    assert said in shown(browser.get("/alarms"))
    words = ["ledger", "acknowledge", "1", "--by", "Jana Nova", "--why", "a restore", "--home", str(home)]
    operator = CliRunner(env=page.hub.environment)
    done = operator.invoke(app, words)
    assert done.exit_code == 0, done.output
    assert said not in shown(browser.get("/alarms"))
    listed = json.loads(operator.invoke(app, ["ledger", "alarms", "--json", "--home", str(home)]).stdout)
    assert [(one["number"], one["acknowledged"]["by"]) for one in listed] == [(1, "Jana Nova")]


def test_the_proof_record_names_who_witnessed_it_and_how_far(page: Page, browser: httpx.Client) -> None:
    assert re.search(r"Witnessed by(<[^>]*>|\s)*nobody", shown(browser.get("/proof-record")))
    files = files_of(page.house)
    note = signed_note.parse((files.read("checkpoint") or b"").decode())
    witness = NoteSigner(witness_name(page.house.programme.directory.listed.programme, UnitId("md")), b"\x2a" * 32,
                         SignatureType.COSIGNATURE)  # fmt: skip
    files.write(WITNESSED, note.with_signatures([witness.sign(note.text, at=1)]).document.encode())
    try:
        text = shown(browser.get("/proof-record"))
    finally:
        (files.folder / WITNESSED).unlink()
    assert witness.name in text
    assert f"up to event {note.text.splitlines()[1]}" in text


def test_a_log_that_was_changed_behind_its_proof_record_is_an_alarm(page: Page, browser: httpx.Client) -> None:
    vouch(page.house)
    assert "fits its log" in shown(browser.get("/proof-record"))
    assert "does not fit" not in shown(browser.get("/alarms"))
    page.hub.log("UPDATE log SET state = state || '\\x20' WHERE position = (SELECT max(position) FROM log) RETURNING 1")
    try:
        assert "does not fit its log" in shown(browser.get("/proof-record"))
        assert "Serious: The proof record does not fit the log" in shown(browser.get("/alarms"))
    finally:
        page.hub.log(
            "UPDATE log SET state = substring(state FROM 1 FOR length(state) - 1)"
            " WHERE position = (SELECT max(position) FROM log) RETURNING 1"
        )
    assert "fits its log" in shown(browser.get("/proof-record"))


def test_refused_attempts_and_a_silent_dispatch_are_alarms_and_name_nobody(browser: httpx.Client) -> None:
    told = shown(browser.get("/alarms"))
    assert "1 refused attempts to look" in told
    assert "Nothing is being handed on" in told
    assert "claims" not in told
    assert KAREL not in told
