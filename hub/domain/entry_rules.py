"""Entries that a ground opens, and their corrections (DESIGN section 7): accepted if at least one other unit may be given it now.

Invariants: a correction is judged as the entry that it corrects (category, purpose and the time when it happened); nobody corrects another's entry.
"""

from contracts.codes import RefusalCode
from contracts.envelope import Message
from contracts.messages.entry import EntryCorrected
from hub.domain.decision import Accepted, Circumstances, Decision, Refused
from hub.domain.recipients import erased, grounded
from hub.domain.support_path import Entry, SupportPath


def decide(path: SupportPath, message: Message, entry: Entry, now: Circumstances) -> Decision:
    """Decide a grounded message."""
    if isinstance(message.facts, EntryCorrected):
        fault = _correction_fault(path, message)
        if fault is not None:
            return fault
    recipients = grounded(path, entry, now) if now.known is None else now.known.of(path, entry, now)
    if not recipients:
        return Refused(RefusalCode.NO_GROUND, "no ground permits any other unit to receive it")
    return Accepted(recipients=recipients)


def _correction_fault(path: SupportPath, message: Message) -> Refused | None:
    corrected = path.entries.get(message.corrects) if message.corrects is not None else None
    if corrected is None or corrected.author != message.unit or erased(path, corrected):
        return Refused(
            RefusalCode.UNKNOWN_ENTRY, "the entry to correct is not this unit's, or not known for this client"
        )
    if (message.category, message.purpose) != (corrected.category, corrected.purpose):
        return Refused(RefusalCode.INVALID_DATA, "a correction inherits category and purpose of the entry")
    if message.time != corrected.occurred:
        return Refused(RefusalCode.INVALID_DATA, "a correction bears the time of the entry that it corrects")
    return None
