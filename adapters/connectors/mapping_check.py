"""What a mapping says, compared with itself and with the catalogue of messages.

Invariants: whatever can be known without a row is found before the first row is read: unknown lookups, tables, messages and fields, fields that a
message needs, constants and table values that no message would take.
"""

from collections.abc import Iterator
from collections.abc import Mapping as Keyed
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from adapters.connectors.expression import CodeOf, ConstantOf, Expression
from adapters.connectors.mapping import Join, Mapping, Rule
from adapters.connectors.message_names import message_names, spec_named
from contracts.catalogue import MessageSpec
from contracts.categories import Category
from contracts.facts import coded_fields

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class MappingFault:
    """What is wrong where, and what to do."""

    place: Place
    problem: str
    advice: str


def faults_of(mapping: Mapping) -> Iterator[MappingFault]:
    """Everything that is wrong, in the file's order."""
    for number, name in enumerate(mapping.lookups):
        earlier = list(mapping.lookups)[:number]
        yield from _joins(mapping.lookups[name].joins, earlier, ("lookups", name, "joins"))
    yield from _database(mapping)
    names: set[str] = set()
    for index, source in enumerate(mapping.sources):
        yield from _joins(source.joins, list(mapping.lookups), ("sources", index, "joins"))
        for number, rule in enumerate(source.rules):
            place: Place = ("sources", index, "rules", number)
            if rule.name in names:
                yield MappingFault((*place, "name"), f"two rules are called {rule.name}", "Rename one of them.")
            names.add(rule.name)
            yield from _rule(rule, mapping, place)


def _database(mapping: Mapping) -> Iterator[MappingFault]:
    """What a poll of a database cannot do."""
    tables = {} if mapping.database is None else mapping.database.tables
    for index, source in enumerate(mapping.sources):
        table = tables.get(source.table_name)
        if table is not None and source.updated is not None:
            advice = "Leave `updated` out: a row of a database is always its newest state; `cursor` finds what changed."
            yield MappingFault(("sources", index, "updated"), "`updated` is of files", advice)
        if table is not None and table.cursor is not None and any(rule.first_per_client for rule in source.rules):
            advice = (
                "Leave `cursor` out, so that the whole table is read, or write a query that gives one row a client."
            )
            yield MappingFault(
                ("sources", index), "a client's first row cannot be known from changed rows alone", advice
            )


def _joins(joins: Keyed[str, Join], known: list[str], place: Place) -> Iterator[MappingFault]:
    for name, join in joins.items():
        if join.lookup not in known:
            advice = f"Name a lookup that stands before: {', '.join(known) or 'there is none'}."
            yield MappingFault((*place, name, "lookup"), f"there is no lookup {join.lookup}", advice)


def _rule(rule: Rule, mapping: Mapping, place: Place) -> Iterator[MappingFault]:
    try:
        spec = spec_named(rule.message)
    except KeyError:
        advice = f"Use one of: {', '.join(message_names())}."
        yield MappingFault((*place, "message"), f"there is no message {rule.message} for units", advice)
        return
    yield from _category(rule, spec, mapping, (*place, "category"))
    yield from _fields(rule.facts, spec.facts, mapping, (*place, "facts"))
    needed = [name for name, field in spec.facts.model_fields.items() if field.is_required()]
    needed += [name for name, required in coded_fields(spec.facts).items() if required]
    for name in needed:
        if not any(given.partition(".")[0] == name for given in rule.facts):
            yield MappingFault((*place, "facts"), f"{rule.message} needs {name}", f"Add `{name}:` to its facts.")
    if rule.content and spec.sealed is None:
        yield MappingFault((*place, "content"), f"{rule.message} seals nothing", "Leave `content` out.")
    elif spec.sealed is not None:
        yield from _fields(rule.content, spec.sealed, mapping, (*place, "content"))
    if rule.when_deleted == "void" and "referral_id" not in rule.facts:
        yield MappingFault((*place, "when_deleted"), "only a referral can be void", "Write `correct` or `leave`.")


def _category(rule: Rule, spec: MessageSpec, mapping: Mapping, place: Place) -> Iterator[MappingFault]:
    allowed = spec.categories or frozenset(Category)
    if spec.categorised != (rule.category is not None):
        what = "needs a category" if spec.categorised else "has no category"
        yield MappingFault(place, f"{rule.message} {what}", "Add it." if spec.categorised else "Leave it out.")
    elif rule.category is not None:
        for value in _values(rule.category, mapping):
            if value not in allowed:
                yield MappingFault(
                    place, f"{value} is no category of {rule.message}", f"Use: {', '.join(sorted(allowed))}."
                )


def _fields(
    given: Keyed[str, Expression], model: type[BaseModel], mapping: Mapping, place: Place
) -> Iterator[MappingFault]:
    for name, expression in given.items():
        annotation = _annotation(model, name)
        if annotation is None:
            yield MappingFault((*place, name), f"there is no field {name}", f"Use: {', '.join(model.model_fields)}.")
            continue
        if isinstance(expression, CodeOf) and expression.table not in mapping.tables:
            tables = ", ".join(mapping.tables) or "there is none"
            yield MappingFault((*place, name, "table"), f"there is no table {expression.table}", f"Use: {tables}.")
            continue
        for value in _values(expression, mapping):
            if fault := _fault(model, name, value):
                yield MappingFault((*place, name), f"{value!r} cannot be {name}", f"{fault}.")


def _values(expression: Expression, mapping: Mapping) -> Iterator[str]:
    """The values that can be known without a row."""
    if isinstance(expression, ConstantOf):
        yield expression.constant
    elif isinstance(expression, CodeOf):
        yield from mapping.tables.get(expression.table, {}).values()
        if expression.otherwise is not None:
            yield expression.otherwise


def _annotation(model: type[BaseModel], name: str) -> Any:  # noqa: ANN401 - a field's type is whatever it was declared as
    """The type of a field; of an inner field for a name with a dot."""
    outer, _, inner = name.partition(".")
    field = model.model_fields.get(outer)
    if field is None:
        return None
    if inner:
        nested = [
            one
            for one in getattr(field.annotation, "__args__", ())
            if isinstance(one, type) and issubclass(one, BaseModel)
        ]
        return _annotation(nested[0], inner) if nested else None
    annotation: Any = field.annotation
    for one in field.metadata:
        annotation = Annotated[annotation, one]
    return annotation


@cache
def _adapter(model: type[BaseModel], name: str) -> TypeAdapter[Any]:
    return TypeAdapter(_annotation(model, name))


def _fault(model: type[BaseModel], name: str, value: str) -> str | None:
    try:
        _adapter(model, name).validate_python(value, strict=False)
    except ValidationError as error:
        return error.errors(include_url=False, include_input=False)[0]["msg"]
    return None
