"""What the operator types about units and keys, from the first list on: each version follows the one before and is what the next one builds on."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from contracts.admission import AdmissionRequest, offer
from contracts.errors import ContractsError
from contracts.keys import KeyUse, SigningKey
from contracts.names import InstitutionId, ProgrammeId, UnitId
from contracts.trust_list import Directory
from hub.application.ports import HubError
from hub.entrypoints import commands
from hub.entrypoints.cli.list_files import newest, versions

OP = UnitId("op")
AT = ("--at", "2026-02-01T00:00:00")
LATER = ("--at", "2026-03-01T00:00:00")


class Operator:
    """A programme's home folder, and what is typed about it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.type("init", "--programme", "decin", *AT)

    def type(self, *words: str) -> str:
        done = CliRunner().invoke(commands.app, [*words, "--home", str(self.home)], env={"COLUMNS": "300"})
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done.output

    def request(self, *keys: SigningKey, programme: str = "decin") -> str:
        """What a unit sends."""
        asked = AdmissionRequest(
            programme=ProgrammeId(programme),
            unit=OP,
            institution=InstitutionId("poradna"),
            institution_name="Poradna",
            name="Advice office",
            keys=offer(keys, unit=OP),
        )
        path = self.home / f"request-{keys[0].key_id.rpartition('/')[2]}-{programme}.json"
        path.write_text(asked.model_dump_json())
        return str(path)

    @property
    def list(self) -> Directory:
        return newest(self.home)


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    return Operator(tmp_path / "hub")


def key() -> SigningKey:
    return SigningKey.generate(OP, KeyUse.MESSAGES)


def valid(operator: Operator, at: str = "2026-04-01T00:00:00+00:00") -> set[str]:
    """The keys that speak for the unit at a time."""
    from datetime import datetime  # noqa: PLC0415 - for this one line

    return {one.key_id for one in operator.list.units[OP].keys if one.valid(datetime.fromisoformat(at))}


def test_a_unit_is_admitted_with_what_the_operator_decides_about_it(operator: Operator) -> None:
    first = key()
    told = operator.type(
        "trust-list", "admit", operator.request(first), "--role", "advice", "--secrecy", "--sanctions", *AT
    )
    assert "Version 2 admits op" in told
    entry = operator.list.units[OP]
    assert (entry.roles, entry.bound_by_secrecy, entry.can_sanction) == (("advice",), True, True)
    assert first.key_id in operator.type("trust-list", "show")
    assert len(versions(operator.home)) == 2


def test_a_new_key_speaks_beside_the_old_one_until_that_is_revoked(operator: Operator) -> None:
    first, second = key(), key()
    operator.type("trust-list", "admit", operator.request(first), *AT)
    assert "Version 3 has a new key of op" in operator.type("trust-list", "add-key", operator.request(second), *LATER)
    assert valid(operator) == {first.key_id, second.key_id}
    operator.type("trust-list", "revoke-key", first.key_id, "--compromised-since", "2026-02-20", *LATER)
    assert valid(operator) == {second.key_id}
    assert valid(operator, "2026-02-15T00:00:00+00:00") == {first.key_id}
    shown = operator.type("trust-list", "show")
    assert second.key_id in shown
    assert first.key_id not in shown


def test_a_unit_is_dismissed_and_the_list_says_from_when(operator: Operator) -> None:
    operator.type("trust-list", "admit", operator.request(key()), *AT)
    operator.type("trust-list", "dismiss", "op", *LATER)
    assert operator.list.units[OP].admitted_until is not None


def test_what_the_operator_got_wrong_is_said_with_what_to_do_and_makes_no_version(operator: Operator) -> None:
    first = key()
    with pytest.raises((ContractsError, HubError), match="trust-list show"):
        operator.type("trust-list", "add-key", operator.request(first), *AT)
    operator.type("trust-list", "admit", operator.request(first), *AT)
    for words, told in (
        (("admit", operator.request(first)), "add-key"),
        (("add-key", operator.request(first)), "new-key"),
        (("add-key", operator.request(key(), programme="praha")), "that programme's operator"),
        (("revoke-key", "op/messages/0123456789abcdef"), "trust-list show"),
        (("dismiss", "nobody"), "trust-list show"),
    ):
        with pytest.raises((ContractsError, HubError), match=told):
            operator.type("trust-list", *words, *LATER)
    forged = Path(operator.request(key()))
    forged.write_text(forged.read_text().replace('"unit":"op"', '"unit":"up"'))
    with pytest.raises((ContractsError, HubError)):
        operator.type("trust-list", "add-key", str(forged), *LATER)
    assert operator.list.version == 2
