"""The auditor's page: search, replay and standing of a running hub, for a browser: `spojka-audit serve`.

Reads the log through the functions of `spojka-audit replay`; says each look to the log before it shows anything (contracts/adr/0014). Imported by
`hub.audit.commands` alone, when it is asked for.
"""
