"""Connectors: what turns a local system's data into drafts. Imported by the command line; imports the drafts and contracts, no Kafka and no store.

`record_table` is the port that every connector implements, one file each; `connector_choice` finds the one for a mapping. `mapping` says what a
mapping file may contain, `drafting` makes drafts of a connector's records, `importing` gives them to the desk or counts them in a dry run. A dry run
needs no hub, no keys and no settings.
"""
