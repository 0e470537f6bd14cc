"""Who is signed in at the auditor's page.

Invariants: sessions live in memory and end with the process, after half an hour without a request, and after eight hours; what the browser holds is
random and kept here only as its SHA-256; there are never more than `MOST`, the one used longest ago goes first.
"""

import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from threading import Lock
from typing import Final

from hub.audit.page.tokens import KeptToken

MOST: Final = 200
IDLE_SECONDS: Final = 30 * 60
WHOLE_SECONDS: Final = 8 * 3600
_BYTES: Final = 32


@dataclass(slots=True)
class Session:
    """One auditor at one browser, with what is looked for."""

    token: KeptToken
    purpose: str
    """A code of `audit-purpose`."""
    form: str
    """What a form of this session bears, so that no other site can send one."""
    began: float
    used: float
    told: dict[tuple[object, ...], float] = field(default_factory=dict)
    """Which looks are on record, and since when."""


class Sessions:
    """All of them."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._open: OrderedDict[bytes, Session] = OrderedDict()
        self._turn = Lock()

    def begin(self, token: KeptToken, purpose: str) -> str:
        """A new session; returns what its browser is to hold."""
        now, name = self._clock(), secrets.token_urlsafe(_BYTES)
        with self._turn:
            self._open[_digest(name)] = Session(token, purpose, secrets.token_urlsafe(_BYTES), now, now)
            while len(self._open) > MOST:
                self._open.popitem(last=False)
        return name

    def find(self, name: str) -> Session | None:
        """The session of a browser, while it lasts; from now on it was used."""
        key, now = _digest(name), self._clock()
        with self._turn:
            found = self._open.get(key)
            if found is None:
                return None
            if now - found.used > IDLE_SECONDS or now - found.began > WHOLE_SECONDS:
                del self._open[key]
                return None
            found.used = now
            self._open.move_to_end(key)
            return found

    def end(self, name: str) -> None:
        """It is over."""
        with self._turn:
            self._open.pop(_digest(name), None)


def _digest(name: str) -> bytes:
    return sha256(name.encode()).digest()
