"""Old versions are lifted step by step, and a wrong registry is found when it is made."""

import pytest

from contracts.upcasting import MESSAGES, STORED_EVENTS, Document, Lift, UpcastError, Upcasters


def renamed(document: Document) -> Document:
    return {"name": document["title"]}


def counted(document: Document) -> Document:
    return document | {"count": 1}


CHAIN = Upcasters(
    {
        "eu.spojka.tea.made.v1": Lift("eu.spojka.tea.made.v2", renamed),
        "eu.spojka.tea.made.v2": Lift("eu.spojka.tea.made.v3", counted),
    }
)


def test_an_old_document_is_lifted_through_every_version_in_between() -> None:
    assert CHAIN.lift("eu.spojka.tea.made.v1", {"title": "x"}) == ("eu.spojka.tea.made.v3", {"name": "x", "count": 1})


def test_what_is_stored_is_not_changed_by_reading_it() -> None:
    stored = {"title": "x"}
    CHAIN.lift("eu.spojka.tea.made.v1", stored)
    assert stored == {"title": "x"}


def test_what_is_current_or_unknown_passes_as_it_is() -> None:
    document: Document = {"name": "x"}
    assert CHAIN.lift("eu.spojka.tea.made.v3", document) == ("eu.spojka.tea.made.v3", document)
    assert STORED_EVENTS.lift("message-accepted/1", document) == ("message-accepted/1", document)
    assert MESSAGES.lift("eu.spojka.session.held.v1", document) == ("eu.spojka.session.held.v1", document)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("tea-made/1", "tea-made/1"),
        ("tea-made/2", "tea-made/1"),
        ("tea-made/1", "tea-made/3"),
        ("tea-made/1", "coffee-made/2"),
        ("tea-made", "tea-made/1"),
        ("tea-made/01", "tea-made/2"),
    ],
)
def test_a_lift_that_could_turn_in_a_circle_or_skip_a_version_is_refused(old: str, new: str) -> None:
    with pytest.raises(UpcastError):
        Upcasters({old: Lift(new, counted)})
