"""Use cases as step functions over ports (poll, decide, commit, send). Imported by infrastructure and entrypoints."""
