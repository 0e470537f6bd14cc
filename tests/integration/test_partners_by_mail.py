"""A partner without any adapter: asked by e-mail without a word about the person, answers once on a page; the answer is the source's, as reported."""

from __future__ import annotations

import asyncio
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from aiosmtpd.controller import Controller

from adapters import keyring
from adapters.drafts import ClientKey, Draft
from adapters.partners import mail as mail_room
from adapters.partners.asking import Partner, ask, send_again
from adapters.partners.links import links_of
from adapters.partners.mails_at_work import MailsAtWork
from adapters.partners.server import AnswerServer
from adapters.process.unit_house import KEYS, UnitHouse
from adapters.settings import SettingsError, load_settings, unit_folder
from adapters.storage.partner_mails import MailState, PartnerMail
from adapters.words import LANGUAGES, Language, Words
from contracts.categories import Category
from contracts.envelope import parse
from contracts.messages.referral import ReferralAccepted, ReferralDeclined, ReferralWithdrawn
from contracts.names import UnitId
from contracts.referral_table import ReferralState
from deploy.servers.ports import free_port
from projections.worklist import outgoing
from tests.simulated_hub import NOON, PROGRAMME, SimulatedHub

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from adapters.desk.actions.referrals import ReferralRecorded
    from projections.referral_fold import Referral

OP = UnitId("op")
CLIENT = ClientKey("Novák-1979-7103192745")
"""A case number as bad as they come: nothing of it may leave."""
LINK = re.compile(r"https://answers\.example\.org/a/([A-Za-z0-9_-]+)")


@dataclass
class PostOffice:
    """A mail server that takes, refuses or is out of order, as a test says."""

    answers: list[str] = field(default_factory=list)
    taken: list[bytes] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802, ANN401 - aiosmtpd's own name
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer.startswith("250"):
            self.taken.append(envelope.content)
        return answer

    def text(self, number: int = -1) -> str:
        message = message_from_bytes(self.taken[number], policy=policy.default)
        return str(message.get_body().get_content())  # type: ignore[union-attr] # a plain message has one


@dataclass
class Office:
    """A unit, its mail server, and its page."""

    home: Path
    house: UnitHouse
    post: PostOffice
    browser: httpx.Client

    def ask(self, category: Category = Category.HOUSING, language: Language = "cs") -> ReferralRecorded:
        partner = Partner("help@foodbank.example", "Potravinová banka", language)
        return ask(self.house, CLIENT, category, partner, answer_due=NOON + timedelta(days=7))

    def at(self, later: timedelta) -> None:
        (self.home / "story").write_text((NOON + later).isoformat())

    def send(self) -> int:
        return MailsAtWork(self.house).send_due()

    def link(self) -> str:
        self.send()
        found = LINK.search(self.post.text())
        assert found is not None
        return f"/a/{found[1]}"

    def mails(self) -> Sequence[PartnerMail]:
        with self.house.store.read() as tx:
            return tx.partner_mails.all()

    def referral(self) -> Referral:
        overviews = self.house.overviews()
        with overviews.look() as connection:
            (found,) = outgoing(connection, OP)
        overviews.close()
        return found


@pytest.fixture
def post() -> Iterator[tuple[PostOffice, int]]:
    office = PostOffice()
    controller = Controller(office, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield office, controller.port
    controller.stop()


@pytest.fixture
def office(tmp_path: Path, post: tuple[PostOffice, int]) -> Iterator[Office]:
    keys = {OP: keyring.create(unit_folder(tmp_path, OP) / KEYS, OP)}
    (tmp_path / "trust-list-1.dsse.json").write_bytes(SimulatedHub(unit_keys=keys).envelopes[0])
    (tmp_path / "story").write_text(NOON.isoformat())
    (tmp_path / "adapter.toml").write_text(
        f'programme = "{PROGRAMME}"\nbootstrap = "localhost:1"\nclock = "file:story"\nmail_host = "127.0.0.1"\n'
        f'mail_port = {post[1]}\nmail_from = "op@example.org"\nanswer_url = "https://answers.example.org/"\nanswer_port = 0\n'
    )
    house = UnitHouse.open(load_settings(tmp_path), OP)
    with served(house) as address, httpx.Client(base_url=address) as browser:
        yield Office(tmp_path, house, post[0], browser)
    house.close()


@contextmanager
def served(house: UnitHouse) -> Iterator[str]:
    """The page, as its command serves it."""
    server = AnswerServer(house.settings, [house])
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=[server.run(stop)])
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    loop.call_soon_threadsafe(stop.set)
    thread.join()
    loop.close()


def test_the_mail_says_what_is_asked_and_nothing_about_the_person(office: Office) -> None:
    sent = office.ask()
    assert sent.recorded.message_id is not None
    office.send()
    raw, text = office.post.taken[0].decode(), office.post.text()
    for secret in (
        CLIENT,
        "7103192745",
        "Nov",
        sent.referral_id,
        office.mails()[0].subject,
        office.mails()[0].mail_id[:6],
    ):
        assert secret not in text
    assert office.mails()[0].subject not in raw
    assert Words("cs").code("category", "housing") in text
    assert len(LINK.findall(text)) == 1
    assert [one.state for one in office.mails()] == [MailState.SENT]


@pytest.mark.parametrize("category", [Category.HEALTH, Category.CRIMINAL])
def test_a_special_category_is_not_named_to_anybody_outside(office: Office, category: Category) -> None:
    office.ask(category)
    page = office.browser.get(office.link()).text
    label = Words("cs").code("category", category.value)
    assert label not in office.post.text()
    assert label not in page


def test_an_acceptance_becomes_the_sources_record_as_reported(office: Office) -> None:
    office.ask()
    link = office.link()
    done = office.browser.post(link, data={"choice": "accept", "meeting": NOON.date().isoformat()})
    assert done.status_code == 200
    referral = office.referral()
    assert (referral.state, referral.as_reported) == (ReferralState.ACCEPTED, 1)
    assert referral.first_meeting is not None
    assert [one.answer for one in office.mails()] == ["accept"]


def test_a_refusal_carries_its_code_and_a_waiting_list_its_day(office: Office) -> None:
    office.ask()
    office.browser.post(office.link(), data={"choice": "decline", "reason": "no-capacity"})
    assert office.referral().state is ReferralState.DECLINED


def test_a_waiting_list_keeps_the_expected_day(office: Office) -> None:
    office.ask()
    day = (NOON + timedelta(days=30)).date()
    office.browser.post(office.link(), data={"choice": "wait", "expected": day.isoformat()})
    referral = office.referral()
    assert referral.state is ReferralState.WAITLISTED
    assert referral.expected is not None
    assert (referral.expected - timedelta(seconds=1)).astimezone(office.house.directory.zone).date() == day


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({}, "accept"),
        ({"choice": "maybe"}, "accept"),
        ({"choice": "wait"}, "expected"),
        ({"choice": "wait", "expected": "2020-01-01"}, "expected"),
        ({"choice": "accept", "meeting": "31. 2."}, "meeting"),
        ({"choice": "decline"}, "reason"),
        ({"choice": "decline", "reason": "<b>"}, "reason"),
    ],
)
def test_an_answer_that_lacks_something_says_what_and_can_be_given_again(
    office: Office, form: dict[str, str], field: str
) -> None:
    office.ask()
    link = office.link()
    said = office.browser.post(link, data=form)
    assert said.status_code == 422
    assert 'role="alert"' in said.text
    assert f'href="#{field}"' in said.text
    assert f'id="{field}"' in said.text
    assert "<b>" not in said.text
    assert office.referral().state is ReferralState.SENT
    assert office.browser.post(link, data={"choice": "accept"}).status_code == 200


def test_a_link_that_is_used_ended_unknown_or_broken_gets_the_same_answer(office: Office) -> None:
    office.ask()
    link = office.link()
    unknown = office.browser.get("/a/" + "A" * 59)
    office.browser.post(link, data={"choice": "accept"})
    again = office.browser.post(link, data={"choice": "decline", "reason": "no-capacity"})
    assert office.referral().state is ReferralState.ACCEPTED, "a link answers once"
    office.ask(language="pl")
    other = office.link()
    assert office.browser.get(other).status_code == 200
    office.at(timedelta(days=8))
    ended = office.browser.get(other)
    turned = office.browser.get(other[:-5] + ("AAAA" if other[-5:-1] != "AAAA" else "BBBB") + other[-1])
    answers = [
        unknown,
        again,
        ended,
        turned,
        office.browser.get("/"),
        office.browser.get("/a/x/y"),
        office.browser.put(link),
    ]
    assert {one.status_code for one in answers} == {404}
    assert len({one.content for one in answers}) == 1
    assert len({str(sorted((n, v) for n, v in one.headers.items() if n != "date")) for one in answers}) == 1
    assert all(f'lang="{one}"' in unknown.text for one in LANGUAGES)


def test_of_two_answers_at_the_same_moment_one_counts(office: Office) -> None:
    office.ask()
    link, ready = office.link(), threading.Barrier(6)
    given = [{"choice": "accept"}, {"choice": "decline", "reason": "no-capacity"}] * 3

    def post(answer: dict[str, str]) -> int:
        ready.wait()
        return office.browser.post(link, data=answer).status_code

    with ThreadPoolExecutor(len(given)) as pool:
        told = list(pool.map(post, given))
    assert sorted(told) == [200] + [404] * 5
    with office.house.store.read() as tx:
        moves = [parse(one.payload or b"").facts for one in tx.journal.since(0, limit=100)]
        assert not tx.quarantine.open_items()
    counted = [type(one) for one in moves if isinstance(one, ReferralAccepted | ReferralDeclined)]
    assert counted == [ReferralAccepted if told.index(200) % 2 == 0 else ReferralDeclined]


def test_the_mark_of_an_answer_is_set_once(office: Office) -> None:
    office.ask()
    (mail,) = office.mails()
    with office.house.store.write() as tx:
        marks = [tx.partner_mails.answered(mail.mail_id, choice, at=NOON) for choice in ("accept", "decline")]
    (kept,) = office.mails()
    assert (marks, kept.answer) == ([True, False], "accept")


def test_a_mail_scanner_that_opens_every_link_answers_nothing(office: Office) -> None:
    office.ask()
    link = office.link()
    for _ in range(3):
        assert office.browser.get(link).status_code == 200
        assert office.browser.head(link).status_code == 200
    assert office.referral().state is ReferralState.SENT
    assert office.browser.post(link, data={"choice": "accept"}).status_code == 200


def test_a_referral_taken_back_meanwhile_asks_no_longer(office: Office) -> None:
    sent = office.ask()
    link = office.link()
    facts = ReferralWithdrawn(referral_id=sent.referral_id, reason="need-met")
    office.house.desk.record(Draft(CLIENT, facts, NOON, category=Category.HOUSING))
    assert office.browser.get(link).status_code == 404
    assert office.browser.post(link, data={"choice": "accept"}).status_code == 404


def test_another_units_key_opens_nothing(office: Office, tmp_path: Path) -> None:
    office.ask()
    link = office.link().removeprefix("/a/")
    assert links_of(office.house.folder, OP).open(link) == office.mails()[0].mail_id
    assert links_of(office.house.folder, UnitId("up")).open(link) is None
    (tmp_path / "other").mkdir()
    assert links_of(tmp_path / "other", OP).open(link) is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_speaks_the_partners_language_and_is_read_by_a_screen_reader(
    office: Office, language: Language
) -> None:
    office.ask(language=language)
    page = office.browser.get(office.link())
    words = Words(language)
    assert f'<html lang="{language}">' in page.text
    assert words["partner.page.accept"] in page.text
    assert words.code("decline-reason", "no-capacity") in page.text
    inputs = set(re.findall(r'<(?:input|select)[^>]* id="([a-z]+)"', page.text))
    assert inputs == {"accept", "meeting", "wait", "expected", "decline", "reason"}
    assert inputs <= set(re.findall(r'<label for="([a-z]+)"', page.text)), "every field has its label"
    assert page.text.count("<h1>") == page.text.count("<main>") == page.text.count("<fieldset>") == 1
    assert "<legend>" in page.text


def test_the_page_loads_nothing_runs_nothing_and_is_kept_nowhere(office: Office) -> None:
    office.ask()
    page = office.browser.get(office.link())
    assert not re.search(r"<script|<img|<link|src=|https?://|javascript:|\son[a-z]+=", page.text)
    policy_told = page.headers["content-security-policy"]
    assert policy_told.startswith("default-src 'none'; style-src 'sha256-")
    assert "frame-ancestors 'none'" in policy_told
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "set-cookie" not in page.headers


def test_somebody_who_tries_links_is_slowed_down(office: Office) -> None:
    answers = [office.browser.get(f"/a/{number:059}") for number in range(40)]
    assert answers[-1].status_code == 429
    assert answers[-1].headers["retry-after"] == "60"
    assert {one.status_code for one in answers} == {404, 429}


def test_a_body_of_any_size_and_kind_is_no_answer(office: Office) -> None:
    office.ask()
    link = office.link()
    assert office.browser.post(link, content=b"choice=accept&x=" + b"y" * 5000).status_code == 404
    assert office.browser.post(link, content=b"\xff\xfe&&&==").status_code == 422
    assert office.referral().state is ReferralState.SENT


def test_a_mail_server_out_of_order_is_tried_again_later_and_nothing_is_lost_by_a_restart(office: Office) -> None:
    office.post.answers = ["451 later", "451 later"]
    office.ask()
    assert office.send() == 1
    assert [(one.state, one.attempts) for one in office.mails()] == [(MailState.WAITING, 1)]
    assert office.send() == 0, "not before its time"
    office.at(timedelta(minutes=1))
    office.send()
    office.at(timedelta(minutes=3))
    reopened = UnitHouse.open(office.house.settings, OP)
    MailsAtWork(reopened).send_due()
    reopened.close()
    assert [(one.state, one.attempts) for one in office.mails()] == [(MailState.SENT, 3)]
    assert len(office.post.taken) == 1


def test_an_address_that_does_not_exist_is_shown_as_dead_and_can_be_tried_again(office: Office) -> None:
    office.post.answers = ["550 no such user"]
    office.ask()
    office.send()
    (dead,) = office.mails()
    assert dead.state is MailState.DEAD
    assert "550" in (dead.problem or "")
    assert not send_again(office.house, "x")
    assert send_again(office.house, dead.mail_id[:8])
    office.send()
    assert [one.state for one in office.mails()] == [MailState.SENT]


def test_a_mail_that_nobody_takes_until_its_day_is_over_is_dead(office: Office) -> None:
    office.post.answers = ["451 later"] * 50
    office.ask()
    office.send()
    office.at(timedelta(days=8))
    office.send()
    assert [one.state for one in office.mails()] == [MailState.DEAD]


def test_nothing_goes_in_clear_to_a_mail_server_elsewhere(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_room, "is_loopback", lambda _host: False)
    office.ask()
    office.send()
    assert office.post.taken == []
    assert [(one.state, "STARTTLS" in (one.problem or "")) for one in office.mails()] == [(MailState.WAITING, True)]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('answer_host = "0.0.0.0"', "answer_certificate"),
        ('answer_url = "http://answers.example.org"', "https"),
        ('answer_certificate = "x.pem"', "answer_key"),
        ('mail_from = ""', "mail_from"),
    ],
)
def test_settings_that_would_show_links_to_others_are_refused(office: Office, line: str, told: str) -> None:
    name = line.split(" ", maxsplit=1)[0]
    toml = office.home / "adapter.toml"
    kept = [one for one in toml.read_text().splitlines() if not one.startswith(f"{name} ")]
    toml.write_text("\n".join([*kept, line]))
    with pytest.raises(SettingsError, match=told):
        load_settings(office.home)
