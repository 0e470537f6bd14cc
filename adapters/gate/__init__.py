"""The unit's own gate: the rules of contracts, run before anything is signed. Pure: states and drafts in, verdicts out. Imported by desk."""
