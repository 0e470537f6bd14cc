"""Auditors' tokens: issued, checked, replaced, ended; one file each in the hub's home folder.

Invariants: the text of a token is told once and stored nowhere, only its SHA-256 (its secret has 256 random bits, so nothing can be guessed from
that); files are readable by their owner alone and never deleted, so that a list shows who once was let in; comparing takes the same time whatever is
wrong. Each check reads the file, so that a token that was ended by another process lets nobody in from that moment.
"""

import hmac
import os
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from contracts.names import ActorId, Sha256Hex
from hub.application.ports import Clock, HubError
from hub.entrypoints.settings import HubSettings
from projections.process.clock import clock_of

ROLE: Final = "auditor"
_ID_BYTES: Final = 5
_SECRET_BYTES: Final = 32
_FORM: Final = re.compile(r"spojka-audit\.([0-9a-f]{10})\.[A-Za-z0-9_-]{43}")
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,60}")
_NOBODY: Final = sha256(b"").hexdigest()


class TokenError(HubError):
    """There is no such token, or it cannot be made like that."""


class KeptToken(BaseModel):
    """A token without its secret."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    token_id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{10}$")]
    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,60}$")]
    digest: Sha256Hex
    made_at: datetime
    ends_at: datetime | None = None
    """Not from then on; None: until it is ended."""

    @property
    def reader(self) -> ActorId:
        """The auditor as the log and the client read it."""
        return ActorId(f"{ROLE}/{self.name}")

    def valid(self, at: datetime) -> bool:
        """True while it lets somebody in."""
        return self.ends_at is None or at < self.ends_at


@dataclass(frozen=True, slots=True)
class Issued:
    """A new token. `text` is to be handed over now: it cannot be told again."""

    text: str
    kept: KeptToken


class AuditorTokens:
    """The tokens of a hub. All methods raise `TokenError` where the folder cannot be used."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock

    def issue(self, name: str, *, valid: timedelta | None = None) -> Issued:
        """Make a token for an auditor of this name. Raises `TokenError` for a name that cannot stand in the log."""
        if _NAME.fullmatch(name) is None:
            raise TokenError(
                "That name cannot stand in the log.",
                advice="Use up to 60 letters, digits, dots, dashes: a pseudonym such as dpo-1, since clients read it.",
            )
        token_id, now = secrets.token_hex(_ID_BYTES), self._clock.now()
        text = f"spojka-audit.{token_id}.{secrets.token_urlsafe(_SECRET_BYTES)}"
        kept = KeptToken(
            token_id=token_id,
            name=name,
            digest=sha256(text.encode()).hexdigest(),
            made_at=now,
            ends_at=None if valid is None else now + valid,
        )
        self._keep(kept)
        return Issued(text, kept)

    def rotate(self, token_id: str) -> Issued:
        """A new token for the same auditor, for as long as this one was made for; this one ends now. Raises `TokenError` where it is not valid."""
        old = self._named(token_id)
        if not old.valid(self._clock.now()):
            raise TokenError(f"Token {token_id} has ended.", advice="Make a new one.")
        issued = self.issue(old.name, valid=None if old.ends_at is None else old.ends_at - old.made_at)
        self.end(token_id)
        return issued

    def end(self, token_id: str) -> None:
        """It lets nobody in from now on. Raises `TokenError` where there is none."""
        old, now = self._named(token_id), self._clock.now()
        if old.valid(now):
            self._keep(old.model_copy(update={"ends_at": now}))

    def all(self) -> Sequence[KeptToken]:
        """Every token that there ever was, the oldest first."""
        found = [self._read(path.stem) for path in self._folder.glob("*.json")]
        return sorted((one for one in found if one is not None), key=lambda one: (one.made_at, one.token_id))

    def checked(self, text: str) -> KeptToken | None:
        """The token that this is, while it is valid; None for everything else."""
        found = _FORM.fullmatch(text)
        token = None if found is None else self._read(found[1])
        same = hmac.compare_digest(sha256(text.encode()).hexdigest(), _NOBODY if token is None else token.digest)
        return token if token is not None and same and token.valid(self._clock.now()) else None

    def still(self, token: KeptToken) -> bool:
        """Whether a token that was checked before still lets somebody in."""
        kept = self._read(token.token_id)
        return kept is not None and kept.digest == token.digest and kept.valid(self._clock.now())

    def _named(self, token_id: str) -> KeptToken:
        found = self._read(token_id) if re.fullmatch(r"[0-9a-f]{10}", token_id) else None
        if found is None:
            raise TokenError("There is no such token.", advice="See `spojka-audit token list`.")
        return found

    def _read(self, token_id: str) -> KeptToken | None:
        try:
            return KeptToken.model_validate_json((self._folder / f"{token_id}.json").read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            raise TokenError(
                f"Token {token_id} does not read ({type(error).__name__}).", advice="Restore its file, or delete it."
            ) from error

    def _keep(self, token: KeptToken) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            fresh = self._folder / f"{token.token_id}.new"
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(token.model_dump_json(exclude_none=True))
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._folder / f"{token.token_id}.json")
        except OSError as error:
            raise TokenError(
                f"The token cannot be kept in {self._folder} ({type(error).__name__}).", advice="Make room, or rights."
            ) from error


def tokens_of(settings: HubSettings) -> AuditorTokens:
    """The auditors' tokens of a hub."""
    return AuditorTokens(settings.home / "auditors", clock_of(settings.clock))
