"""What can go wrong between us and the broker, each with advice.

Invariant: errors of the client libraries leave this folder only as a `TransportError`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from aiokafka import errors as kafka

from projections.certificate_fault import FAULT_WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from projections.certificate_fault import CertificateFault
    from projections.kafka.outgoing import SentAt

Replacement = Literal["address", "cluster"]
"""What told that another broker answers: the published address, or the cluster id."""


class TransportError(Exception):
    """Root of this package's errors."""


class BrokerUnreachableError(TransportError):
    """No broker answered at `address`; a refused password looks the same from here."""

    def __init__(self, *, address: str, cause: str) -> None:
        super().__init__(
            f"No Kafka broker answered at {address} ({cause}). Check that it runs and that the address is right. "
            "A wrong user name or password, or plain text against a TLS listener, looks just like this: "
            "check security protocol, SASL user and password, and the CA certificate."
        )
        self.address = address


class CertificateRefusedError(BrokerUnreachableError):
    """The broker's certificate is not trusted; nothing was sent."""

    def __init__(self, *, address: str, fault: CertificateFault, told: str) -> None:
        TransportError.__init__(
            self, f"The certificate of the broker at {address} {FAULT_WORDS[fault]}. {_TO_DO[fault]} ({told})"
        )
        self.address = address
        self.fault = fault


_TO_DO: dict[CertificateFault, str] = {
    "unknown-authority": "Take the CA file from the operator anew; if it does not help, somebody else answers at that address.",
    "expired": "The operator must renew it: `spojka-hub transport rotate certificates`.",
    "not-yet-valid": "Set this computer's clock; else the operator must renew it.",
    "wrong-name": "Write the address as the operator names it; "
    "else the operator must issue one for this name: `spojka-hub transport apply --broker NAME=HOST`.",
    "other": "Send the operator this message.",
}


class NoTlsError(BrokerUnreachableError):
    """TLS was spoken to a listener that does not."""

    def __init__(self, *, address: str) -> None:
        TransportError.__init__(
            self,
            f"{address} does not speak TLS. Check the port, and that it is the broker; a broker of the full set-up speaks nothing but TLS.",
        )
        self.address = address


class SignInRefusedError(BrokerUnreachableError):
    """The broker does not know this user with this password."""

    def __init__(self, *, address: str, user: str) -> None:
        TransportError.__init__(
            self,
            f"The broker at {address} refuses the user {user or '(none)'} or its password. Take the file of user and password "
            "from the operator anew; the one before may have been retired.",
        )
        self.address = address
        self.user = user


class SignInFileError(BrokerUnreachableError):
    """The file with user and password cannot be used."""

    def __init__(self, *, path: Path, reason: str) -> None:
        TransportError.__init__(
            self,
            f"The file of user and password {path} {reason}. It holds `user:password` as the operator gave it, "
            f"for its owner's eyes: chmod 600 {path}",
        )
        self.address = ""
        self.path = path
        self.reason = reason


class CaFileError(BrokerUnreachableError):
    """The file with the authorities that are trusted cannot be used."""

    def __init__(self, *, path: Path) -> None:
        TransportError.__init__(
            self, f"The CA file {path} does not read. Ask the operator for it: certificates as PEM."
        )
        self.address = ""
        self.path = path


class BrokerReplacedError(TransportError):
    """Another broker (or a wiped one) answers now; the client must be rebuilt and positions compared again."""

    def __init__(self, *, reason: Replacement, before: str, now: str) -> None:
        super().__init__(
            f"The broker was replaced: its {reason} was {before} and is {now}. Build a new client and resume from "
            "the stored positions; nothing to do by hand."
        )
        self.reason = reason
        self.before = before
        self.now = now


class TopicMissingError(TransportError):
    """The topic, or one partition of it, does not exist."""

    def __init__(self, *, topic: str, partition: int | None = None) -> None:
        what = f"Topic {topic}" if partition is None else f"Partition {partition} of topic {topic}"
        super().__init__(
            f"{what} does not exist, or this user may not see it. Topics are made by the operator: check the name, the programme's "
            "partition count, that the unit was admitted, and that the operator ran `spojka-hub transport apply` since."
        )
        self.topic = topic
        self.partition = partition


class TopicForbiddenError(TransportError):
    """This principal may not read or write the topic."""

    def __init__(self, *, topic: str) -> None:
        super().__init__(
            f"Not authorised for topic {topic}. Ask the operator to set this institution's permissions right "
            "(`spojka-hub transport apply`): write hub.inbox, read hub.directory and the feeds of its own units."
        )
        self.topic = topic


class MessageTooLargeError(TransportError):
    """A record is larger than the producer or the broker takes."""

    def __init__(self, *, topic: str, size: int, limit: int | None = None) -> None:
        super().__init__(
            f"{size} bytes for topic {topic} are more than {limit or 'the broker takes'}. Send large content by digest only, "
            "or raise max.message.bytes of the topic and the producer's batch size together."
        )
        self.topic = topic
        self.size = size
        self.limit = limit


class SendError(TransportError):
    """Not every record was acknowledged; records are named by their index in the call.

    `sent` holds what the broker did acknowledge. An unacknowledged record may have been written all the same.
    """

    def __init__(self, *, sent: Mapping[int, SentAt], failed: Mapping[int, TransportError]) -> None:
        first = min(failed)
        super().__init__(
            f"{len(failed)} of {len(failed) + len(sent)} records were not acknowledged, the first at index {first}: "
            f"{failed[first]} Send them again in the same order; receivers drop repetitions."
        )
        self.sent = dict(sent)
        self.failed = dict(failed)

    @property
    def unacknowledged(self) -> tuple[int, ...]:
        """Indexes of the records to send again, ascending."""
        return tuple(sorted(self.failed))


def advised(error: BaseException, *, address: str, topic: str | None = None) -> TransportError:
    """The same trouble in our words, with what to do next."""
    if isinstance(error, TransportError):
        return error
    if isinstance(error, kafka.TopicAuthorizationFailedError | kafka.ClusterAuthorizationFailedError):
        return TopicForbiddenError(topic=topic or ", ".join(map(str, error.args)) or "?")
    if isinstance(error, kafka.UnknownTopicOrPartitionError | kafka.InvalidTopicError) and topic is not None:
        return TopicMissingError(topic=topic)
    return BrokerUnreachableError(address=address, cause=f"{type(error).__name__}: {error}".rstrip(": "))
