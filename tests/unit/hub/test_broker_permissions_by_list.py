"""Who may do what at the brokers follows from the trust list, and from nothing that an institution says."""

from contracts.names import InstitutionId, UnitId
from contracts.trust_list import Directory
from hub.application.admission import without_unit
from hub.application.broker_permissions import Operation, adapter_permissions, served_by
from tests.simulation.programme import Simulation


def directory() -> Directory:
    return Simulation().directory


def test_each_institution_serves_its_own_units() -> None:
    served = served_by(directory(), {})
    assert {unit for units in served.values() for unit in units} == {one.unit for one in directory().listed.units}
    for entry in directory().listed.units:
        assert entry.unit in served[entry.institution]


def test_a_hosted_desk_is_read_by_its_host_and_no_longer_by_its_own_institution() -> None:
    first, *_, other = directory().listed.units
    assert first.institution != other.institution
    served = served_by(directory(), {first.unit: other.institution})
    assert first.unit in served[other.institution]
    assert first.unit not in served.get(first.institution, set())


def test_a_unit_that_was_dismissed_is_served_by_nobody() -> None:
    before = directory()
    first = before.listed.units[0]
    left = without_unit(before, first.unit, at=before.listed.issued_at)
    served = served_by(Directory(left, before.digest), {})
    assert first.unit not in {unit for units in served.values() for unit in units}


def test_a_name_that_begins_as_anothers_opens_nothing_of_it() -> None:
    """`feed.md` is named whole: a unit `md-claims` of somebody else is no part of it."""
    given = adapter_permissions(f"adapter-{InstitutionId('mesto')}.1", [UnitId("md")])
    assert not [one for one in given if one.prefix]
    assert {one.topic for one in given if one.operation is Operation.READ and one.topic.startswith("feed.")} == {
        "feed.md"
    }
