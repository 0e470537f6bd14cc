"""The consent record of ISO/IEC TS 27560:2023: who agreed, by which paper, to which processes, and what became of it.

Invariants: a record is about one client and always has a notice, a controller, a way to withdraw, a process and an
event; each process is one grant, so nothing is bundled (GDPR Art. 7); events are in the order of time, and what only a
given consent can come to follows a giving; no process outlives the consent. It names every recipient of a paper: it is
for the client, the collector and the auditor, never for one recipient (who must not learn of the others).
"""

from datetime import date, datetime
from hashlib import sha256
from typing import Annotated, Final, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from contracts.categories import CONSENT_PURPOSES, SPECIAL, Category, Purpose
from contracts.code_lists import CodeOf
from contracts.code_lists.external import CountryCode, LanguageCode
from contracts.consent_record.legal_basis import CONSENT_BASES, SPECIAL_BASES, LegalBasis, Right
from contracts.consent_record.states import AFTER_GIVEN, BY_THE_CLIENT, SHARING_ALLOWED, ConsentState
from contracts.grants import RecipientName
from contracts.names import Code, Ground, Institution, Programme, Sha256Hex, Subject, Unit

CLIENT: Final = "client"
REPRESENTATIVE: Final = "representative"

Indicator = Annotated[str, StringConstraints(pattern=r"^(client|representative|unit:[a-z0-9-]{1,40})$")]
"""Who brought a state about: the client, whoever represents the client by law, or a unit (the hub's own is `unit:hub`)."""
Period = Annotated[
    str, StringConstraints(pattern=r"^P(?:[0-9]{1,4}Y)?(?:[0-9]{1,4}M)?(?:[0-9]{1,4}W)?(?:[0-9]{1,4}D)?$", min_length=3)
]
"""A civil period as in ISO 8601, days at the finest: `P1M`, `P30D`."""
Place = Annotated[str, StringConstraints(pattern=r"^(https://|mailto:|tel:|urn:)[^\s<>\"{}|\\^`]{1,300}$")]
"""An IRI where a person can act: a page, an address, a phone number, a unit."""


class _Closed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Notice(_Closed):
    """The text that the client was shown, by version, language and SHA-256."""

    version: Code
    language: LanguageCode
    sha256: Sha256Hex
    dated: date | None = None

    @classmethod
    def of_text(cls, text: str, *, version: str, language: str) -> Self:
        """The notice with this text, hashed as UTF-8 without any change to spaces or line ends."""
        return cls(version=version, language=language, sha256=sha256(text.encode()).hexdigest())


class Storage(_Closed):
    """Where the recipient keeps what was shared, how long, and how soon after that it is erased."""

    locations: Annotated[tuple[CountryCode, ...], Field(min_length=1)]
    kept_for: Period | None = None
    """Absent: until the process ends."""
    erased_within: Period = "P1M"


class Process(_Closed):
    """One grant: these sources may give these categories to this recipient for this purpose until then."""

    sources: Annotated[tuple[Unit, ...], Field(min_length=1)]
    recipient: RecipientName
    purpose: Purpose
    categories: Annotated[tuple[Category, ...], Field(min_length=1)]
    bases: Annotated[tuple[LegalBasis, ...], Field(min_length=1)]
    storage: Storage
    history_from: AwareDatetime | None = None
    """Entries whose time is earlier stay shut; absent: from the moment when the consent was recorded."""
    until: AwareDatetime

    @model_validator(mode="after")
    def _lawful(self) -> Self:
        bases, categories = set(self.bases), set(self.categories)
        if bases <= SPECIAL_BASES:
            raise ValueError("an Art. 9 basis never stands alone: name an Art. 6(1) basis beside it")
        if {LegalBasis.CONSENT, LegalBasis.SPECIAL_EXPLICIT_CONSENT} <= bases:
            raise ValueError("Art. 9(2)(a) needs an explicit consent: use A6-1-a-explicit-consent beside A9-2-a")
        if categories & SPECIAL and not bases & SPECIAL_BASES:
            raise ValueError("health is a special category: name an Art. 9(2) basis, such as explicit consent (A9-2-a)")
        if categories & {Category.CRIMINAL, Category.CONDUCT}:
            raise ValueError("criminal data need a statute and conduct is never shared: leave them out of a consent")
        if bases & CONSENT_BASES and self.purpose not in CONSENT_PURPOSES:
            raise ValueError("a consent may name the purposes support and statistics only: use a statutory ground")
        return self


class StatusEvent(_Closed):
    """One change of the consent's state."""

    state: ConsentState
    at: AwareDatetime
    indicated_by: Indicator
    method: Annotated[str, CodeOf("consent-method")] | None = None
    until: AwareDatetime | None = None
    """How long the state lasts by itself; where sharing is allowed it must be said, else it is open."""

    @model_validator(mode="after")
    def _plausible(self) -> Self:
        by_client = self.indicated_by in {CLIENT, REPRESENTATIVE}
        if self.state in BY_THE_CLIENT and not by_client:
            raise ValueError(
                f"only the client brings about {self.state}: a unit's act is ConsentRevoked or -Invalidated"
            )
        if self.state is ConsentState.REVOKED and by_client:
            raise ValueError("a revocation is someone else's act: the client's is ConsentWithdrawn")
        if self.state in SHARING_ALLOWED and self.until is None:
            raise ValueError(f"{self.state} needs `until`: a consent without an end is no informed one")
        if self.until is not None and self.until <= self.at:
            raise ValueError("`until` must be later than `at`")
        return self


class Heading(_Closed):
    """What all processes of one record share: parties, paper and notice."""

    record_id: Ground
    """The consent id."""
    programme: Programme
    subject: Subject
    collector: Unit
    controllers: Annotated[tuple[Institution, ...], Field(min_length=1)]
    notice: Notice
    paper: Annotated[tuple[Annotated[str, CodeOf("paper-kind")], ...], Field(min_length=1, max_length=4)]
    """What the paper is, a set: a consent, a release from secrecy, an agreement, an application."""
    withdrawn_at: Annotated[tuple[Place, ...], Field(min_length=1)]
    """Where the client withdraws, as easily as it was given (GDPR Art. 7(3))."""
    jurisdictions: Annotated[tuple[CountryCode, ...], Field(min_length=1)]
    """ISO 3166-1 codes, or `EU`."""
    rights: Annotated[tuple[Right, ...], Field(min_length=1)] = tuple(Right)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if len(set(self.paper)) < len(self.paper):
            raise ValueError("paper is a set: name each kind once")
        if Right.WITHDRAW not in self.rights:
            raise ValueError("the right to withdraw (A7-3) is missing: a consent can always be withdrawn")
        return self


class ConsentRecord(Heading):
    """The whole record."""

    processes: Annotated[tuple[Process, ...], Field(min_length=1)]
    events: Annotated[tuple[StatusEvent, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if "consent" not in self.paper and any(set(one.bases) & CONSENT_BASES for one in self.processes):
            raise ValueError(
                "the basis is consent but the paper is none: add `consent` to the paper or name the true basis"
            )
        times = [event.at for event in self.events]
        if times != sorted(times):
            raise ValueError("events are out of order: sort them by time")
        for number, event in enumerate(self.events):
            if event.state in AFTER_GIVEN and not any(e.state in SHARING_ALLOWED for e in self.events[:number]):
                raise ValueError(f"{event.state} without an earlier ConsentGiven: record the giving first")
        ends = [event.until for event in self.events if event.state in SHARING_ALLOWED and event.until is not None]
        if ends and max(process.until for process in self.processes) > max(ends):
            raise ValueError("a process outlives the consent: shorten it or renew the consent")
        return self

    def state_at(self, at: datetime) -> ConsentState:
        """The state at an instant: `ConsentUnknown` before the first event, `ConsentExpired` from `until` on."""
        past = [event for event in self.events if event.at <= at]
        if not past:
            return ConsentState.UNKNOWN
        last = past[-1]
        if last.state in SHARING_ALLOWED and last.until is not None and at >= last.until:
            return ConsentState.EXPIRED
        return last.state

    def allows_sharing(self, at: datetime) -> bool:
        """True while the consent is given or renewed; which entries go to whom is the gate's decision."""
        return self.state_at(at) in SHARING_ALLOWED
