"""Promise 3: every acceptance, refusal, delivery and reported read is evidence."""

from contracts.delivery import Delivery
from contracts.dsse import from_envelope
from contracts.keys import SignatureError
from contracts.messages.access import RecordAccessed
from contracts.pae import PayloadType
from contracts.receipt import Receipt
from contracts.signed_bytes import BatchProof, BatchRoots, SignedBytes, verify
from contracts.trust_list import Directory
from deploy.story.places import CLAIMS
from deploy.story.promises.finding import Finding, Promise
from deploy.story.stores import Logged, Stores
from hub.domain.events import MessageAccepted, MessageRefused


def judge(stores: Stores) -> Promise:
    """Every signature of the run, checked again against the trust list and the log."""
    finding = Finding("3-evidence", "Every acceptance, refusal, delivery and reported read is evidence")
    roots = BatchRoots()
    _messages(stores, roots, finding)
    _receipts(stores, roots, finding)
    _deliveries(stores, roots, finding)
    looks = [
        one.message.facts for one in stores.hub.log if one.message and isinstance(one.message.facts, RecordAccessed)
    ]
    refused = [one for one in looks if one.outcome == "refused"]
    finding.must(any(one.reader_unit == CLAIMS for one in refused), "the claims unit's attempt is not in the log")
    finding.fact(f"{len(looks)} looks reported, {len(refused)} of them refused attempts, the claims unit's among them")
    _ledger(stores, finding)
    _proofs(stores, finding)
    return finding.promise()


def _ledger(stores: Stores, finding: Finding) -> None:
    report = stores.audit
    for one in report.findings:
        finding.must(False, f"the audit found {one.code} at {one.position}: {one.detail}")  # noqa: FBT003 - what was found did not hold
    finding.must(report.rows == len(stores.hub.log), f"{report.rows} of {len(stores.hub.log)} events are in the export")
    finding.fact(
        f"an export of {report.rows} events verified offline under one signed checkpoint, every decision run again"
    )


def _proofs(stores: Stores, finding: Finding) -> None:
    witnesses = stores.audit.witnesses
    finding.must(len(witnesses) * 2 > len(stores.units), f"only {len(witnesses)} units witnessed the last checkpoint")
    proven = sum(unit.proofs[0] for unit in stores.units.values())
    open_ones = sum(unit.proofs[1] for unit in stores.units.values())
    finding.must(proven > 0 and open_ones == 0, f"{open_ones} sent messages are not proven under the ledger")
    alarms = [kind for unit in stores.units.values() for kind in unit.alarms]
    finding.must(not alarms, f"alarms at the units: {', '.join(alarms)}")
    finding.fact(f"{len(witnesses)} units cosigned it, and {proven} sent messages are proven under such checkpoints")


def _holds(signed: SignedBytes, kind: PayloadType, directory: Directory, roots: BatchRoots) -> bool:
    known = directory.key(signed.key_id)
    if known is None:
        return False
    try:
        verify(signed, known[1], kind, roots=roots)
    except SignatureError:
        return False
    return True


def _messages(stores: Stores, roots: BatchRoots, finding: Finding) -> None:
    accepted = [one.event for one in stores.hub.log if isinstance(one.event, MessageAccepted)]
    for event in accepted:
        held = event.message
        proof = None if held.proof is None else BatchProof(held.proof.size, held.proof.index, held.proof.path)
        signed = SignedBytes(held.payload, held.key_id, held.signature, proof)
        holds = _holds(signed, PayloadType.CLOUDEVENT, stores.directory, roots)
        finding.must(holds, f"signature of a message by {held.key_id}")
    refused = sum(isinstance(one.event, MessageRefused) for one in stores.hub.log)
    finding.fact(f"{len(accepted)} accepted messages in the log as signed, {refused} refusals with digest and code")


def _receipts(stores: Stores, roots: BatchRoots, finding: Finding) -> None:
    checked = 0
    for unit in stores.units.values():
        for one in unit.sent:
            if one.receipt is None:
                continue
            receipt = Receipt.model_validate_json(one.receipt.payload)
            finding.must(
                _holds(one.receipt, PayloadType.RECEIPT, stores.directory, roots), f"receipt of {one.message_id}"
            )
            finding.must(
                _agrees(receipt, stores.hub.log[receipt.position]), f"receipt of {one.message_id} and log differ"
            )
            checked += 1
    finding.fact(f"{checked} receipts signed by the hub and in agreement with the log")


def _agrees(receipt: Receipt, logged: Logged) -> bool:
    if isinstance(logged.event, MessageRefused):
        return (
            receipt.verdict == "refused" and receipt.code == logged.event.code and receipt.id == logged.event.message_id
        )
    return receipt.verdict == "accepted" and logged.message is not None and receipt.id == logged.message.id


def _deliveries(stores: Stores, roots: BatchRoots, finding: Finding) -> None:
    for slot in stores.hub.slots:
        signed, kind = from_envelope(slot.envelope)
        delivery = Delivery.model_validate_json(signed.payload)
        same = (delivery.recipient, delivery.sequence, delivery.position) == (slot.unit, slot.sequence, slot.position)
        finding.must(same and delivery.digest == slot.digest.hex(), f"delivery {slot.sequence} of {slot.unit}")
        finding.must(
            kind is PayloadType.DELIVERY and _holds(signed, kind, stores.directory, roots),
            f"signature of delivery {slot.sequence} of {slot.unit}",
        )
    finding.fact(f"{len(stores.hub.slots)} deliveries signed by the hub, each naming entry, recipient and ground")
