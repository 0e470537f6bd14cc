"""appointment.*: when and where the client is expected."""

from typing import Annotated

from contracts.civil_time import Instant
from contracts.code_lists import CodeOf
from contracts.facts import Facts, SealedContent, coded
from contracts.names import Code, Id, Text


class AppointmentOffered(Facts):
    """A meeting was offered; the message's id names the appointment from now on."""

    when: Instant | None = coded()
    place: Code | None = coded(required=False)
    kind: Annotated[str, CodeOf("appointment-kind")] | None = coded(required=False)


class AppointmentConfirmed(Facts):
    """The client confirmed it."""

    appointment_id: Id


class AppointmentChanged(Facts):
    """It was moved."""

    appointment_id: Id
    when: Instant | None = coded()
    place: Code | None = coded(required=False)


class AppointmentCancelled(Facts):
    """It does not take place."""

    appointment_id: Id
    reason: Code | None = coded(required=False)


class AppointmentContent(SealedContent):
    """What to bring."""

    note: Text | None = None
