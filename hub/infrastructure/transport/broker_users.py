"""The users at the brokers, each with its file: made from the trust list, renewed beside those that are in use, retired.

Invariants: a user's name ends in its generation, so that the next one works before the last one goes; the newest is the one in the file; a user whose
institution has left the trust list goes with its permissions; a password exists in its file and (salted, hashed) at the brokers, nowhere else.
"""

import json
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from contracts.names import InstitutionId, UnitId
from contracts.trust_list import Directory
from hub.application.broker_permissions import (
    HUB_PERMISSIONS,
    HubUser,
    Permission,
    adapter_permissions,
    adapter_user,
    served_by,
)
from hub.infrastructure.transport.authority import TRUSTED
from hub.infrastructure.transport.broker_access import BrokerAccess
from hub.infrastructure.transport.secret_files import write_secret
from projections.kafka.sign_in import SignIn, read_sign_in

SIGN_IN: Final = "broker-sign-in"
_HAND_OVER: Final = "hand-over"
_USERS: Final = "users"
_PASSWORD_BYTES: Final = 24


@dataclass(frozen=True, slots=True)
class Applied:
    """What changed at the brokers."""

    made: tuple[str, ...]
    dropped: tuple[str, ...]
    permitted: int
    forbidden: int


class BrokerUsers:
    """Users of one programme: the hub's in `users/`, each institution's in `hand-over/<institution>/`."""

    def __init__(
        self, access: BrokerAccess, folder: Path, *, directory: Directory, hosted: Mapping[UnitId, InstitutionId]
    ) -> None:
        self._access = access
        self._folder = folder
        self._served = served_by(directory, hosted)

    def apply(self) -> Applied:
        """Make what is missing, drop what has no reason any more; brokers that lost everything get the very users of the files again."""
        there, files = self._access.users(), self._files()
        fresh = {name: _next(name, there) for name, file in files.items() if not file.exists()}
        again = {
            name: one for name, file in files.items() if file.exists() and (one := read_sign_in(file)).user not in there
        }
        return self._change(there, make=fresh | again, drop={user for user in there if _base(user) not in files})

    def rotate(self) -> Applied:
        """Give everybody a new user with a new password beside the one in use."""
        there = self._access.users()
        return self._change(there, make={name: _next(name, there) for name in self._files()}, drop=set())

    def retire(self) -> Applied:
        """Leave only the newest user of everybody."""
        there = self._access.users()
        newest = {_user(name, max(found)) for name in self._files() if (found := _generations(name, there))}
        return self._change(there, make={}, drop=there - newest)

    def _change(self, there: set[str], *, make: Mapping[str, SignIn], drop: set[str]) -> Applied:
        for sign_in in make.values():
            self._access.put_user(sign_in.user, sign_in.password)
        made = {one.user for one in make.values()}
        permitted, forbidden = self._access.permit_exactly(self._wanted((there | made) - drop))
        for name, sign_in in make.items():
            write_secret(self._files()[name], sign_in.line().encode())
        for user in drop:
            self._access.drop_user(user)
        self.hand_over()
        return Applied(tuple(sorted(made)), tuple(sorted(drop)), permitted, forbidden)

    def hand_over(self) -> None:
        """Put beside each institution's user what else its adapter needs."""
        for institution in self._served:
            folder = self._folder / _HAND_OVER / institution
            (folder / TRUSTED).write_bytes((self._folder / TRUSTED).read_bytes())
            lines = {"security_protocol": "SASL_SSL", "broker_sign_in": SIGN_IN, "ca_file": TRUSTED}
            text = "".join(f"{name} = {json.dumps(value)}\n" for name, value in lines.items())
            (folder / "adapter.toml").write_text(text, encoding="utf-8")

    def _files(self) -> dict[str, Path]:
        hub = {str(user): self._folder / _USERS / user for user in HubUser}
        adapters = {
            adapter_user(institution): self._folder / _HAND_OVER / institution / SIGN_IN for institution in self._served
        }
        return hub | adapters

    def _wanted(self, users: Iterable[str]) -> set[Permission]:
        units = {adapter_user(institution): served for institution, served in self._served.items()}
        wanted: set[Permission] = set()
        for user in users:
            name = _base(user)
            if name in units:
                wanted |= adapter_permissions(user, units[name])
            wanted |= {
                Permission(user, one.operation, one.topic, prefix=one.prefix)
                for one in HUB_PERMISSIONS
                if one.user == name
            }
        return wanted


def _next(name: str, users: Iterable[str]) -> SignIn:
    generation = max(_generations(name, users), default=0) + 1
    return SignIn(_user(name, generation), secrets.token_urlsafe(_PASSWORD_BYTES))


def _user(name: str, generation: int) -> str:
    return f"{name}.{generation}"


def _base(user: str) -> str:
    return user.rpartition(".")[0]


def _generations(name: str, users: Iterable[str]) -> list[int]:
    found = (re.fullmatch(rf"{re.escape(name)}\.(\d+)", user) for user in users)
    return sorted(int(one[1]) for one in found if one)
