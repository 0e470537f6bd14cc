"""What the key service released and destroyed, back into the log as the hub's own messages (DESIGN section 9: it records key id, recipient and hash).

Invariants: as of `hub.application.reporting`: a range is fixed before it is told, its id and bytes follow from shard and range, and it is told until
the log holds it. Signed by the key service's own key for messages: no other part of the hub can say it.
"""

from datetime import datetime, timedelta
from typing import Final

from contracts.messages.erasure import ErasureCarriedOut
from contracts.messages.key import KeyReleased
from contracts.names import RecordKey, SubjectId
from contracts.signed_bytes import SignedBytes
from hub.application.hub_voice import HubVoice
from hub.application.key_ports import KeyLog, KeyReport, KeyStore
from hub.application.reporting import Told

AT_ONCE: Final = 500
"""Releases in one report: the longest names still fit a record."""


class KeyReporting:
    """Tells the log of one shard. Not thread-safe."""

    def __init__(self, store: KeyStore, log: KeyLog, voice: HubVoice, *, shard: int) -> None:
        self._store = store
        self._log = log
        self._voice = voice
        self._shard = shard

    def next(self, at: datetime) -> Told | None:
        """The report that the log does not hold yet, the same until it does; None where all is told. Call it when everything was produced."""
        while (report := self._store.report(at=at, limit=AT_ONCE)) is not None:
            told = self._told(report)
            if not self._log.find([(self._voice.source, told.message_id)]):
                return told
            self._store.reported(report)
        return None

    def erasures(self, *, beyond: timedelta) -> list[tuple[RecordKey, SignedBytes]]:
        """What the log is still to be told of erasures that were carried out, each with its record key; `beyond`: how long backups are kept."""
        said = []
        for one in self._store.carried_out():
            facts = ErasureCarriedOut(
                request_id=one.request, entries=one.entries, keys=one.keys, live_at=one.at, beyond_at=one.at + beyond
            )
            name = f"erasure/{one.request}"
            message_id, signed = self._voice.say(facts, name=name, at=one.at, subject=SubjectId(one.key))
            if self._log.find([(self._voice.source, message_id)]):
                self._store.told(one.request)
            else:
                said.append((one.key, signed))
        return said

    def _told(self, report: KeyReport) -> Told:
        facts = KeyReleased(shard=self._shard, releases=report.releases)
        name = f"key-release/{self._shard}/{report.first}-{report.through}"
        message_id, signed = self._voice.say(facts, name=name, at=report.at)
        return Told(message_id, signed, len(report.releases))
