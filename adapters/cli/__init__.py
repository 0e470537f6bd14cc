"""The commands of `spojka-adapter`, one file a theme, each loaded only when it is called. Imported by `adapters.commands` only."""
