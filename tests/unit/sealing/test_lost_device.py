"""A unit that lost its computer gets back, under a new key, all that it may still read, and nothing else."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.desk.actions.consents import Paper, Terms
from adapters.drafts import ClientKey, Draft
from contracts.categories import Category
from contracts.envelope import open_clear, parse
from contracts.grants import to_unit
from contracts.messages.need import NeedAssessed, NeedContent
from contracts.names import GroundId, MessageId, UnitId
from contracts.sealing.suites import OpeningKey
from contracts.trust_list import Revocation
from tests.simulation.desks import DeskUnit
from tests.simulation.programme import START
from tests.simulation.sealed import entry_of
from tests.simulation.sealed_desks import SealedTown

OP, UP = UnitId("op"), UnitId("up")
KAREL = ClientKey("karel")


@pytest.fixture
def town(tmp_path: Path) -> Iterator[SealedTown]:
    made = SealedTown(tmp_path)
    made.hub.clock.at = START + timedelta(days=10)
    made["op"].desk.enrol(KAREL)
    yield made
    made.close()


def consent(town: SealedTown, category: Category) -> GroundId:
    """UP reads what OP writes of this category."""
    terms = Terms((OP,), [to_unit(UP)], (category,), START + timedelta(days=300), START)
    taken = town["op"].desk.take_consent(KAREL, terms, Paper(kinds=("consent", "release-from-secrecy")))
    town.settle()
    return taken.consent_id


def finding(town: SealedTown, category: Category) -> MessageId:
    draft = Draft(
        KAREL,
        NeedAssessed(dimension=Category.HOUSING, level="high"),
        town.hub.clock.at,
        category=category,
        content=NeedContent(finding=f"about {category}"),
    )
    recorded = town["op"].desk.record(draft)
    town.settle()
    assert recorded.message_id is not None
    return recorded.message_id


def read_at_up(town: SealedTown, name: MessageId) -> str | None:
    """What UP reads of a finding; None where it does not have it or cannot open it."""
    with town["up"].store.read() as tx:
        entry = tx.journal.find(name)
    content = None if entry is None or entry.payload is None else open_clear(parse(entry.payload))[1]
    return content.finding if isinstance(content, NeedContent) else None


def another_computer(town: SealedTown, folder: Path) -> OpeningKey:
    """UP begins with an empty database and a new encryption key, which the next list has; the old one is revoked."""
    new, at = OpeningKey.generate(UP), town.hub.clock.at
    before = town.hub.programme.directory
    units = []
    for unit in before.listed.units:
        if unit.unit == UP:
            revoked = Revocation(at=at)
            keys = [one.model_copy(update={"revoked": revoked}) if one.suite is not None else one for one in unit.keys]
            units.append(unit.model_copy(update={"keys": (*keys, entry_of(new, days=800))}))
        else:
            units.append(unit)
    changes = {"version": before.version + 1, "previous": before.digest.hex(), "units": tuple(units), "issued_at": at}
    town.hub.take([town.hub.next_list(before.listed.model_copy(update=changes))])
    town.hub.encryption["up"] = new
    town["up"].store.close()
    town.units["up"] = DeskUnit("up", town.hub, folder / "another.db")
    return new


def test_everything_that_is_still_permitted_comes_again_to_the_new_key(town: SealedTown, tmp_path: Path) -> None:
    housing, skills = consent(town, Category.HOUSING), consent(town, Category.SKILLS)
    kept, withdrawn = finding(town, Category.HOUSING), finding(town, Category.SKILLS)
    assert (read_at_up(town, kept), read_at_up(town, withdrawn)) == ("about housing", "about skills")
    town["op"].desk.withdraw(KAREL, skills)
    town.settle()
    new = another_computer(town, tmp_path)
    town["up"].desk.ask_replay(shard=0, generation=1, from_sequence=1)
    town.settle()
    assert read_at_up(town, kept) == "about housing"
    assert read_at_up(town, withdrawn) is None
    assert not town.could_open("up", withdrawn)
    assert {release.to for release in town.hub.produced[UP][-1:]} == {new.key_id}
    assert housing != skills
