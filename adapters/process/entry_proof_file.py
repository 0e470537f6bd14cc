"""A message's proof as a file that stands alone (C2SP tlog-proof): path, witnessed checkpoint, and the hub's receipt as the extra line.

Invariants: the receipt, signed by the hub, ties the message's digest to its leaf; the path and the checkpoint tie the leaf to what witnesses saw. So
neither the hub can deny the message, nor its author what was sent.
"""

from pydantic import ValidationError

from adapters.errors import AdapterError
from adapters.storage.unit_store import Transaction
from contracts.dsse import from_envelope, to_envelope
from contracts.errors import ContractsError
from contracts.keys import parse_key_id
from contracts.ledger.checkpoint import Checkpoint, origin_of
from contracts.ledger.policy import Policy
from contracts.ledger.proof_file import ProofFile
from contracts.names import HUB, MessageId
from contracts.pae import PayloadType
from contracts.receipt import Receipt
from contracts.signed_bytes import verify
from contracts.trust_list import Directory


class EntryProofError(AdapterError):
    """There is no proof, or it does not hold."""


def proof_of(tx: Transaction, message_id: MessageId) -> ProofFile:
    """The proof that is kept beside a message. Raises `EntryProofError`."""
    found, receipt = tx.proofs.find(message_id), tx.receipts.find(message_id)
    witnessed = None if found is None or found.size is None else tx.ledger.witnessed(found.shard, found.size)
    if found is None or receipt is None or witnessed is None:
        raise EntryProofError(
            f"{message_id} is not proven yet",
            advice="It is once its receipt is here and enough units have witnessed the hub's record since.",
        )
    return ProofFile(found.position, found.path, witnessed.note, to_envelope(receipt, PayloadType.RECEIPT))


def check(proof: ProofFile, policy: Policy, directory: Directory) -> tuple[Receipt, Checkpoint]:
    """The receipt in a proof and the checkpoint under which it stands; the policy says whose word counts. Raises `EntryProofError`."""
    try:
        signed, payload_type = from_envelope(proof.extra or b"")
        receipt = Receipt.model_validate_json(signed.payload)
        known = directory.key(signed.key_id)
        if payload_type is not PayloadType.RECEIPT or known is None or parse_key_id(signed.key_id).unit != HUB:
            raise EntryProofError("The receipt in it is not the hub's", advice="Ask whoever made it.")
        verify(signed, known[1], payload_type)
        if receipt.leaf is None or receipt.position != proof.index:
            raise EntryProofError("The receipt in it is about another place", advice="Ask whoever made it.")
        origin = origin_of(directory.listed.programme, receipt.shard)
        return receipt, proof.verify(bytes.fromhex(receipt.leaf), policy, origin=origin)
    except (ContractsError, ValidationError) as error:
        problem = error.problem if isinstance(error, ContractsError) else "the receipt in it does not read"
        raise EntryProofError(f"It does not hold: {problem}", advice="Ask whoever made it.") from error
