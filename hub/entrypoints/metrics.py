"""Names of the hub's metrics, in one place; none bears anything about a person."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

DECIDED: Final = Counter("spojka_hub_decided_total", "Messages decided, by verdict and code.", ["verdict", "code"])
DEAD_LETTERS: Final = Counter("spojka_hub_dead_letters_total", "Records that spoke for nobody, by reason.", ["reason"])
REPEATED: Final = Counter("spojka_hub_repeated_total", "Messages that came again with the same bytes.")
BEYOND_HOLE: Final = Counter("spojka_hub_beyond_hole_total", "Messages not decided because one before them is missing.")
PARKED: Final = Gauge(
    "spojka_hub_parked", "Messages parked after an unexpected fault: look at `spojka-hub parked list`."
)
BATCH_SECONDS: Final = Histogram("spojka_hub_batch_seconds", "From a polled batch to its commit.")
POSITION: Final = Gauge("spojka_hub_position", "The next free position of the log.")
INPUT_LAG: Final = Gauge("spojka_hub_input_lag", "Records of the inbox not read yet.")
RELAYED: Final = Counter("spojka_hub_relayed_total", "Feed records produced, by kind.", ["kind"])
RELAY_LAG: Final = Gauge("spojka_hub_relay_lag", "Events of the log not relayed yet.")
TIMERS: Final = Counter("spojka_hub_timers_total", "Timers that fired.")
TIMERS_STUCK: Final = Gauge(
    "spojka_hub_timers_stuck", "Timers that met an unexpected fault; the next writer tries them again."
)
REPORTED: Final = Counter("spojka_hub_reported_total", "Slots of feeds that the log was told.")
LAST_HEAD: Final = Gauge(
    "spojka_hub_last_head_seconds", "When feeds last got heads, in seconds of the hub's clock since 1970."
)
PROJECTION_LAG: Final = Gauge(
    "spojka_hub_projection_lag", "Events of the log that a read model has not applied.", ["name"]
)
PROJECTION_LAG_SECONDS: Final = Gauge(
    "spojka_hub_projection_lag_seconds", "Age of the oldest event that a read model has not applied.", ["name"]
)
LEDGER_SIZE: Final = Gauge("spojka_hub_ledger_size", "Events that the last checkpoint of the ledger vouches for.")
LEDGER_WITNESSED: Final = Gauge(
    "spojka_hub_ledger_witnessed", "Events under the newest checkpoint that more than half of the units cosigned."
)
LEDGER_LAG_SECONDS: Final = Gauge(
    "spojka_hub_ledger_lag_seconds", "How long an event waits for its place in the ledger.", ["role"]
)
LEDGER_HOLDS_BACK: Final = Gauge(
    "spojka_hub_ledger_holds_back",
    "1 while this role does nothing because the ledger is behind: look at once.",
    ["role"],
)
LEDGER_CONTRADICTED: Final = Gauge(
    "spojka_hub_ledger_contradicted",
    "Alarms about witnesses that signed for another history than this ledger's: see `spojka-hub ledger alarms`.",
)
KEYS_LAG: Final = Gauge("spojka_keys_lag", "Messages of the log that the key service has not read.")
KEYS_TAKEN: Final = Counter("spojka_keys_taken_total", "Content keys that the key service took.")
KEYS_RELEASED: Final = Counter("spojka_keys_released_total", "Releases that reached the broker.")
KEYS_REVOKED: Final = Counter(
    "spojka_keys_revoked_total", "Releases that are never produced again, since sharing ended."
)
KEYS_UNREADABLE: Final = Counter(
    "spojka_keys_unreadable_total",
    "Deposits that were no key, and entries that name a key which is not their author's.",
)
KEYS_REPORTED: Final = Counter("spojka_keys_reported_total", "Releases that the log was told.")
PROJECTION_REBUILDING: Final = Gauge(
    "spojka_hub_projection_rebuilding",
    "Events that a rebuild beside the serving read model has still to read.",
    ["name"],
)
