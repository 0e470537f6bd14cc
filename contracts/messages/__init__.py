"""Facts and sealed content of every message type, one noun a file. Imported by the catalogue; imports only the contracts' vocabulary."""
