"""Pure decisions: `decide(state, message, at)` and `evolve(state, event)`. Imports nothing but contracts; no I/O, clock or randomness."""
