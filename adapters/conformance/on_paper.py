"""A consent as a client signs it at a desk, for plays and tests to which only its grant matters."""

from contracts.grants import Grant
from contracts.messages.consent import ConsentGiven
from contracts.names import GroundId


def on_paper(consent_id: GroundId, grant: Grant) -> ConsentGiven:
    """One grant, with the release from secrecy, on paper."""
    return ConsentGiven(
        consent_id=consent_id,
        recipient=grant.recipient,
        grants=(grant,),
        paper=("consent", "release-from-secrecy"),
        notice_version="1",
        evidence_hash="0" * 64,
        method="signed-paper",
    )
