"""Who signs in at the broker, from a file that the operator handed over: `user:password` in one line.

Invariants: the file is refused where others than its owner can read it; it is read at each connection, so that a new password takes effect without a
restart; a password shows in no message and no `repr`.
"""

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from projections.kafka.errors import SignInFileError

_OPEN_TO_OTHERS: Final = 0o077


@dataclass(frozen=True, slots=True)
class SignIn:
    """A user and its password."""

    user: str
    password: str = field(repr=False)

    def line(self) -> str:
        """As it stands in a file."""
        return f"{self.user}:{self.password}\n"


def read_sign_in(path: Path) -> SignIn:
    """What stands in the file. Raises `SignInFileError`."""
    try:
        with path.open(encoding="utf-8") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            user, colon, password = file.read().strip().partition(":")
    except (OSError, ValueError) as error:
        raise SignInFileError(path=path, reason="does not read") from error
    if os.name == "posix" and mode & _OPEN_TO_OTHERS:
        raise SignInFileError(path=path, reason="can be read by others")
    if not (user and colon and password):
        raise SignInFileError(path=path, reason="is not user:password in one line")
    return SignIn(user, password)
