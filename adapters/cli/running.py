"""Running the adapter.

Invariant: nothing else of the command line loads what running needs.
"""

from collections.abc import Sequence

from adapters.cli.opening import Home
from adapters.connectors.sql_polls import polls_of
from adapters.followers.configured import followers_at_work
from adapters.partners.mails_at_work import MailsAtWork
from adapters.process import runtime
from adapters.process.companion import Companion
from adapters.process.unit_house import UnitHouse
from adapters.settings import load_settings


def run(home: Home = None) -> None:
    """Run the adapter with all its units until it is told to stop (Ctrl-C, SIGTERM)."""
    runtime.run(load_settings(home), companions=_companions)


def _companions(house: UnitHouse) -> Sequence[Companion]:
    return [*followers_at_work(house), *polls_of(house), MailsAtWork(house)]
