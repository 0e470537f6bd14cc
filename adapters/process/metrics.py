"""Names of an adapter's metrics, in one place; labels are unit names and coded states, nothing about a person."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

OUTBOX: Final = Gauge("spojka_adapter_outbox", "Messages by what became of them.", ["unit", "state"])
HELD: Final = Gauge("spojka_adapter_held", "Entries that no reason to share opens yet.", ["unit"])
TO_CORRECT: Final = Gauge("spojka_adapter_to_correct", "Refused items that wait for a person.", ["unit"])
SUSPICIOUS: Final = Gauge("spojka_adapter_suspicious", "Records kept apart, by reason.", ["unit", "reason"])
ALARMS: Final = Gauge("spojka_adapter_alarms", "Alarms that nobody has dismissed.", ["unit"])
LEDGER_SIZE: Final = Gauge("spojka_adapter_ledger_size", "Ledger as seen last.", ["unit", "shard"])
PROVEN: Final = Gauge("spojka_adapter_proven", "Own messages whose place in the ledger is proven.", ["unit"])
TO_PROVE: Final = Gauge(
    "spojka_adapter_to_prove", "Own messages with a receipt whose place is not proven yet.", ["unit"]
)
DUTIES: Final = Gauge("spojka_adapter_duties", "Duties to erase that are not answered.", ["unit"])
TRUST_LIST: Final = Gauge("spojka_adapter_trust_list", "Version of the newest trust list.", ["unit"])
FEED_SEQUENCE: Final = Gauge("spojka_adapter_feed_sequence", "Last slot of the feed.", ["unit", "shard"])
OTHERS_SHOWN: Final = Gauge("spojka_adapter_others_shown", "1 while entries of others show.", ["unit"])
FOLLOWER_BEHIND: Final = Gauge(
    "spojka_adapter_follower_behind", "Changes that a follower has not taken.", ["unit", "follower"]
)
FOLLOWER_FAILURES: Final = Gauge(
    "spojka_adapter_follower_failures", "Failures since a follower last moved.", ["unit", "follower"]
)
CONNECTED: Final = Gauge("spojka_adapter_connected", "1 while the broker answers.", ["unit"])
SLOTS: Final = Counter("spojka_adapter_slots_total", "New slots of the feed.", ["unit"])
REBUILT: Final = Counter(
    "spojka_adapter_clients_rebuilt_total", "Kafka clients built anew, by reason.", ["unit", "reason"]
)
API_REQUESTS: Final = Counter(
    "spojka_adapter_api_requests_total",
    "Requests to the local API, by the pattern of their address.",
    ["route", "method", "status"],
)
API_SECONDS: Final = Histogram("spojka_adapter_api_seconds", "How long requests to the local API took.", ["route"])
WEBHOOKS: Final = Counter(
    "spojka_adapter_webhooks_total", "Attempts to deliver news, by how they ended.", ["unit", "outcome"]
)
