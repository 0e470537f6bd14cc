"""What this unit itself recorded of its clients: the newest of enrolments, moves and their corrections.

Invariant: own entries only, held ones included; what others shared never takes part in a comparison.
"""

from collections.abc import Sequence
from typing import Any, Final

from adapters.people.likeness import KnownClient
from adapters.storage.journal import Entry, EntryKind, OwnState
from adapters.storage.unit_store import Transaction
from contracts.catalogue import specs
from contracts.envelope import open_clear, parse
from contracts.errors import ContractsError
from contracts.facts import SealedContent
from contracts.messages.client import ClientContent
from contracts.messages.entry import CorrectionContent
from contracts.names import MessageId, SubjectId

_TELLING: Final = tuple(spec.type for spec in specs() if spec.sealed in (ClientContent, CorrectionContent))


def known_clients(tx: Transaction) -> Sequence[KnownClient]:
    """Every client of whom the unit recorded a name or a contact, in the order of the case numbers."""
    told: dict[SubjectId, dict[str, Any]] = {}
    about: dict[MessageId, SubjectId] = {}
    for entry in sorted((one for kind in _TELLING for one in tx.journal.of_type(kind)), key=lambda one: one.number):
        if entry.kind is not EntryKind.OWN or entry.state is OwnState.REFUSED or entry.subject is None:
            continue
        corrects, content = _content(entry)
        if isinstance(content, ClientContent):
            about[entry.message_id] = entry.subject
            told.setdefault(entry.subject, {}).update(_flat(content.model_dump(exclude_none=True)))
        elif isinstance(content, CorrectionContent) and corrects in about:
            told.setdefault(entry.subject, {}).update(_flat(content.content or {}))
    known = [(client, told[subject]) for client, subject in tx.clients.all() if subject in told]
    return [KnownClient(client, **facts) for client, facts in known if facts]


_FIELDS: Final = frozenset({"given_name", "family_name", "birth_year", "phone", "email", "address"})


def _flat(content: dict[str, Any]) -> dict[str, Any]:
    contact = content.get("contact")
    both = {**content, **(contact if isinstance(contact, dict) else {})}
    return {name: value for name, value in both.items() if name in _FIELDS}


def _content(entry: Entry) -> tuple[MessageId | None, SealedContent | None]:
    try:
        message = None if entry.payload is None else parse(entry.payload)
        return (None, None) if message is None else (message.corrects, open_clear(message)[1])
    except ContractsError:
        return None, None
