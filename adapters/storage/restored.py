"""What a unit that lost its database learns from its own messages, when the hub replays them.

Invariants: numbers go on behind the highest that came back; a client is found again by the case number that the enrolment sealed; what this database
knows already stays.
"""

from datetime import datetime

from adapters.drafts import ClientKey
from adapters.storage.unit_store import Transaction
from contracts.envelope import Attributes, Message, open_clear, parse
from contracts.errors import ContractsError
from contracts.messages.client import ClientContent
from contracts.names import SubjectId


def restore_own(tx: Transaction, message: Attributes, *, at: datetime) -> None:
    """Take from an own message its number, and from an enrolment whose it is; who waits with a number that is gone gets another."""
    if tx.outbox.number_taken(message.key, message.sequence):
        tx.numbers.ask_renumbering(message.key, message.sequence)
    tx.numbers.set({message.key: max(message.sequence, tx.numbers.last(message.key))})
    _link_client(tx, message, at=at)


def link_opened(tx: Transaction, document: bytes | None, *, at: datetime) -> None:
    """Find the client of an own enrolment again that came sealed, once it is open."""
    try:
        message = None if document is None else parse(document)
    except ContractsError:
        return  # of a newer version
    if message is not None:
        _link_client(tx, message, at=at)


def _link_client(tx: Transaction, message: Attributes, *, at: datetime) -> None:
    if isinstance(message, Message) and message.subject is not None:
        _, content = open_clear(message)
        if isinstance(content, ClientContent) and content.case_number is not None:
            _link(tx, ClientKey(content.case_number), message.subject, at=at)


def _link(tx: Transaction, client: ClientKey, subject: SubjectId, *, at: datetime) -> None:
    if tx.clients.subject_of(client) is None and tx.clients.client_of(subject) is None:
        tx.clients.link(client, subject, at=at)
