"""The process at an institution's edge: outbox, inbox, keyring, connectors. Nothing imports it; it never imports hub."""
