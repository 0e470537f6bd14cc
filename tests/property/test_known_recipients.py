"""Recipients found again are those that the gate gives, whatever was found before."""

from dataclasses import dataclass
from datetime import datetime
from itertools import product
from random import Random
from typing import cast

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.catalogue import Audience
from contracts.categories import Category, Purpose
from contracts.gate import Mandate, Party
from contracts.names import MessageId, RecordKey, UnitId
from contracts.trust_list import Directory
from hub.domain.decision import Circumstances
from hub.domain.known_recipients import KnownRecipients
from hub.domain.recipients import grounded
from hub.domain.settings import DecisionSettings
from hub.domain.support_path import Entry, SupportPath
from tests.property.test_gate_properties import CATEGORIES, LAST, PURPOSES, ROLES, UNITS, Case, Maker, day


@dataclass(frozen=True)
class Listed:
    """What `grounded` asks a trust list."""

    parties: dict[UnitId, Party]
    mandates: tuple[Mandate, ...]

    @property
    def by_role(self) -> dict[str, frozenset[UnitId]]:
        return {role: frozenset(unit for unit, one in self.parties.items() if role in one.roles) for role in ROLES}

    def party(self, unit: UnitId, at: datetime) -> Party:
        del at
        return self.parties.get(unit, Party(unit, admitted=False))


def path_of(case: Case) -> SupportPath:
    grounds = {one.ground_id: one for one in case.grounds}
    return SupportPath(key=RecordKey("r1.x"), grounds=grounds, restrictions=case.restrictions)


def entry(author: UnitId, category: Category, purpose: Purpose, occurred: datetime) -> Entry:
    number = MessageId("00000000-0000-4000-8000-000000000000")
    return Entry(number, author, Audience.GROUNDED, category, purpose, occurred, 1, frozenset(), 0)


@given(st.integers(0, 2**64))
@settings(max_examples=300)
def test_what_is_found_again_is_what_the_gate_gives(seed: int) -> None:
    maker, random = Maker(seed), Random(seed)
    first, second = maker.case(), maker.case()
    parties = {one.unit: one for case in (first, second) for one in (case.publisher, case.recipient)}
    lists = [Listed(parties, first.mandates), Listed(parties, second.mandates), Listed({}, ())]
    known = KnownRecipients()
    nows = [Circumstances(cast("Directory", listed), DecisionSettings(), first.at, 7) for listed in lists]
    paths = [path_of(first), path_of(second)]
    paths += [paths[0]._replace(restrictions=second.restrictions), paths[0]._replace(sequences={})]
    kinds = random.sample([*product(UNITS, CATEGORIES, PURPOSES)], 6)
    kinds += [(case.publisher.unit, case.category, case.purpose) for case in (first, second)]
    for _ in range(60):
        path, kind = random.choice(paths), random.choice(kinds)
        one, now = entry(*kind, day(random.randint(0, LAST))), random.choice(nows)
        assert known.of(path, one, now) == grounded(path, one, now)


def test_entries_alike_are_judged_once() -> None:
    for case in (Maker(seed).case() for seed in range(1_000)):
        parties = {one.unit: one for one in (case.publisher, case.recipient)}
        now = Circumstances(cast("Directory", Listed(parties, case.mandates)), DecisionSettings(), case.at, 7)
        one, path = entry(case.publisher.unit, case.category, case.purpose, day(LAST + 1)), path_of(case)
        known = KnownRecipients()
        found = known.of(path, one, now)
        if found:
            assert known.of(path, one._replace(position=2), now) is found
            return
    raise AssertionError("no case of a thousand is permitted")
