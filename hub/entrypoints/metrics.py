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
