"""Running the adapter.

Invariant: nothing else of the command line loads what running needs.
"""

from adapters.cli.opening import Home
from adapters.followers.configured import followers_at_work
from adapters.process import runtime
from adapters.settings import load_settings


def run(home: Home = None) -> None:
    """Run the adapter with all its units until it is told to stop (Ctrl-C, SIGTERM)."""
    runtime.run(load_settings(home), companions=followers_at_work)
