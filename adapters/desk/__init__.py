"""The desk of one unit: drafts become messages, numbered, gated, signed and stored in one transaction; held entries leave later.

Imports gate and storage. Imported by exchange (what a feed brings may release held entries), process, cli and connectors.
"""
