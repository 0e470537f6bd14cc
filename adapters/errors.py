"""The one error root of the adapter.

Invariants: whatever the adapter raises on purpose is an `AdapterError`; `advice` says what the reader can do next; neither part holds content of an
entry or a client's name, so both may be logged.
"""


class AdapterError(Exception):
    """Something in this unit's adapter is not as it should be; `advice` says what to do next."""

    def __init__(self, problem: str, *, advice: str) -> None:
        super().__init__(f"{problem}. {advice}")
        self.problem = problem
        self.advice = advice
