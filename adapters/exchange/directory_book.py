"""The trust lists that one unit has verified, and the newest of them at hand.

Invariants: versions are taken in order, each signed by a root key of the one before and naming its digest; each is checked at its own date, which
never runs backwards, since whoever was away for a year must still be able to follow; whether the newest has expired is asked when it is used. A
lower version changes nothing; another list under a known number is an alarm.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

import structlog

from adapters.errors import AdapterError
from adapters.storage.alarms import AlarmKind
from adapters.storage.trust_lists import KeptTrustList
from adapters.storage.unit_store import Transaction, UnitStore
from contracts.dsse import from_envelope
from contracts.errors import ContractsError
from contracts.keys import VerifyingKey
from contracts.names import KeyId, UnitId
from contracts.pae import PayloadType
from contracts.signed_bytes import SignatureError, verify
from contracts.trust_list import Directory, TrustList, TrustListError, UnitEntry, read_envelope

_log = structlog.get_logger("spojka.directory")


class NoDirectoryError(AdapterError):
    """There is no trust list that could be used now."""


@dataclass(frozen=True, slots=True)
class Added:
    """A list that follows the ones before; `own_entry_changed` when it says something new about this unit."""

    directory: Directory
    own_entry_changed: bool


@dataclass(frozen=True, slots=True)
class Known:
    """A list that was taken before."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A list that cannot be trusted, and why."""

    problem: str
    advice: str


@dataclass(slots=True)
class DirectoryAlarms:
    """What a person should look at, since this process started."""

    refused: int = 0
    own_entry_changed_in: list[int] = field(default_factory=list)
    """Versions that changed what the list says about this unit."""


class DirectoryBook:
    """One unit's trust lists. `roots` are the root keys of enrolment, used for the first list only."""

    def __init__(self, store: UnitStore, *, unit: UnitId, roots: Mapping[KeyId, VerifyingKey]) -> None:
        self._store = store
        self._unit = unit
        self._roots = roots
        self._newest: Directory | None = None
        self.alarms = DirectoryAlarms()
        with store.read() as tx:
            self._newest = _stored(tx)

    @property
    def newest(self) -> Directory | None:
        """The newest list, expired or not; None before the first."""
        return self._newest

    def reload(self) -> Directory | None:
        """The newest list, another process's included."""
        with self._store.read() as tx:
            kept = tx.trust_lists.latest()
            if kept is not None and (self._newest is None or kept.version != self._newest.version):
                self._newest = _stored(tx)
        return self._newest

    def usable(self, at: datetime) -> Directory:
        """The newest list, to judge others by. Raises `NoDirectoryError` where there is none, or it has expired."""
        if self._newest is None:
            raise NoDirectoryError("No trust list has come yet", advice="Wait for hub.directory, or ask the operator.")
        if at >= self._newest.listed.expires_at:
            raise NoDirectoryError(
                f"Trust list {self._newest.version} expired at {self._newest.listed.expires_at}",
                advice="Nothing more is taken from the hub until the operator publishes a fresh list.",
            )
        return self._newest

    def offer(self, tx: Transaction, envelope: bytes, *, at: datetime) -> Added | Known | Refused:
        """Take a list that follows, within the caller's transaction; `newest` changes only with `keep`."""
        before = _stored(tx)
        try:
            signed, _ = from_envelope(envelope)
            listed = TrustList.model_validate_json(signed.payload)
        except (ContractsError, ValueError) as error:
            return Refused(f"not a trust list ({type(error).__name__})", "Keep the list before and ask the operator.")
        if before is not None and listed.version <= before.version:
            return self._again(tx, before, listed.version, evidence=envelope, at=at)
        if before is not None and listed.issued_at < before.listed.issued_at:
            return Refused(f"version {listed.version} is older than the one before", "Ask the operator.")
        try:
            directory = read_envelope(envelope, before=before, roots=self._roots, at=listed.issued_at)
        except TrustListError as error:
            return Refused(error.problem, error.advice)
        tx.trust_lists.keep(KeptTrustList(directory.version, envelope, at))
        changed = before is not None and self._entry(before) != self._entry(directory)
        if before is not None and changed and self._entry(before) is not None:  # being admitted is no surprise
            detail = f"version {directory.version}"
            tx.alarms.ring(AlarmKind.OWN_ENTRY_CHANGED, detail=detail, evidence=envelope, at=at)
        return Added(directory, changed)

    def keep(self, added: Added) -> None:
        """The transaction that took this list was committed: from now on it is the newest, and a person is told what matters."""
        self._newest = added.directory
        _log.info("trust list taken", version=added.directory.version)
        if added.own_entry_changed:
            self.alarms.own_entry_changed_in.append(added.directory.version)
            _log.warning(
                "the trust list says something new about this unit",
                version=added.directory.version,
                advice="Compare it with what was agreed with the operator: keys, roles, mandates.",
            )

    def _entry(self, directory: Directory) -> UnitEntry | None:
        return directory.units.get(self._unit)

    @staticmethod
    def _again(tx: Transaction, before: Directory, version: int, *, evidence: bytes, at: datetime) -> Known | Refused:
        digest = from_envelope(evidence)[0].digest
        for kept in tx.trust_lists.all():
            if kept.version == version and from_envelope(kept.envelope)[0].digest != digest:
                if _root_signed(evidence, before):
                    tx.alarms.ring(AlarmKind.LIST_FORKED, detail=f"version {version}", evidence=evidence, at=at)
                return Refused(
                    f"another list than the one known under version {version}",
                    "Somebody shows different lists: compare the digests with the operator and another institution.",
                )
        return Known()


def _root_signed(envelope: bytes, directory: Directory) -> bool:
    """Whether a root key of a known list signed it: anything else that lies on the topic says nothing about the operator."""
    signed, payload_type = from_envelope(envelope)
    keys = {entry.key_id: entry.verifying_key() for entry in directory.listed.root_keys}
    try:
        verify(signed, keys[signed.key_id], payload_type)
    except (KeyError, SignatureError):
        return False
    return payload_type is PayloadType.TRUST_LIST


def _stored(tx: Transaction) -> Directory | None:
    """The newest list; what is stored was verified when it came."""
    kept = tx.trust_lists.latest()
    if kept is None:
        return None
    payload = from_envelope(kept.envelope)[0].payload
    return Directory(TrustList.model_validate_json(payload), sha256(payload).digest())
