"""The desk of one unit: everything that its people and connectors do, as one object.

Invariants: each call is one transaction (an import: one a chunk); own entries show from the moment they are recorded, wherever they may go; nothing
leaves this unit but through its own gate, numbered and signed.
"""

from adapters.desk.actions.consents import ConsentActions
from adapters.desk.actions.duties import DutyActions
from adapters.desk.actions.entries import EntryActions
from adapters.desk.actions.people import PeopleActions
from adapters.desk.actions.referrals import ReferralActions


class Desk(EntryActions, ConsentActions, ReferralActions, DutyActions, PeopleActions):
    """Drafts (`record`, `record_many`), actions of workers, and what the unit owes by itself (`tend`)."""
