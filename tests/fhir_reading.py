"""Reading resources in a test, as an import would, without files and without a unit."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from adapters.connectors.fhir.elements import Element
from adapters.connectors.fhir.reader import made
from adapters.connectors.fhir.reading import Context, Standing
from adapters.connectors.fhir.resources import Resource, Resources
from adapters.connectors.rule_drafts import Withdrawal
from adapters.connectors.source_drafting import Made
from adapters.drafts import Draft
from contracts.names import UnitId

LATER: Final = datetime(2030, 1, 1, tzinfo=UTC)


class Reading:
    """What came of some resources."""

    def __init__(
        self,
        resources: list[dict[str, Any]],
        *,
        own: str | None = None,
        standing: Standing = lambda _client, _referral: None,
        institution: str | None = None,
        known: Callable[[str], bool] = lambda _entry: False,
    ) -> None:
        self.refused: list[tuple[str, str, str]] = []
        """Path, value, reason."""
        held = Resources()
        for number, one in enumerate(resources, start=1):
            kind = one["resourceType"]
            held.add(Resource(kind, Element(one, kind), "test.json", number))
        context = Context(
            resources=held,
            zone=UTC,
            now=LATER,
            secret=b"s" * 32,
            refuse=lambda _resource, error: self.refused.append((error.column, error.value, error.reason.value)),
            standing=standing,
            known=known,
            own=None if own is None else UnitId(own),
            institution=institution,
        )
        self.made: list[Made] = list(made(context))

    @property
    def drafts(self) -> list[Draft]:
        """The messages."""
        return [one for one in self.made if isinstance(one, Draft)]

    @property
    def withdrawals(self) -> list[Withdrawal]:
        """What was entered in error."""
        return [one for one in self.made if isinstance(one, Withdrawal)]
