"""The consent receipt of ISO/IEC TS 27560:2023: what the client is handed.

Invariant: all records in one receipt are about the same client of the same programme.
"""

from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from contracts.consent_record.record import ConsentRecord
from contracts.names import Id, Unit


class ConsentReceipt(BaseModel):
    """Records as they stood when a unit handed them out."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    receipt_id: Id
    created: AwareDatetime
    publisher: Unit
    records: Annotated[tuple[ConsentRecord, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _one_client(self) -> Self:
        if len({(record.programme, record.subject) for record in self.records}) > 1:
            raise ValueError("the records are about different clients: write one receipt for each")
        return self
