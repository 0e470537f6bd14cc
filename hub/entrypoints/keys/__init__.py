"""`spojka-keys`: the key service as a process of its own, with its own settings, database and sign-ins. Nothing else of the hub imports it."""
