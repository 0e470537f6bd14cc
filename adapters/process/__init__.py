"""One unit opened and at work: its database, key, read models, health; and all units of an adapter in one process.

Imports exchange, desk and storage. Imported by cli and connectors.
"""
