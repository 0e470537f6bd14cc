"""The kit's own errors."""


class ConformanceError(Exception):
    """The kit cannot play; `advice` says what to do."""

    def __init__(self, problem: str, *, advice: str) -> None:
        super().__init__(f"{problem}; {advice}")
        self.problem = problem
        self.advice = advice
