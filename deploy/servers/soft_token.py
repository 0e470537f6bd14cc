"""A security module in software (SoftHSM), which speaks PKCS#11 as the real ones do: for tests of what a module keeps."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from pathlib import Path
from typing import Final

from deploy.servers import debian
from deploy.servers.errors import MissingComponentError

_COMPONENT: Final = "SoftHSM (for keys in a security module)"
_LIBRARIES: Final = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
)


def make_token(folder: Path, *, name: str) -> str:
    """Set up an empty token in this folder for this process and its children; returns the PKCS#11 URI of it (RFC 7512), with its PIN in a file.

    Installed on Debian as root; raises MissingComponentError elsewhere.
    """
    library = _library()
    (folder / "tokens").mkdir(parents=True)
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder / 'tokens'}\nlog.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")
    pin = folder / "pin"
    pin.touch(mode=0o600)
    pin.write_text(secrets.token_hex(8))
    subprocess.run(
        [
            "softhsm2-util",
            "--init-token",
            "--free",
            "--label",
            name,
            "--pin",
            pin.read_text(),
            "--so-pin",
            secrets.token_hex(8),
        ],
        check=True,
        capture_output=True,
    )
    return f"pkcs11:token={name}?module-path={library}&pin-source=file:{pin}"


def _library() -> Path:
    if not shutil.which("softhsm2-util"):
        debian.install(_COMPONENT, package="softhsm2")
    for path in _LIBRARIES:
        if Path(path).exists():
            return Path(path)
    raise MissingComponentError(_COMPONENT, advice="It was installed, but its library is in none of the usual places.")
