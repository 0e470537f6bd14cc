"""Who may have been entered twice: a person decides, so a hint must be right more often than not and must show nothing that is not the unit's own."""

from hashlib import sha256

import pytest

from adapters.drafts import ClientKey
from adapters.people.likeness import SUGGESTED_FROM, KnownClient, likeness, plain, suggest


def known(client: str, name: str = "", year: int | None = None, **contact: str) -> KnownClient:
    given, _, family = name.partition(" ")
    return KnownClient(ClientKey(client), given or None, family or None, year, **contact)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (known("1", "Jana Žižková", 1990), known("2", "jana zizkova", 1990)),
        (known("1", "Jana Žižková", 1990), known("2", "Žižková Jana", 1990)),
        (known("1", "Łukasz Wójcik", 1979), known("2", "Lukasz Wojcik", 1979)),
        (known("1", "Anna Nowak-Kowalska", 1985), known("2", "Anna Nowak Kowalska", 1985)),
        (known("1", "Karel Dvořák", 1979), known("2", "Karel Dvořak", 1979)),
        (known("1", "Halina Kowalska", phone="+48 600 100 200"), known("2", "Halina Kowalska", phone="600100200")),
    ],
)
def test_the_same_person_in_two_spellings_is_suggested(one: KnownClient, other: KnownClient) -> None:
    (found,) = suggest([one, other])
    assert (found.one, found.other) == ("1", "2")
    assert found.score >= SUGGESTED_FROM


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (known("1", "Jan Novák"), known("2", "Jan Novák")),
        (known("1", "Jan Novák", 1960), known("2", "Jan Novák", 1985)),
        (known("1", "Jan Novák", 1960), known("2", "Petr Svoboda", 1960)),
        (known("1", "Jan Novák", phone="600 100 200"), known("2", "Eva Malá", 1960, phone="600100200")),
        (known("1", year=1960), known("2", year=1960)),
    ],
)
def test_namesakes_and_people_who_share_a_phone_are_not(one: KnownClient, other: KnownClient) -> None:
    assert suggest([one, other]) == []


def test_a_father_and_a_son_of_one_name_and_phone_are_told_apart_by_the_year_only_if_it_is_known() -> None:
    father, son = known("1", "Jan Novák", 1960, phone="600100200"), known("2", "Jan Novák", 1990, phone="600100200")
    assert likeness(father, son).score < likeness(father, known("2", "Jan Novák", phone="600100200")).score


def test_likeness_is_the_same_from_either_side() -> None:
    one, other = known("1", "Jana Žižková", 1990), known("2", "Jan Žižka", 1990)
    assert likeness(one, other) == likeness(other, one)


def test_a_phone_of_the_office_that_everybody_was_entered_with_suggests_nobody() -> None:
    crowd = [known(f"{n:03}", f"{chr(97 + n % 26)}{n} b{n}", phone="600100200") for n in range(300)]
    assert suggest(crowd) == []


def test_thousands_of_clients_are_compared_by_what_they_share_not_each_with_each() -> None:
    names = [sha256(str(n).encode()).hexdigest() for n in range(3000)]
    crowd = [known(f"{n:05}", f"{name[:10]} {name[10:20]}", 1950 + n % 50) for n, name in enumerate(names)]
    twin = known("twin", f"{names[77][:10].upper()} {names[77][10:20]}", 1950 + 77 % 50)
    assert [(one.one, one.other) for one in suggest([*crowd, twin])] == [("00077", "twin")]


def test_marks_and_punctuation_do_not_tell_people_apart() -> None:
    assert plain("  Žižková-Nowak,  Łucja ") == "zizkova nowak lucja"
