"""The draft that one rule makes of one row.

Invariants: what comes out follows the message's schema; a field that the message can be without is left out and reported when its cell cannot be
understood, any other such field refuses the row; times that have not come are refused here, as the hub would.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from hashlib import blake2b
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from adapters.connectors.evaluation import Evaluation, Reading, Value
from adapters.connectors.expression import ConstantOf, Expression, columns_of
from adapters.connectors.mapped_rows import SourceRow, Texts
from adapters.connectors.mapping import Rule
from adapters.connectors.message_names import spec_named
from adapters.connectors.refusal import CellError, RefusalReason
from adapters.drafts import Draft
from contracts.catalogue import MessageSpec
from contracts.categories import Category
from contracts.facts import Facts, coded_fields
from contracts.messages.entry import CorrectionContent, EntryCorrected
from contracts.messages.referral import ReferralVoided
from contracts.names import ReferralId

AHEAD: Final = timedelta(minutes=10)
"""How far ahead of the clock a message may be (DESIGN section 5)."""
_LONGEST_LOCAL_KEY: Final = 400
_MOST_KEPT: Final = 4096
"""Facts and times kept, so that memory does not grow with an import."""
_Model = TypeVar("_Model", bound=BaseModel)
_Kept = TypeVar("_Kept")


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A row that its source marked as deleted: the draft counts only where `of` was imported before."""

    of: str
    """The local key of the message that the row once became."""
    draft: Draft


@dataclass(frozen=True, slots=True)
class _Field:
    """A field of the message, and how a row gives it."""

    name: str
    read: Reading
    columns: Sequence[str]
    needed: bool


@dataclass(frozen=True)
class RuleDrafts:
    """One rule, ready to be applied; `mapping` is the mapping's name."""

    rule: Rule
    mapping: str
    evaluation: Evaluation
    now: datetime

    @cached_property
    def spec(self) -> MessageSpec:
        """The message's row of the catalogue."""
        return spec_named(self.rule.message)

    @cached_property
    def latest(self) -> datetime:
        """The last moment that is not in the future."""
        return self.now + AHEAD

    @cached_property
    def _facts(self) -> Sequence[_Field]:
        return [self._field(name, expression, self._needed) for name, expression in self.rule.facts.items()]

    @cached_property
    def _content(self) -> Sequence[_Field]:
        return [self._field(name, expression, frozenset()) for name, expression in self.rule.content.items()]

    def _field(self, name: str, expression: Expression, needed: frozenset[str]) -> _Field:
        return _Field(name, self.evaluation.reading(expression), columns_of(expression), name in needed)

    @cached_property
    def _constant_category(self) -> Category | None:
        """The category where it is one for all rows, and there is such a one."""
        match self.rule.category:
            case ConstantOf(constant=text, if_present=None) if text in Category.__members__.values():
                return Category(text)
            case _:
                return None

    @cached_property
    def _time_columns(self) -> Sequence[str]:
        return columns_of(self.rule.time)

    @cached_property
    def _columns(self) -> Sequence[str]:
        """Of which the facts are made."""
        return tuple(dict.fromkeys(column for field in self._facts for column in field.columns))

    @cached_property
    def _known_facts(self) -> dict[Texts, Facts]:
        return {}

    @cached_property
    def _known_times(self) -> dict[Texts, datetime]:
        return {}

    @cached_property
    def _key_start(self) -> str:
        return f"{_escaped(self.mapping)}/{_escaped(self.rule.name)}/"

    @cached_property
    def _needed(self) -> frozenset[str]:
        fields = self.spec.facts.model_fields
        coded = {name for name, required in coded_fields(self.spec.facts).items() if required}
        return frozenset({name for name, field in fields.items() if field.is_required()} | coded)

    def local_key(self, row: SourceRow) -> str:
        """What names the message over all imports: mapping, rule, client and (unless it is one a client) row."""
        key = self._key_start + _escaped(row.client)
        if not self.rule.first_per_client:
            key = f"{key}/{_escaped(row.key)}"
        if len(key) <= _LONGEST_LOCAL_KEY:
            return key
        return f"{self.mapping}/{self.rule.name}/{blake2b(key.encode(), digest_size=32).hexdigest()}"

    def draft(self, row: SourceRow, left_out: list[CellError]) -> Draft:
        """The message of a living row; adds to `left_out` what it is without. Raises `CellError`."""
        time = self._time(row)
        facts = self._facts_of(row, left_out)
        content = None
        if self.spec.sealed and self.rule.content:
            content = self._built(self.spec.sealed, self._content, row, left_out)
        return Draft(
            client=row.client,
            facts=facts,
            time=time,
            content=content if content is not None and content.model_fields_set else None,
            category=self._category(row),
            local_key=self.local_key(row),
            changed_at=row.updated,
        )

    def _time(self, row: SourceRow) -> datetime:
        """When it happened; the same object for the same texts, since exports repeat them."""
        texts = row.joined.texts(self._time_columns)
        known = self._known_times.get(texts) if texts is not None else None
        if known is not None:
            return known
        time = self.evaluation.instant(self.rule.time, row.joined)
        if time is None:
            raise row.joined.missing(self.rule.time.instant)
        if time > self.latest:
            value = row.joined.cell(self.rule.time.instant)
            raise CellError(RefusalReason.IN_FUTURE, column=self.rule.time.instant, value=value)
        _keep(self._known_times, texts, time)
        return time

    def _facts_of(self, row: SourceRow, left_out: list[CellError]) -> Facts:
        """The facts; the same object for the same texts, where none of them had to be left out."""
        texts = row.joined.texts(self._columns)
        known = self._known_facts.get(texts) if texts is not None else None
        if known is not None:
            return known
        before = len(left_out)
        facts = self._built(self.spec.facts, self._facts, row, left_out)
        if len(left_out) == before:
            _keep(self._known_facts, texts, facts)
        return facts

    def withdrawal(self, row: SourceRow) -> Withdrawal | None:
        """What a deleted row asks for; None where another rule speaks for it. Raises `CellError`."""
        if self.rule.when_deleted == "leave":
            return None
        of = self.local_key(row)
        common: dict[str, Any] = {"client": row.client, "time": self._deleted_at(row), "category": self._category(row)}
        if self.rule.when_deleted == "void":
            referral = ReferralId(str(self.evaluation.value(self.rule.facts["referral_id"], row.joined)))
            facts = ReferralVoided(referral_id=referral, reason="entered-in-error", as_reported=False)
            return Withdrawal(of, Draft(facts=facts, local_key=f"{of}/deleted", **common))
        content = CorrectionContent(note="This entry was deleted where it was made.")
        facts_corrected = EntryCorrected(reason="entered-in-error")
        return Withdrawal(of, Draft(facts=facts_corrected, content=content, local_key=f"{of}/deleted", **common))

    def _deleted_at(self, row: SourceRow) -> datetime:
        """When the source deleted the row; where its mark is no date, when the row happened: the same at every import."""
        told = self.evaluation.deleted_at(row.deleted)
        if told is None or told > self.now:
            told = self.evaluation.instant(self.rule.time, row.joined)
        if told is None:
            raise row.joined.missing(self.rule.time.instant)
        return told

    def _category(self, row: SourceRow) -> Category | None:
        if self.rule.category is None:
            return None
        if self._constant_category is not None:
            return self._constant_category
        value = self.evaluation.value(self.rule.category, row.joined)
        try:
            return Category(str(value))
        except ValueError:
            column = "/".join(columns_of(self.rule.category))
            raise CellError(RefusalReason.NOT_ALLOWED, column=column, value=str(value), detail="no category") from None

    def _built(
        self, model: type[_Model], fields: Sequence[_Field], row: SourceRow, left_out: list[CellError]
    ) -> _Model:
        values = _values(fields, row, left_out)
        needed = {field.name for field in fields if field.needed}
        for _ in range(len(values) + 1):  # each round leaves one field out
            try:
                return model.model_validate(_nested(values), strict=False)
            except ValidationError as error:
                name, fault = _first_fault(error, fields, row)
                if not name and left_out:
                    raise left_out[-1] from None  # the message cannot be without what was left out of it
                if name not in values or name.partition(".")[0] in needed:
                    raise fault from None
                del values[name]
                left_out.append(fault)
        raise AssertionError  # without values every field was needed, which raised above


def _keep(known: dict[Texts, _Kept], texts: Texts | None, made: _Kept) -> None:
    if texts is not None:
        if len(known) >= _MOST_KEPT:
            known.clear()
        known[texts] = made


def _values(fields: Sequence[_Field], row: SourceRow, left_out: list[CellError]) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for field in fields:
        try:
            value = field.read(row.joined)
        except CellError as error:
            if field.needed:
                raise
            left_out.append(error)
            continue
        if value is not None:
            values[field.name] = value
        elif field.needed:
            raise CellError(RefusalReason.MISSING, column="/".join(field.columns))
    return values


def _escaped(part: str) -> str:
    return part.replace("%", "%25").replace("/", "%2F") if "%" in part or "/" in part else part


def _nested(values: Mapping[str, Value]) -> dict[str, Any]:
    """Names with a dot as objects within objects."""
    if not any("." in name for name in values):
        return dict(values)
    nested: dict[str, Any] = {}
    for name, value in values.items():
        outer, dot, inner = name.partition(".")
        if dot:
            nested.setdefault(outer, {})[inner] = value
        else:
            nested[name] = value
    return nested


def _first_fault(error: ValidationError, fields: Sequence[_Field], row: SourceRow) -> tuple[str, CellError]:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = [str(part) for part in first["loc"]]
    read = {field.name: field.columns for field in fields}
    name = next((n for n in (".".join(place[:2]), *place[:1]) if n in read), "")
    columns = read.get(name, ())
    value = "/".join(row.joined.cell(column) for column in columns)
    return name, CellError(RefusalReason.NOT_ALLOWED, column="/".join(columns), value=value, detail=first["msg"])
