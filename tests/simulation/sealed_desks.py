"""The units of the story with their own desks, in a programme that is no trial: content is sealed, and a key service gives the keys.

Releases reach a unit before or after the entries that they open, as the test says.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from adapters.storage.feed import ReleaseItem
from contracts.names import MessageId
from contracts.sealing.content import open_content, open_with_message_key, sealed_under
from contracts.sealing.release import open_release
from tests.simulation.desks import Town
from tests.simulation.sealed import SealedSimulation


class SealedTown(Town):
    """`Town`, with keys. `keys_first` says whether a unit's keys come in front of what its feed brings, or a round behind it."""

    hub: SealedSimulation

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, SealedSimulation(deposit_days=800))
        self.keys_first = True
        self._released = dict.fromkeys(self.units, 0)

    def settle(self) -> None:
        """Until nothing moves any more, keys included."""
        moved = True
        while moved:
            sent = sum(unit.send() for unit in self.units.values())
            self.hub.relay_all()
            keys = self._keys() if self.keys_first else {}
            read = self._receive(keys)
            if not self.keys_first:
                keys = self._keys()
                read += self._receive(keys)
            moved = sent + read + sum(len(some) for some in keys.values()) > 0

    def _receive(self, keys: Mapping[str, Sequence[ReleaseItem]]) -> int:
        """Let the units for whom there is something read it."""
        concerned = [(name, unit) for name, unit in self.units.items() if unit.has_news or keys.get(name)]
        return sum(unit.receive(keys.get(name, ())) for name, unit in concerned)

    def _keys(self) -> dict[str, list[ReleaseItem]]:
        """What the key service has released since, opened as each unit opens it."""
        self.hub.serve()
        found = {}
        for name in self.units:
            releases = self.hub.produced.get(self.units[name].name, [])[self._released[name] :]
            self._released[name] += len(releases)
            found[name] = [ReleaseItem(one, open_release(one, self.hub.encryption[name])) for one in releases]
        return found

    def could_open(self, unit: str, name: MessageId) -> bool:
        """Whether the keys that lie in a unit's database open an entry, wherever it may get that from."""
        message = self.hub.sent(name)
        with self.units[unit].store.read() as tx:
            opening = tx.opening_keys.of_entries([(sealed_under(message) or "", name)]).get(name)
        if opening is None:
            return False
        opened = (
            open_content(message, opening.content_key)
            if opening.whole
            else open_with_message_key(message, opening.secret)
        )
        return opened.data.sealed != message.data.sealed
