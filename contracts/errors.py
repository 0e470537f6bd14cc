"""The one error root of contracts.

Invariants: whatever contracts raise on purpose is a `ContractsError`; each carries what the reader can do next
(`advice`) apart from what went wrong, and neither holds content of a message, so both may be logged and sent.
"""


class ContractsError(Exception):
    """Something that crosses a border is not as agreed; `advice` says what to do next."""

    def __init__(self, problem: str, *, advice: str) -> None:
        super().__init__(f"{problem}; {advice}")
        self.problem = problem
        self.advice = advice
