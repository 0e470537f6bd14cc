"""What guards `/health` and `/metrics` where other machines may ask: from settings to TLS and a token, checked at start."""

from pathlib import Path
from typing import Protocol

from hub.entrypoints.settings import SettingsError
from hub.infrastructure.transport.secret_files import read_secret
from projections.process.health import Guard
from projections.process.loopback import is_loopback


class Face(Protocol):
    """Settings of a process that serves health and metrics."""

    @property
    def host(self) -> str:
        """Where it listens."""

    @property
    def host_certificate(self) -> Path | None:
        """PEM file of its certificate."""

    @property
    def host_key(self) -> Path | None:
        """PEM file of its private key."""

    @property
    def host_token_file(self) -> Path | None:
        """File of the token that askers show."""


def guard_of(settings: Face) -> Guard | None:
    """None on this machine alone, unless a guard is set. Raises `SettingsError`, `SecretFileError`."""
    parts = (settings.host_certificate, settings.host_key, settings.host_token_file)
    if parts == (None, None, None) and is_loopback(settings.host):
        return None
    certificate, key, token_file = parts
    if certificate is None or key is None or token_file is None:
        raise SettingsError(
            f"Health and metrics on {settings.host} would be open to others, or their guard is not whole.",
            advice="Set host_certificate, host_key and host_token_file together, or leave host at 127.0.0.1.",
        )
    read_secret(key)
    return Guard(certificate, key, read_secret(token_file))
