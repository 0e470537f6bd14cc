"""What can go wrong while read models are built or asked, each with advice.

`projections/kafka/` has a root of its own: that is transport.
"""


class ProjectionsError(Exception):
    """Root of the read models' errors; `advice` says what to do next."""

    def __init__(self, problem: str, *, advice: str) -> None:
        super().__init__(f"{problem}; {advice}")
        self.problem = problem
        self.advice = advice


class StoppedError(ProjectionsError):
    """The follower may not go beyond the item `number`: everything before it is applied, it and what follows are not."""

    def __init__(self, *, number: int, reason: str, advice: str) -> None:
        super().__init__(f"stopped before item {number}: {reason}", advice=advice)
        self.number = number


class UnknownTypeError(StoppedError):
    """The log holds a message type that this version does not know."""

    def __init__(self, *, number: int, message_type: str) -> None:
        super().__init__(
            number=number,
            reason=f"message type {message_type} is unknown",
            advice="install the version that knows the type; the projection goes on from here by itself",
        )
        self.message_type = message_type


class OvertakenError(ProjectionsError):
    """Another runner moved the same projection meanwhile: nothing of this chunk was written."""

    def __init__(self, *, name: str, position: int) -> None:
        super().__init__(
            f"projection {name} is no longer at {position}: another runner works on this database",
            advice="run one runner per database, or simply call step() again: it goes on from the new position",
        )
        self.name = name
        self.position = position


class NotServedError(ProjectionsError):
    """The read model has no build that these queries can read."""

    def __init__(self, *, name: str, version: int, serving: int | None) -> None:
        found = "was never built here" if serving is None else f"is served in version {serving}"
        super().__init__(
            f"overview {name} {found}, these queries read version {version}",
            advice="let the runner of this version build it (Runner.prepare, then step until nothing is left)",
        )
        self.name = name
        self.version = version
        self.serving = serving
