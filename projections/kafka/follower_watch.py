"""What a follower tells about itself: hooks for metrics and alarms, all optional.

Invariant: reasons are a closed list, since they become metric labels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from projections.kafka.errors import (
    BrokerReplacedError,
    BrokerUnreachableError,
    TopicForbiddenError,
    TopicMissingError,
    TransportError,
)

if TYPE_CHECKING:
    from projections.kafka.positions import InputPosition, Resume

RebuildReason = Literal[
    "broker-replaced",  # another address or cluster id answers
    "broker-unreachable",  # down, hanging, or the password is refused
    "topic-missing",  # not created yet, or deleted
    "topic-forbidden",  # the principal's ACL does not allow it
    "transport",  # other trouble between us and the broker
    "unexpected",  # positions could not be read, or a fault of ours
]


class FollowerWatch:
    """Override what you want to count; every method does nothing by default and must not block."""

    def batch_handled(self, *, records: int, seconds: float) -> None:
        """A batch is done, `seconds` after it was handed over (retries included)."""

    def batch_failed(self, error: Exception, *, attempt: int) -> None:
        """The handler raised; the same batch comes again."""

    def input_lost(self, stored: InputPosition, resume: Resume) -> None:
        """The broker no longer has what was read; reading starts again at `resume.offset`."""

    def client_rebuilt(self, reason: RebuildReason, error: Exception) -> None:
        """The Kafka client is thrown away and built again."""


def rebuild_reason(error: BaseException) -> RebuildReason:
    """The metric label of the trouble that ended a client."""
    labels: dict[type[TransportError], RebuildReason] = {
        BrokerReplacedError: "broker-replaced",
        BrokerUnreachableError: "broker-unreachable",
        TopicMissingError: "topic-missing",
        TopicForbiddenError: "topic-forbidden",
        TransportError: "transport",
    }
    return next((label for kind, label in labels.items() if isinstance(error, kind)), "unexpected")
