"""The story of Děčín played with real processes: what `deploy/demo` runs.

- `script`: what happens when, one row an event; `expected`: who is given what, worked out by hand
- `premises`: broker, PostgreSQL, hub and adapters as processes; `clock`, `quiet`: the story's time and when everything has come to rest
- `actors`: what the workers do at their desks; `faults`: what goes wrong
- `stores`, `checks`: what the processes stored, and which promises of the design it shows kept
- `screens`, `summary`: what a person and what a machine gets to see

May import everything; nothing but tests may import it.
"""
