"""Where a setting has the key-encryption keys: a file, the environment or a security module.

A key management service would be one more class with the members of `KeyEncryption` and `KekKeeper`, and one more line here.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from hub.application.key_ports import KekKeeper, KeyEncryption
from hub.application.ports import HubError
from hub.infrastructure.key_encryption import KekFile, KekSet, KeyEncryptionError, LocalKeyEncryption
from hub.infrastructure.security_module import ModulePlace, SecurityModule


class KeptElsewhereError(HubError):
    """The key-encryption keys are where our commands do not reach: whoever holds them rotates them."""


def key_encryption(setting: str) -> KeyEncryption:
    """From a setting: `file:PATH`, `env:NAME` for the text in an environment variable, or a PKCS#11 URI. Raises `KeyEncryptionError`."""
    kind, _, name = setting.partition(":")
    if kind == "file" and name:
        return LocalKeyEncryption(KekFile(Path(name)))
    if kind == "pkcs11":
        return SecurityModule(ModulePlace.read(setting))
    text = os.environ.get(name, "") if kind == "env" else ""
    if not text:
        raise KeyEncryptionError(
            "No key-encryption key is set.",
            advice="Set SPOJKA_KEYS_KEK to file:PATH, to env:NAME with NAME set, or to a PKCS#11 URI.",
        )
    held = KekSet.read(text)
    return LocalKeyEncryption(lambda: held)


def kek_keeper(setting: str) -> KekKeeper:
    """Where the keys of this setting are made and destroyed. Raises `KeptElsewhereError`, `KeyEncryptionError`."""
    kind, _, name = setting.partition(":")
    if kind == "file":
        return KekFile(Path(name))
    if kind == "pkcs11":
        return SecurityModule(ModulePlace.read(setting))
    raise KeptElsewhereError(
        "The key-encryption keys are in the environment.", advice="Rotate them where they are kept; both may be given."
    )


def next_name(names: Sequence[str], *, begin: str = "kek") -> str:
    """How the next key-encryption key is called: no name serves twice, also where the old key is gone."""
    numbered = re.compile(rf"{begin}-([0-9]{{1,9}})")
    return f"{begin}-{max((int(found[1]) for name in names if (found := numbered.fullmatch(name))), default=0) + 1}"
