"""The trust list's versions as files of the home folder."""

from datetime import UTC, datetime
from pathlib import Path

from contracts.dsse import from_envelope, to_envelope
from contracts.keys import SigningKey
from contracts.messages.hub import TrustListPublished
from contracts.pae import PayloadType
from contracts.trust_list import Directory, TrustList, read_trust_list, sign_trust_list
from hub.application.programme import as_told
from hub.entrypoints.house import first_directory


def save(home: Path, listed: TrustList, root: SigningKey) -> None:
    """Sign a version with the root key and keep it."""
    envelope = to_envelope(sign_trust_list(listed, root), PayloadType.TRUST_LIST)
    (home / f"trust-list-{listed.version}.dsse.json").write_bytes(envelope)


def versions(home: Path) -> list[Path]:
    """The files of all versions in order. Raises `SettingsError` where there is none."""
    found = sorted(home.glob("trust-list-*.dsse.json"), key=lambda path: int(path.name.split("-")[2].split(".")[0]))
    if not found:
        first_directory(home)
    return found


def newest(home: Path) -> Directory:
    """The newest version, each checked against the one before."""
    directory, _ = first_directory(home)
    for path in versions(home)[1:]:
        signed, _ = from_envelope(path.read_bytes())
        issued = TrustList.model_validate_json(signed.payload).issued_at
        directory = read_trust_list(signed, before=directory, roots={}, at=issued)
    return directory


def published(path: Path, now: datetime) -> tuple[TrustListPublished, datetime]:
    """A version as the hub tells it, under the time when it was issued, so that it is the same message each time."""
    envelope = path.read_bytes()
    signed, _ = from_envelope(envelope)
    return as_told(envelope), min(TrustList.model_validate_json(signed.payload).issued_at, now)


def issue_date(directory: Directory, at: datetime | None) -> datetime:
    """When the next version is issued: never before the one before."""
    return max((at or datetime.now(UTC)).astimezone(UTC), directory.listed.issued_at)
