"""Brokers that die: what a fault test does to one, whether it is the embedded one or real Kafka."""

from abc import ABC, abstractmethod

from deploy.servers.embedded_broker import EmbeddedBroker
from deploy.servers.kafka_broker import KafkaBroker


class MortalBroker(ABC):
    """A running broker."""

    @property
    @abstractmethod
    def bootstrap(self) -> str:
        """Where it is now."""

    @abstractmethod
    def kill_and_restart(self) -> None:
        """SIGKILL; back with what it had on disk."""

    @abstractmethod
    def lose_everything(self) -> None:
        """SIGKILL; back with nothing."""

    @abstractmethod
    def pause(self) -> None:
        """SIGSTOP."""

    @abstractmethod
    def resume(self) -> None:
        """SIGCONT."""


class MortalEmbedded(MortalBroker):
    """Keeps nothing over a restart, and comes back elsewhere."""

    def __init__(self, server: EmbeddedBroker) -> None:
        self.server = server

    @property
    def bootstrap(self) -> str:
        return self.server.bootstrap

    def kill_and_restart(self) -> None:
        self.server.kill()
        self.server.start()

    lose_everything = kill_and_restart

    def pause(self) -> None:
        self.server.pause()

    def resume(self) -> None:
        self.server.resume()


class MortalKafka(MortalBroker):
    """Keeps its address always, and its data over a restart."""

    def __init__(self, server: KafkaBroker) -> None:
        self.server = server

    @property
    def bootstrap(self) -> str:
        return self.server.bootstrap

    def kill_and_restart(self) -> None:
        self.server.kill()
        self.server.start()

    def lose_everything(self) -> None:
        self.server.wipe()

    def pause(self) -> None:
        self.server.pause()

    def resume(self) -> None:
        self.server.resume()
