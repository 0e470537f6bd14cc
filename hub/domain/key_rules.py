"""Who may open what is sealed: the rules of delivery, asked once more for keys (DESIGN section 9, release).

Invariants: pure; a recorded recipient is given nothing that these rules do not open to it by themselves; what no ground opens (consents,
restrictions, merges) concerns the parties that its own rule names, and nobody else.
"""

from contracts.catalogue import Audience
from contracts.envelope import Message
from contracts.names import MessageId, UnitId
from hub.domain.deciding import decide
from hub.domain.decision import Accepted, Circumstances
from hub.domain.events import Given, MessageAccepted
from hub.domain.recipients import still_given
from hub.domain.support_path import SupportPath


def recipients_of(
    before: SupportPath, after: SupportPath, event: MessageAccepted, message: Message, now: Circumstances
) -> tuple[Given, ...]:
    """Of the recorded recipients of a message those to whom the rules open it, as the path stood around it."""
    if message.category is not None:
        entry = after.entries[message.id]
        return tuple(one for one in event.recipients if still_given(after, entry, one.unit, now))
    if message.spec.audience is not Audience.PARTIES:
        return ()
    decision = decide(before, message, now)
    by_rule = {one.unit for one in decision.recipients} if isinstance(decision, Accepted) else frozenset()
    return tuple(one for one in event.recipients if one.unit in by_rule)


def may_open(path: SupportPath, message_id: MessageId, unit: UnitId, now: Circumstances) -> bool:
    """Whether a unit to whom a message was opened may still open it, judged at the head."""
    entry = path.entries.get(message_id)
    if entry is None:
        return now.directory.party(unit, now.at).admitted
    return entry.author == unit or still_given(path, entry, unit, now)
