"""How a unit is, from its database alone: what a command shows and `/health` tells.

Invariant: counts and coded states only. `fail` is what stops the unit's work with the hub; `warn` is what a person should look at.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from adapters.exchange.directory_book import NoDirectoryError
from adapters.exchange.feed_intake import tips_of
from adapters.process import metrics
from adapters.process.showing import lease_of
from adapters.process.unit_house import UnitHouse
from adapters.storage.alarms import Alarm
from adapters.storage.outbox import OutboxState
from adapters.storage.polls import KeptPoll
from adapters.storage.unit_store import Transaction
from projections.process.health import Health, Status


@dataclass(frozen=True, slots=True)
class FollowerState:
    """One follower of the journal at one moment."""

    name: str
    behind: int
    """Changes that it has not taken yet; where revisions have gaps, fewer."""
    failures: int
    problem: str | None
    """What stops it; None while all is well."""

    def health(self) -> dict[str, object]:
        """As the endpoint tells it."""
        return {"behind": self.behind, "failures": self.failures, "problem": self.problem}


@dataclass(frozen=True, slots=True)
class UnitState:
    """One unit at one moment."""

    outbox: Mapping[OutboxState, int]
    held: int
    to_correct: int
    duties: int
    duties_overdue: int
    emergencies: int
    """Openings that a second person has yet to judge."""
    emergencies_overdue: int
    suspicious: Mapping[str, int]
    feed: Mapping[int, int]
    """The last slot of each shard."""
    trust_list: int
    list_usable: bool
    own_key_valid: bool
    others_hidden: str | None
    """Why entries of others do not show; None when they do."""
    followers: tuple[FollowerState, ...] = ()
    polls: tuple[KeptPoll, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    """What nobody has dismissed."""
    ledger: Mapping[int, int] = field(default_factory=dict)
    """How far each shard's ledger was seen."""
    proofs: tuple[int, int] = (0, 0)
    """Own messages whose place in the ledger is proven, and those that wait for it."""

    @property
    def status(self) -> Status:
        """`fail` where nothing can be sent or taken; `warn` where a person should look."""
        if not (self.list_usable and self.own_key_valid):
            return "fail"
        stopped = any(one.problem for one in self.followers) or any(one.problem for one in self.polls)
        late = self.duties_overdue or self.emergencies_overdue
        look = self.to_correct or late or self.suspicious or self.others_hidden or stopped or self.alarms
        return "warn" if look else "pass"

    def health(self) -> Health:
        """As the endpoint tells it."""
        checks: dict[str, object] = {
            "waiting_to_be_sent": self.outbox[OutboxState.WAITING],
            "sent_without_receipt": self.outbox[OutboxState.SENT],
            "held": self.held,
            "to_correct": self.to_correct,
            "duties": self.duties,
            "duties_overdue": self.duties_overdue,
            "emergencies": self.emergencies,
            "emergencies_overdue": self.emergencies_overdue,
            "suspicious": dict(self.suspicious),
            "feed": {str(shard): sequence for shard, sequence in self.feed.items()},
            "ledger": {str(shard): size for shard, size in self.ledger.items()},
            "proven": self.proofs[0],
            "to_prove": self.proofs[1],
            "alarms": {str(one.number): one.kind.value for one in self.alarms},
            "trust_list": self.trust_list,
            "list_usable": self.list_usable,
            "own_key_valid": self.own_key_valid,
            "others_hidden": self.others_hidden,
            "followers": {one.name: one.health() for one in self.followers},
            "polls": {one.name: _poll_health(one) for one in self.polls},
        }
        return Health(self.status, checks)


def state_of(house: UnitHouse) -> UnitState:
    """Look at a unit now."""
    at = house.clock.now()
    directory = house.directory
    lease = house.settings.lease
    with house.store.read() as tx:
        hidden = lease_of(tx, length=lease, shards=directory.listed.shards).hidden(at)
        duties, emergencies = tx.obligations.unanswered(), tx.emergencies.unjudged()
        return UnitState(
            outbox=tx.outbox.counts(),
            held=len(tx.held.all()),
            to_correct=len(tx.quarantine.open_items()),
            duties=len(duties),
            duties_overdue=sum(one.overdue or one.facts.due <= at for one in duties),
            emergencies=len(emergencies),
            emergencies_overdue=sum(one.overdue(at) for one in emergencies),
            suspicious=tx.suspicious.counts(),
            feed={shard: tip.sequence for shard, tip in tips_of(tx.places.chains()).items()},
            trust_list=directory.version,
            list_usable=_usable(house, at),
            own_key_valid=_own_key_valid(house, at),
            others_hidden=None if hidden is None else hidden.value,
            followers=_followers(tx),
            polls=tuple(tx.polls.all()),
            alarms=tuple(tx.alarms.open()),
            ledger=tx.ledger.sizes(),
            proofs=tx.proofs.counts(),
        )


def _poll_health(one: KeptPoll) -> dict[str, object]:
    polled = None if one.polled_at is None else one.polled_at.isoformat()
    return {
        "polled_at": polled,
        "rows": one.rows,
        "to_correct": one.refused,
        "failures": one.failures,
        "problem": one.problem,
    }


def _followers(tx: Transaction) -> tuple[FollowerState, ...]:
    end = tx.journal.last_revision()
    return tuple(
        FollowerState(one.name, max(0, end - one.position), one.failures, one.problem) for one in tx.followers.at_work()
    )


def _usable(house: UnitHouse, at: datetime) -> bool:
    try:
        house.book.usable(at)
    except NoDirectoryError:
        return False
    return True


def _own_key_valid(house: UnitHouse, at: datetime) -> bool:
    """Before admission the list does not know the key; what is recorded waits."""
    known = house.directory.key(house.desk.signer.current.key_id)
    return known is not None and known[0].valid(at)


def measure(house: UnitHouse, state: UnitState) -> None:
    """Set the metrics of a unit."""
    unit = house.unit
    for name, count in state.outbox.items():
        metrics.OUTBOX.labels(unit, name.value).set(count)
    for reason, count in state.suspicious.items():
        metrics.SUSPICIOUS.labels(unit, reason).set(count)
    for shard, sequence in state.feed.items():
        metrics.FEED_SEQUENCE.labels(unit, str(shard)).set(sequence)
    for follower in state.followers:
        metrics.FOLLOWER_BEHIND.labels(unit, follower.name).set(follower.behind)
        metrics.FOLLOWER_FAILURES.labels(unit, follower.name).set(follower.failures)
    metrics.ALARMS.labels(unit).set(len(state.alarms))
    metrics.PROVEN.labels(unit).set(state.proofs[0])
    metrics.TO_PROVE.labels(unit).set(state.proofs[1])
    for shard, size in state.ledger.items():
        metrics.LEDGER_SIZE.labels(unit, str(shard)).set(size)
    metrics.HELD.labels(unit).set(state.held)
    metrics.TO_CORRECT.labels(unit).set(state.to_correct)
    metrics.DUTIES.labels(unit).set(state.duties)
    metrics.TRUST_LIST.labels(unit).set(state.trust_list)
    metrics.OTHERS_SHOWN.labels(unit).set(state.others_hidden is None)
