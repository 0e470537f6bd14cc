"""What the operator types about units and keys, from the first list on: each version follows the one before and is what the next one builds on."""

from datetime import datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from contracts.admission import AdmissionRequest, offer, offer_encryption
from contracts.errors import ContractsError
from contracts.keys import KeyUse, SigningKey
from contracts.names import InstitutionId, ProgrammeId, UnitId
from contracts.sealing.suites import OpeningKey
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

    def encryption_request(self, opening: OpeningKey, *, vouching: SigningKey, along: bool = False) -> str:
        """What a unit sends for an encryption key, with the key that vouches `along`, or by one that the list has."""
        asked = AdmissionRequest(
            programme=ProgrammeId("decin"),
            unit=OP,
            institution=InstitutionId("poradna"),
            institution_name="Poradna",
            name="Advice office",
            keys=offer([vouching] if along else [], unit=OP),
            encryption_keys=(offer_encryption(opening.sealing_key, unit=OP, vouching=vouching),),
        )
        path = self.home / f"request-{opening.key_id.rpartition('/')[2]}.json"
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


def test_others_seal_to_the_encryption_key_admitted_last_until_it_is_revoked(operator: Operator) -> None:
    signing, first, second = key(), OpeningKey.generate(OP), OpeningKey.generate(OP)
    operator.type("trust-list", "admit", operator.encryption_request(first, vouching=signing, along=True), *AT)
    assert sealed_to(operator) == first.key_id
    operator.type("trust-list", "add-key", operator.encryption_request(second, vouching=signing), *LATER)
    assert sealed_to(operator) == second.key_id
    operator.type("trust-list", "revoke-key", second.key_id, "--at", "2026-03-10T00:00:00")
    assert sealed_to(operator) == first.key_id
    assert "Version 5" in operator.type("trust-list", "revoke-key", first.key_id, "--at", "2026-03-11T00:00:00")
    assert sealed_to(operator) is None


def test_an_encryption_key_for_which_no_admitted_key_vouches_is_not_admitted(operator: Operator) -> None:
    admitted, stranger = key(), key()
    operator.type("trust-list", "admit", operator.request(admitted), *AT)
    wanted = operator.encryption_request(OpeningKey.generate(OP), vouching=stranger)
    with pytest.raises(HubError, match="vouches"):
        operator.type("trust-list", "add-key", wanted, *LATER)
    operator.type("trust-list", "revoke-key", admitted.key_id, *LATER)
    wanted = operator.encryption_request(OpeningKey.generate(OP), vouching=admitted)
    with pytest.raises(HubError, match="vouches"):
        operator.type("trust-list", "add-key", wanted, "--at", "2026-03-02T00:00:00")
    assert sealed_to(operator) is None


def sealed_to(operator: Operator) -> str | None:
    """The key to which others would seal for the unit by the newest list."""
    found = operator.list.sealing_key(OP, datetime.fromisoformat("2026-04-01T00:00:00+00:00"))
    return None if found is None else found.key_id
