"""An auditor reads the page in any language of the programme, in the glossary's words, and calls entries as the workers do."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import get_args

import pytest

from adapters.words import texts as of_adapters
from contracts.categories import Purpose
from contracts.messages.access import RecordAudited
from contracts.messages.hub import ObligationOpened
from contracts.messages.obligation import ObligationAnswered
from contracts.referral_table import ReferralState
from hub.audit.page.alarms import AlarmCode
from hub.audit.page.app import PURPOSES
from hub.words import LANGUAGES, Language, Words, texts
from projections.access_report import AccessOutcome
from projections.access_search import Kind
from projections.obligations import ObligationState

TEMPLATES = [one.read_text(encoding="utf-8") for one in files("hub.audit.page").joinpath("templates").iterdir()]
NOT_ON_SCREENS = re.compile(
    r"\b(subject|ground|feed|ledger|projection|obligation|adapter|outbox|quarantine)s?\b", re.IGNORECASE
)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_text_with_the_same_places_for_values(language: Language) -> None:
    english, own = texts("en"), texts(language)
    assert set(own) == set(english)
    for key, text in own.items():
        assert text.strip() == text != "", key
        assert set(re.findall(r"{(\w+)}", text)) == set(re.findall(r"{(\w+)}", english[key])), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_kind_of_entry_is_called_as_on_the_workers_screens(language: Language) -> None:
    shared = ("type.", "referral.")
    own = {key: text for key, text in texts(language).items() if key.startswith(shared)}
    workers = of_adapters(language)
    assert {key: workers[key] for key in own} == own
    assert {f"referral.{state}" for state in ReferralState} <= set(own)


def test_no_text_uses_a_word_of_the_code() -> None:
    assert {key: text for key, text in texts("en").items() if NOT_ON_SCREENS.search(text)} == {}


def test_every_text_that_a_template_names_is_there() -> None:
    named = {key for text in TEMPLATES for key in re.findall(r"""\bw\("([a-z.-]*[a-z])"[ ,)]""", text)}
    named |= {f"nav.{one}" for one in ("search", "duties", "alarms", "proof-record")}
    assert len(named) > 80
    assert named - set(texts("en")) == set()


def test_every_code_has_a_text() -> None:
    codes = {
        "alarm": AlarmCode,
        "kind": Kind,
        "outcome": AccessOutcome,
        "state": ObligationState,
        "because": get_args(ObligationOpened.model_fields["because"].annotation),
        "statement": get_args(ObligationAnswered.model_fields["statement"].annotation),
        "shown": get_args(RecordAudited.model_fields["shown"].annotation),
        "purpose": Purpose,
        "judged": ("justified", "not-justified"),
    }
    wanted = {f"{name}.{code}" for name, known in codes.items() for code in known}
    wanted |= {f"alarm.{code}.advice" for code in AlarmCode}
    assert len(wanted) > 40
    assert wanted - set(texts("en")) == set()


def test_a_text_that_nothing_names_is_not_kept() -> None:
    prefixes = (
        "type.",
        "alarm.",
        "kind.",
        "outcome.",
        "state.",
        "because.",
        "statement.",
        "shown.",
        "purpose.",
        "told.",
        "wrong.",
        "referral.",
        "same-person.",
        "judged.",
        "nav.",
    )
    named = {key for text in TEMPLATES for key in re.findall(r"""\bw\("([a-z.-]*[a-z])"[ ,)]""", text)} | {"language"}
    assert {key for key in texts("en") if not key.startswith(prefixes)} - named == set()


def test_a_purpose_is_shown_in_words() -> None:
    assert Words("cs").code(PURPOSES, "complaint") == "stížnost"
    assert Words("pl").of_type("eu.spojka.need.assessed.v1") == "diagnoza potrzeb"
    assert Words("en").of_type("eu.spojka.something.new.v9") == "entry of a newer kind"


def test_a_code_of_a_newer_version_is_shown_as_it_is() -> None:
    assert Words("en").of("because", "something-new") == "something-new"
