"""The desk of one unit, opened for an import from the adapter's settings.

Invariant: what is opened here is closed when the import ends. Imported only by a real import: a dry run needs none of it.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path

from adapters.connectors import reference_secret
from adapters.desk.desk import Desk
from adapters.desk.standing import standing
from adapters.drafts import ClientKey
from adapters.errors import AdapterError
from adapters.process.unit_house import UnitHouse
from adapters.settings import AdapterSettings, load_settings
from adapters.storage.unit_store import UnitStore
from contracts.names import MessageId, ReferralId, UnitId
from contracts.referral_table import ReferralState
from projections.process.clock import Clock


class UnitChoiceError(AdapterError):
    """It is not clear for which unit to import."""


class StoredRows:
    """What was imported into this unit's database before."""

    def __init__(self, store: UnitStore) -> None:
        self._store = store

    def messages_of(self, local_keys: Sequence[str]) -> Mapping[str, MessageId]:
        """The messages that rows became, by local key."""
        with self._store.read() as tx:
            return {key: row.message_id for key, row in tx.import_rows.find(local_keys).items()}


class StoredReferrals:
    """Where referrals stand by what is in this unit's database, held messages included."""

    def __init__(self, store: UnitStore) -> None:
        self._store = store

    def standing(self, client: ClientKey, referral_id: ReferralId) -> ReferralState | None:
        """The state of a client's referral; None where nothing of it is here."""
        with self._store.read() as tx:
            subject = tx.clients.subject_of(client)
            entries = () if subject is None else tx.journal.of_subject(subject)
        return standing(entries, referral_id)

    def has(self, entry: str) -> bool:
        """Whether an entry of this id is in the database."""
        with self._store.read() as tx:
            return tx.journal.find(MessageId(entry)) is not None


@dataclass(frozen=True, slots=True)
class UnitDesk:
    """All that an import needs of one unit."""

    desk: Desk
    known: StoredRows
    zone: tzinfo
    clock: Clock
    secret: bytes
    referrals: StoredReferrals


@contextmanager
def open_unit(home: Path | None, unit: str | None) -> Iterator[UnitDesk]:
    """Open the unit's desk. Raises `AdapterError`s of settings, keys and store, and `UnitChoiceError`."""
    settings = load_settings(home)
    house = UnitHouse.open(settings, _choose(settings, unit))
    try:
        secret = reference_secret.load_or_create(house.folder)
        yield UnitDesk(
            house.desk, StoredRows(house.store), house.directory.zone, house.clock, secret, StoredReferrals(house.store)
        )
    finally:
        house.close()


def _choose(settings: AdapterSettings, unit: str | None) -> UnitId:
    names = settings.unit_names
    if unit is None and len(names) == 1:
        return names[0]
    if unit not in names:
        raise UnitChoiceError(
            f"There is no unit {unit} here" if unit else "This adapter serves several units",
            advice=f"Name one by --unit: {', '.join(names) or 'none is set up yet'}.",
        )
    return UnitId(unit)
