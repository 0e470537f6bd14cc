"""What a worker sees while the line is up, and what is left on the same screens when the unit has been out of touch for too long."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from adapters import keyring
from adapters.exchange.feed_chain import Recipient
from adapters.exchange.feed_intake import FeedIntake
from adapters.process.unit_house import KEYS
from adapters.settings import unit_folder
from contracts.categories import Category
from contracts.facts import Facts
from contracts.grants import Grant, to_unit
from contracts.messages.consent import ConsentGiven
from contracts.messages.hub import ConsentExpiryAnnounced
from contracts.messages.referral import ReferralAccepted, ReferralReceived, ReferralSent
from contracts.names import HUB, GroundId, ReferralId, SubjectId
from projections.kafka.positions import RawRecord
from tests.simulated_hub import NOON, PROGRAMME, SimulatedFeed, SimulatedHub, message_id
from tests.unit.adapters.test_commands import OP, UP, Office, consented

if TYPE_CHECKING:
    from pathlib import Path

LOOKS = ("--actor", "adviser/w1")
TILL = datetime(2027, 1, 31, 23, tzinfo=UTC)
"""The end of the civil day that `consented` names."""


class Line:
    """An office whose hub says what the test lets it say."""

    def __init__(self, home: Path) -> None:
        keys = {OP: keyring.create(unit_folder(home, OP) / KEYS, OP)}
        self.hub = SimulatedHub(unit_keys=keys)
        (home / "trust-list-1.dsse.json").write_bytes(self.hub.envelopes[0])
        (home / "adapter.toml").write_text(
            f'programme = "{PROGRAMME}"\nbootstrap = "localhost:1"\nclock = "file:story"\n'
        )
        self.office = Office(home)
        self.clock_to(NOON)
        self._feed = SimulatedFeed(self.hub, OP)
        self._numbers, self._offsets = count(1), count()

    def clock_to(self, at: datetime) -> None:
        (self.office.home / "story").write_text(at.isoformat())

    def hears(self, *said: tuple[str, SubjectId, Facts], at: datetime = NOON) -> None:
        """Messages come, and the head behind them."""
        values = []
        for unit, subject, facts in said:
            category = None if facts.__class__ in (ConsentExpiryAnnounced, ConsentGiven) else Category.HOUSING
            options: dict[str, Any] = {"facts": facts, "subject": subject, "category": category}
            values.append(self._feed.deliver(self.hub.message_of(OP.__class__(unit), next(self._numbers), **options)))
        values.append(self._feed.head(made_at=at))
        house = self.office.house()
        records = [RawRecord("feed.op", 0, next(self._offsets), "first", None, value, (), 0) for value in values]
        FeedIntake(store=house.store, recipient=Recipient(PROGRAMME, OP), book=house.book, clock=house.clock).take(
            records
        )
        house.close()

    def worklist(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.office.type("worklist", *LOOKS, "--json"))
        return found

    def ending(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.office.type("consent", "ending", *LOOKS, "--json"))
        return found

    def karel(self) -> SubjectId:
        house = self.office.house()
        with house.store.read() as tx:
            ((_, subject),) = tx.clients.all()
        house.close()
        return subject


@pytest.fixture
def line(tmp_path: Path) -> Line:
    return Line(tmp_path)


def referred(line: Line) -> ReferralId:
    sent = line.office.type("refer", "case-1", "--to", "up", "--category", "housing", "--answer-due", "2026-02-20")
    return ReferralId(sent.splitlines()[0])


def test_out_of_touch_the_worklist_shows_what_the_unit_did_itself_and_nothing_that_others_said(line: Line) -> None:
    consented(line.office)
    karel, own = line.karel(), referred(line)
    came = ReferralSent(
        referral_id=ReferralId(message_id(77)), kind="referral", target=OP, answer_due=NOON + timedelta(days=30)
    )
    line.hears(
        ("up", SubjectId("r1." + "b" * 26), came),
        ("up", karel, ReferralReceived(referral_id=own)),
        ("up", karel, ReferralAccepted(referral_id=own)),
    )
    assert [(one["source"], one["state"]) for one in line.worklist()] == [("up", "sent"), ("op", "accepted")]
    line.clock_to(NOON + timedelta(days=6, hours=23))
    assert len(line.worklist()) == 2
    line.clock_to(NOON + timedelta(days=14))
    assert [(one["source"], one["state"], one["overdue"]) for one in line.worklist()] == [("op", "sent", None)]
    shown = line.office.type("worklist", *LOOKS)
    assert "out of touch for too long" in shown
    assert "overdue" not in shown
    line.hears(at=NOON + timedelta(days=14))
    assert [one["state"] for one in line.worklist()] == ["sent", "accepted"]


@pytest.mark.parametrize(("lang", "words"), [("en", "end soon"), ("cs", "brzy skončí"), ("pl", "wkrótce wygasną")])
def test_a_worker_reads_which_consent_ends_soon_until_it_is_renewed(line: Line, lang: str, words: str) -> None:
    consent = GroundId(consented(line.office))
    assert words not in line.office.type("worklist", *LOOKS, "--lang", lang)
    line.clock_to(TILL - timedelta(days=30))
    notice = ConsentExpiryAnnounced(consent_id=consent, expiring=1, until=TILL)
    line.hears((HUB, line.karel(), notice), at=TILL - timedelta(days=30))
    shown = line.office.type("worklist", *LOOKS, "--lang", lang)
    assert words in shown
    assert "2027-02-01 00:00" in shown
    assert "case-1" in shown
    (found,) = line.ending()
    assert (found["consent"], found["client"], found["recipients"]) == (consent, "case-1", ["unit:up"])
    assert set(found["categories"]) == {"identity", "housing"}
    line.clock_to(TILL)
    assert line.ending() == []


def test_out_of_touch_a_unit_still_knows_which_of_its_own_consents_end_and_no_others(line: Line) -> None:
    consent = GroundId(consented(line.office))
    grant = Grant(sources=(UP,), recipient=to_unit(OP), categories=(Category.HOUSING,), until=TILL)
    theirs = ConsentGiven(
        consent_id=GroundId(message_id(88)),
        recipient=grant.recipient,
        grants=(grant,),
        paper=("consent",),
        notice_version="1",
        evidence_hash="0" * 64,
        method="signed-paper",
    )
    karel, early = line.karel(), TILL - timedelta(days=30)
    line.clock_to(early)
    line.hears(
        ("up", karel, theirs),
        *(
            (HUB, karel, ConsentExpiryAnnounced(consent_id=one, expiring=1, until=TILL))
            for one in (consent, theirs.consent_id)
        ),
        at=early,
    )
    assert {one["collector"] for one in line.ending()} == {"op", "up"}
    line.clock_to(early + timedelta(days=8))
    assert {one["collector"] for one in line.ending()} == {"op"}
