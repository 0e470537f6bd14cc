"""Where a shard's tables are: a database and the schema `shard_<n>` in it.

Invariants: every connection sees that one schema only, so queries name no schema; statements commit by themselves unless a transaction is open.
"""

from dataclasses import dataclass

from psycopg.conninfo import conninfo_to_dict

from hub.infrastructure.postgres.busy_connection import BusyConnection
from hub.infrastructure.postgres.settings import DEFAULTS, StoreSettings

_PLANS = {
    # Everything asked of a shard is found by index. Before the first ANALYZE a growing table looks empty, and a cached
    # plan would read it whole each time.
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",  # else it compiles what these settings make look dear: 100 ms a statement
    "TimeZone": "UTC",
}


@dataclass(frozen=True, slots=True)
class ShardDatabase:
    """`dsn` is a libpq address, `shard` the number of the schema."""

    dsn: str
    shard: int
    settings: StoreSettings = DEFAULTS

    @property
    def schema(self) -> str:
        """The schema's name."""
        return f"shard_{self.shard}"

    @property
    def channel(self) -> str:
        """The NOTIFY channel on which commits to the log are told."""
        return f"spojka_log_{self.shard}"

    def connect(self, *, name: str, ends_when_idle: bool = False) -> BusyConnection:
        """Open a session; `name` shows in pg_stat_activity. `ends_when_idle`: the server ends it when nothing comes for `session_seconds`."""
        limits = {"search_path": self.schema, "lock_timeout": _milliseconds(self.settings.lock_seconds), **_PLANS}
        if ends_when_idle:
            idle = _milliseconds(self.settings.session_seconds)
            limits |= {"idle_session_timeout": idle, "idle_in_transaction_session_timeout": idle}
        given = conninfo_to_dict(self.dsn).get("options") or ""
        options = " ".join([str(given), *(f"-c {name}={value}" for name, value in limits.items())]).strip()
        return BusyConnection.connect(
            self.dsn,
            autocommit=True,
            options=options,
            application_name=f"spojka-{name}-{self.shard}",
            connect_timeout=self.settings.connect_seconds,
            tcp_user_timeout=_milliseconds(self.settings.session_seconds),
        )


def _milliseconds(seconds: float) -> str:
    return str(round(seconds * 1000))
