"""The commands of `spojka-audit`, a file each. Imported by `hub.audit.commands` only."""
