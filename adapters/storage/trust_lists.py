"""The trust lists that this unit has verified.

Invariant: what is kept was verified before by `contracts.trust_list`; versions are kept, so that the chain can be shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from adapters.storage.tables import TRUST_LIST
from adapters.storage.upsert import upsert


@dataclass(frozen=True, slots=True)
class KeptTrustList:
    """A verified list as DSSE envelope."""

    version: int
    envelope: bytes
    received_at: datetime


class TrustLists:
    """The lists over one open connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def keep(self, trust_list: KeptTrustList) -> None:
        """Keep a verified list."""
        row = {
            "version": trust_list.version,
            "envelope": trust_list.envelope,
            "received_at": trust_list.received_at,
        }
        upsert(self._connection, TRUST_LIST, [row])

    def latest(self) -> KeptTrustList | None:
        """The newest list, None before the first came."""
        rows = self._connection.execute(select(TRUST_LIST).order_by(TRUST_LIST.c.version.desc()).limit(1))
        row = rows.one_or_none()
        return None if row is None else KeptTrustList(row.version, row.envelope, row.received_at)

    def all(self) -> Sequence[KeptTrustList]:
        """All lists in the order of their versions, as `read_envelope` checks them one after the other."""
        rows = self._connection.execute(select(TRUST_LIST).order_by(TRUST_LIST.c.version))
        return [KeptTrustList(row.version, row.envelope, row.received_at) for row in rows]
