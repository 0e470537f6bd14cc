"""Connectors: what turns a local system's data into drafts. Imported by the command line; imports the drafts and contracts, no Kafka and no store.

`mapping` says what a mapping file may contain, `csv_file` and `csv_folder` read tables, `drafting` makes drafts of their rows, `importing` gives
them to the desk or counts them in a dry run. A dry run needs no hub, no keys and no settings.
"""
