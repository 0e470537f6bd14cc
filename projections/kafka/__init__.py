"""What hub and adapters share to read and write Kafka topics; neither may import the other (decision record 0003).

Invariants of this folder: nothing is ever committed to Kafka; a reader that stored its position never skips a record of
a broker that was wiped, refilled or replaced; a batch is handed over until it is done; a record that no parser
understands is handed over as it is, never dropped; broker trouble ends in a rebuilt client, not in an exit.

May be imported by `projections`, `hub` and `adapters`; imports nothing of theirs.
"""
