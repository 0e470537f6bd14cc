"""The key service's own key in a security module, by PKCS#11: a real module in software."""

import shutil
import subprocess
import sys
from pathlib import Path

import pkcs11
import pytest
from pkcs11 import Attribute, ObjectClass

from deploy.servers.errors import MissingComponentError
from deploy.servers.soft_token import make_token
from hub.application.key_ports import Wrapped
from hub.infrastructure.key_encryption import KeyEncryptionError
from hub.infrastructure.key_encryption_choice import KeptElsewhereError, kek_keeper, key_encryption
from hub.infrastructure.security_module import ModulePlace, SecurityModule
from tests.integration.test_key_commands import Operators

_TOKEN = "spojka-keys"


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of an empty token."""
    try:
        return make_token(tmp_path_factory.mktemp("module"), name=_TOKEN)
    except MissingComponentError as missing:
        pytest.skip(str(missing))


@pytest.fixture
def module(token: str) -> SecurityModule:
    """The module, with one key at least."""
    module = SecurityModule(ModulePlace.read(token))
    if not module.names():
        module.make("kek-1")
    return module


def test_what_the_module_wraps_only_the_module_opens_and_only_for_what_it_is_bound_to(module: SecurityModule) -> None:
    secrets = [(bytes([number]) * 32, f"for {number}".encode()) for number in range(20)]
    wrapped = module.wrap(secrets)
    assert module.unwrap([(one, bound) for one, (_, bound) in zip(wrapped, secrets, strict=True)]) == [
        secret for secret, _ in secrets
    ]
    assert len({one.sealed[:12] for one in wrapped}) == len(wrapped)
    flipped = Wrapped(wrapped[0].kek_id, wrapped[0].sealed[:-1] + bytes([wrapped[0].sealed[-1] ^ 1]))
    for one, bound in ((wrapped[0], b"for 1"), (flipped, b"for 0"), (Wrapped("kek-99", wrapped[0].sealed), b"for 0")):
        with pytest.raises(KeyEncryptionError):
            module.unwrap([(one, bound)])
    assert module.unwrap([(wrapped[1], b"for 1")]) == [secrets[1][0]]


def test_a_key_does_not_leave_the_module(module: SecurityModule, token: str) -> None:
    place = ModulePlace.read(token)
    session = pkcs11.lib(str(place.module)).get_token(token_label=_TOKEN).open()
    key = session.get_key(object_class=ObjectClass.SECRET_KEY, label=module.current)
    assert key[Attribute.SENSITIVE]
    assert not key[Attribute.EXTRACTABLE]
    with pytest.raises(pkcs11.AttributeSensitive):
        key[Attribute.VALUE]
    session.close()


def test_a_second_process_makes_the_next_key_and_the_first_wraps_with_it_at_once(
    module: SecurityModule, token: str
) -> None:
    before = module.wrap([(b"s" * 32, b"it")])
    following = f"kek-{len(module.names()) + 1}"
    kek_keeper(token).make(following)
    assert module.wrap([(b"t" * 32, b"it")])[0].kek_id == following == module.current
    assert module.unwrap([(before[0], b"it")]) == [b"s" * 32]
    with pytest.raises(KeyEncryptionError):
        module.make(following)
    with pytest.raises(KeyEncryptionError):
        module.destroy(following)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the library lets go of a lost search
def test_after_the_module_was_restarted_the_service_signs_in_anew(module: SecurityModule, token: str) -> None:
    (wrapped,) = module.wrap([(b"s" * 32, b"it")])
    pkcs11.lib(str(ModulePlace.read(token).module)).reinitialize()
    assert module.unwrap([(wrapped, b"it")]) == [b"s" * 32]


def test_a_wrong_pin_is_told_by_name_of_its_file_and_tried_once(token: str, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.touch(mode=0o600)
    wrong.write_text("000000")
    address = token.replace(str(ModulePlace.read(token).pin), str(wrong))
    asking = "import sys; from hub.infrastructure.key_encryption_choice import key_encryption; key_encryption(sys.argv[1]).current"
    done = subprocess.run([sys.executable, "-c", asking, address], capture_output=True, text=True, check=False)
    assert "KeyEncryptionError" in done.stderr
    assert str(wrong) in done.stderr
    assert "000000" not in done.stderr


def test_whoever_asks_a_module_that_is_not_there_is_told_what_to_do(token: str, tmp_path: Path) -> None:
    place = ModulePlace.read(token)
    open_to_all = tmp_path / "open"
    shutil.copy(place.pin, open_to_all)
    open_to_all.chmod(0o644)
    addresses = [
        token.replace(str(place.pin), str(open_to_all)),
        token.replace(str(place.pin), str(tmp_path / "none")),
        token.replace(_TOKEN, "another"),
        token.replace(str(place.module), str(tmp_path / "none.so")),
        token.replace("?", ";object=x?"),
        "pkcs11:token=x",
    ]
    for address in addresses:
        with pytest.raises(KeyEncryptionError) as told:
            key_encryption(address).wrap([(b"", b"")])
        assert told.value.advice
        assert place.pin.read_text() not in str(told.value)


def test_the_whole_life_of_a_key_service_whose_key_is_in_a_module(
    token: str, tmp_path: Path, quick_database: str
) -> None:
    operators = Operators(tmp_path, quick_database)
    operators.environment["SPOJKA_KEYS_KEK"] = token
    operators.keys("init", "--deposit-keys", "3")
    assert not (operators.keys_home / "kek.json").exists()
    module = SecurityModule(ModulePlace.read(token))
    old = module.current
    early = operators.keys("rotate-kek", "--forget", old, code=1)
    assert getattr(early.exception, "advice", "")
    assert "3 secrets are wrapped under" in operators.keys("rotate-kek").output
    operators.keys("rotate-kek", "--forget", old)
    assert old not in module.names()
    assert f"3 secrets under {module.current}, 0 under others" in " ".join(operators.keys("status").output.split())


def test_keys_in_the_environment_are_rotated_by_whoever_puts_them_there() -> None:
    with pytest.raises(KeptElsewhereError):
        kek_keeper("env:KEK")
