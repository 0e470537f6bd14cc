"""Whether a content key came with the message that deposits it, so that the key service will be able to give it (DESIGN section 9, deposit).

Invariants: pure; what is accepted hashes to what the message names and is sealed to keys of the hub's key service alone that are valid now; why a
deposit is refused tells nothing of the key.
"""

from hashlib import sha256

from contracts.codes import RefusalCode
from contracts.errors import ContractsError
from contracts.messages.key import KeyDeposited
from contracts.names import HUB
from contracts.sealing.deposit import MAX_DEPOSIT, named_custodians, read_deposit
from hub.domain.decision import Circumstances, Refused


def deposit_fault(facts: KeyDeposited, header: bytes | None, now: Circumstances) -> Refused | None:
    """Why what stands in the header `spojka-key` of a record is not the key that the message deposits."""
    if header is None:
        return _missing("the key did not come with it")
    if len(header) > MAX_DEPOSIT or sha256(header).hexdigest() != facts.deposit_hash:
        return _missing("what came with it is not what the message names")
    try:
        named = named_custodians(read_deposit(header))
    except ContractsError as error:
        return _missing(error.problem)
    valid = {key.key_id for entry, key in now.directory.sealing_keys(HUB) if entry.valid(now.at)}
    if not valid.issuperset(named):
        return _missing("it is not sealed to a valid key of the hub's key service: read the trust list")
    return None


def _missing(reason: str) -> Refused:
    return Refused(RefusalCode.KEY_MISSING, reason)
