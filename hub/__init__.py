"""The hub: domain (pure decisions), application (use cases, ports), infrastructure (store, relay), entrypoints. Nothing outside it imports it."""
