"""The conformance kit: judges an adapter or a hub that was made elsewhere, from the published contracts alone.

Imports contracts and projections.kafka, nothing else of ours: what it judges by is what everybody can read. Nothing imports it.
"""
