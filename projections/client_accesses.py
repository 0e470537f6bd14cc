"""The access history as it is handed to the client.

Invariants: pure; what a law hides is left out until its instant has come, and comes then; of who read the role shows, never the pseudonym; what
refers to the evidence alone (positions) is left out. Everything else that the hub knows of is in it.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from contracts.access_view import AccessLine, AccessView
from contracts.names import HUB, ProgrammeId, SubjectId
from projections.access_report import AccessOutcome, AccessRecord


def client_view(
    records: Sequence[AccessRecord], *, programme: ProgrammeId, subject: SubjectId, at: datetime
) -> AccessView:
    """What the client may read at `at`."""
    shown = [one for one in records if one.hidden_until is None or one.hidden_until <= at]
    lines = tuple(_line(one) for one in shown)
    return AccessView(programme=programme, subject=subject, said_by=HUB, made_at=at.astimezone(UTC), lines=lines)


def _line(one: AccessRecord) -> AccessLine:
    return AccessLine(
        logtime=one.logtime,
        action=one.action.value,
        outcome=one.outcome.value,
        receiver_code=one.receiver_code,
        receiver_name=one.receiver_name,
        institution=one.institution,
        role=None if one.reader is None else one.reader.partition("/")[0],
        system=one.system,
        source=one.source,
        purpose=one.purpose,
        categories=one.categories,
        entries=one.entries,
        referral=one.referral_id,
        ground=one.ground_id,
        reason=one.reason if one.outcome is AccessOutcome.REFUSED else None,
        audit=one.audit,
        emergency=one.emergency,
        judged=one.judged,  # type: ignore[arg-type] # one of the two, as it came in a message
    )
