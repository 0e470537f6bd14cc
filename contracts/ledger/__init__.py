"""The ledger's formats, so that standard tools and outsiders can check it: signed notes, checkpoints, cosignatures, tiles, proofs, policies (C2SP).

Pure, like all of contracts. `contracts.merkle` has the hashes and the checks of proofs (RFC 9162); here is how they are written down.
"""
